"""A charge that the client's bank wants confirmed: the way to the bank's page, and back."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from marketplace.actors import Actor
from marketplace.refusals import NotYours
from marketplace.views.base import ActingView
from payments import operations, rules
from payments.models import GatewayOperation
from payments.queries.charges import confirmed_until
from payments.states import OperationKind, OperationState


def charges_of(actor: Actor) -> QuerySet[GatewayOperation]:
    """Charges of the acting client."""
    charges = GatewayOperation.objects.filter(kind=OperationKind.CHARGE, book__client=actor.party)
    return charges.select_related("book__client")


class ConfirmChargeView(ActingView):
    """A link to the bank's page while it waits; else the contract, with what became of it.

    The bank's page is never opened by a redirect: forms lead here, and browsers let a form of ours
    end on pages of ours alone.
    """

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        refusal = rules.sees_money(self.party, self.actor)
        if refusal is not None:
            raise NotYours(refusal)
        charge = self.find(charges_of, pk=pk)
        page = operations.confirm_page(charge)
        charge.refresh_from_db()
        if charge.is_open and (page or charge.confirm_since):
            return self.ask(charge, page)
        messages.info(request, _became(charge))
        assert charge.book is not None
        return redirect("room", charge.book.reference)

    def ask(self, charge: GatewayOperation, page: str) -> HttpResponse:
        """What is to be confirmed; ``page`` is empty while the bank's page cannot be had."""
        context = {"charge": charge, "page": page, "until": confirmed_until(charge)}
        return render(self.request, "payments/charge_confirm.html", context)


def _became(charge: GatewayOperation) -> str:
    """What the client reads who comes back from the bank, or comes late."""
    if charge.is_open:
        return f"The charge of {charge.amount} is still open. You will be told how it ends."
    if charge.state == OperationState.SUCCEEDED:
        return f"{charge.amount} was charged. Nothing is left to confirm."
    return f"The charge of {charge.amount} ended: {charge.declined_because}"
