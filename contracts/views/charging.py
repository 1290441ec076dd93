"""What pages that charge have in common: where the money comes from, and where they lead."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import redirect

from contracts import quotes
from contracts.models import Contract
from contracts.quotes import Quote
from contracts.views.base import FormView
from marketplace.components import Effect
from payments.queries.charges import waits_to_be_confirmed

_WORDS: Final = {
    "from_escrow": ("From what is left in escrow", ""),
    "from_credit": ("From your credit", ""),
    "charge": ("Charged now", ""),
    "surplus": ("Stays as your credit", "the least a card takes"),
}


class ChargingView(FormView):
    """A form that charges: when the client's bank wants to hear from the client, it leads there."""

    def finish(self, subject: Any, receipt: str) -> HttpResponse:
        contract = subject if isinstance(subject, Contract) else subject.contract
        return to_confirmation(contract) or super().finish(subject, receipt)


def to_confirmation(contract: Contract) -> HttpResponse | None:
    """On to the charge of a contract that waits for the client's yes, if there is one."""
    charge = waits_to_be_confirmed().filter(book=contract.book_id).first()
    return redirect("confirm_charge", charge.pk) if charge else None


def sources(quote: Quote, *, seen: str = "") -> list[Effect]:
    """Where the money comes from; parts of zero are left out.

    Args:
        seen: the mark that a form was sent with; what differs from it says what it was.
    """
    before = quotes.parts_seen(quote, seen)
    return [
        Effect(
            term=_WORDS[name][0],
            detail=_WORDS[name][1],
            value=value,
            was=None if before[name] == value else before[name],
        )
        for name, value in quotes.parts(quote).items()
        if value or before[name]
    ]
