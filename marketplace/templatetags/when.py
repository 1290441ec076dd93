"""Moments and durations on pages; docs/components.md lists the tags."""

from __future__ import annotations

from datetime import UTC, datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from marketplace import clock, moments

register = template.Library()


@register.simple_tag
def when(moment: datetime) -> SafeString:
    return _time(moment, moments.full(moment))


@register.simple_tag
def when_words(moment: datetime) -> str:
    """The full moment without markup, for plain text."""
    return moments.full(moment)


@register.simple_tag
def day(moment: datetime, *, weekday: bool = False, year: bool = True) -> SafeString:
    return _time(moment, moments.day(moment, weekday=weekday, year=year))


@register.simple_tag
def deadline(moment: datetime, *, now: datetime | None = None) -> SafeString:
    return format_html("{}, {}", when(moment), moments.left(moment, now or clock.now()))


@register.simple_tag
def left(moment: datetime, *, now: datetime | None = None) -> SafeString:
    return _time(moment, moments.left(moment, now or clock.now()))


@register.simple_tag
def ago(moment: datetime, *, now: datetime | None = None) -> SafeString:
    return _time(moment, moments.ago(moment, now or clock.now()))


@register.simple_tag
def hours(minutes: int) -> SafeString:
    return format_html('<span class="clock">{}</span>', moments.hours(minutes))


@register.simple_tag
def hours_words(minutes: int) -> str:
    """Hours and minutes without markup, for plain text."""
    return moments.hours(minutes)


def _time(moment: datetime, words: str) -> SafeString:
    """A time element that gives the full moment to whom the words are not enough."""
    full = moments.full(moment)
    if words == full:
        return format_html('<time datetime="{}">{}</time>', _iso(moment), words)
    return format_html('<time datetime="{}" title="{}">{}</time>', _iso(moment), full, words)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
