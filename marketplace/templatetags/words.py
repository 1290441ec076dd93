"""Moments as plain words, for texts that are no markup: notices and e-mails.

The same words as the tags in ``when.py`` show on pages.
"""

from __future__ import annotations

from datetime import datetime

from django import template

from marketplace import clock, moments

register = template.Library()


@register.filter
def full(moment: datetime) -> str:
    """Wednesday 2 December 2026, 15:05 (Berlin)."""
    return moments.full(moment)


@register.filter
def day(moment: datetime) -> str:
    """2 December 2026."""
    return moments.day(moment)


@register.filter
def deadline(moment: datetime) -> str:
    """Wednesday 2 December 2026, 15:05 (Berlin), in 12 days."""
    return moments.deadline(moment, clock.now())
