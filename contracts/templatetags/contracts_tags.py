"""Where pages of the floors below name contracts."""

from __future__ import annotations

from django import template

from contracts.models import Contract
from contracts.queries.charged import hours_charged_to
from marketplace.models import Party

register = template.Library()


@register.simple_tag
def charged_hours(client: Party) -> dict[str, list[Contract]]:
    """The client's hourly contracts by what their hours are charged to; one query."""
    return hours_charged_to(client)


@register.filter
def charged_to(charged: dict[str, list[Contract]], method: str) -> list[Contract]:
    """Those of them that are charged to this way to pay."""
    return charged.get(method, [])
