"""Where pages of the floors below show feedback."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context

from contracts.models import Contract
from feedback import queries

register = template.Library()


@register.inclusion_tag("feedback/status.html", takes_context=True)
def feedback_status(context: Context, contract: Contract) -> dict[str, Any]:
    """One line on an ended contract, for the acting side alone; one query.

    Nothing for a contract that has not ended.
    """
    return {"standing": queries.standing(contract, context["request"].acting.actor)}
