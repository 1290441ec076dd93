"""A charge that the client's bank wants confirmed: the way to the bank's page, and back."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from marketplace.actors import Actor
from marketplace.refusals import NotYours
from marketplace.views.base import ActingView
from payments import operations, rules
from payments.models import GatewayOperation
from payments.states import OperationKind, OperationState


def charges_of(actor: Actor) -> QuerySet[GatewayOperation]:
    """Charges of the acting client."""
    charges = GatewayOperation.objects.filter(kind=OperationKind.CHARGE, book__client=actor.party)
    return charges.select_related("book")


class ConfirmChargeView(ActingView):
    """Leads on to the bank while it waits; else back to the contract, with what became of it."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        refusal = rules.sees_money(self.party, self.actor)
        if refusal is not None:
            raise NotYours(refusal)
        charge = self.find(charges_of, pk=pk)
        page = operations.confirm_page(charge)
        if page:
            return redirect(page)
        charge.refresh_from_db()
        messages.info(request, _became(charge))
        assert charge.book is not None
        return redirect("room", charge.book.reference)


def _became(charge: GatewayOperation) -> str:
    """What the client reads who comes back from the bank, or comes late."""
    if charge.is_open:
        return f"The charge of {charge.amount} is still open. You will be told how it ends."
    if charge.state == OperationState.SUCCEEDED:
        return f"{charge.amount} was charged. Nothing is left to confirm."
    return f"The charge of {charge.amount} ended: {charge.declined_because}"
