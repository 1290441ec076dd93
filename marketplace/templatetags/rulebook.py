"""Numbers of the rule book in texts, so that no template names them itself."""

from __future__ import annotations

from datetime import timedelta

from django import template

from marketplace import policy

register = template.Library()


@register.simple_tag
def days_of(window: str) -> str:
    """How long a window is: ``{% days_of "REFUND_WINDOW" %}`` gives *180 days*."""
    days: int = policy.RULES[window].value.days
    return "1 day" if days == 1 else f"{days} days"


@register.simple_tag
def number_of(rule: str) -> int:
    """A number of things: ``{% number_of "ESCROW_CLIENT_WORKDAYS" %}`` gives *5*."""
    number: int = policy.RULES[rule].value
    return number


@register.simple_tag
def minutes_of(window: str) -> str:
    """The same in minutes: ``{% minutes_of "SEGMENT" %}`` gives *10 minutes*."""
    minutes = policy.RULES[window].value // timedelta(minutes=1)
    return "1 minute" if minutes == 1 else f"{minutes} minutes"


@register.simple_tag
def hours_of(window: str) -> str:
    """The same in hours: ``{% hours_of "LONGEST_TIMER" %}`` gives *12 hours*."""
    hours = policy.RULES[window].value // timedelta(hours=1)
    return "1 hour" if hours == 1 else f"{hours} hours"
