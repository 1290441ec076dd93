"""The escrow refund request: the same facts for both sides, and each side's answer."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from contracts import escrow_answers, queries
from contracts.forms import ReasonForm
from contracts.models import Contract
from contracts.queries import contract_of
from marketplace.actors import Actor
from marketplace.refusals import InvalidInput, Overtaken
from marketplace.views.base import ActingView


class RequestView(ActingView):
    """Finds a request by its contract, among those the acting party sees."""

    def contract(self, pk: int) -> Contract:
        return self.find(_visible, book__escrow_refund_request__pk=pk)

    def show(self, contract: Contract, form: ReasonForm) -> HttpResponse:
        page = queries.request_page(contract.book.escrow_refund_request, contract, self.actor)
        context = {"page": page, "contract": contract, "form": form}
        return render(self.request, "contracts/request.html", context)


class Request(RequestView):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self.show(self.contract(pk), ReasonForm())


class LetGo(RequestView):
    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        contract = self.contract(pk)
        return _answer(
            request,
            pk,
            lambda: escrow_answers.let_go(contract, by=self.actor),
            f"It went back to {contract.client.name}. Nothing was taken from your balance.",
        )


class PayInstead(RequestView):
    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        contract = self.contract(pk)
        return _answer(
            request,
            pk,
            lambda: escrow_answers.pay_instead(contract, by=self.actor),
            f"{contract.talent.name} is paid the whole of it, and was told.",
        )


class Decline(RequestView):
    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        contract, form = self.contract(pk), ReasonForm(request.POST)
        if not form.is_valid():
            return self.show(contract, form)
        try:
            escrow_answers.dispute(contract, text=form.cleaned_data["because"], by=self.actor)
        except InvalidInput as refused:
            form.refuse(refused)
            return self.show(contract, form)
        except Overtaken as overtaken:
            messages.info(request, overtaken.sentence)
        else:
            messages.success(request, "You declined. The money stays in escrow; support decides.")
        return redirect("escrow_refund", pk)


def _answer(request: HttpRequest, pk: int, does: Any, receipt: str) -> HttpResponse:
    try:
        does()
    except Overtaken as overtaken:
        messages.info(request, overtaken.sentence)
    else:
        messages.success(request, receipt)
    return redirect("escrow_refund", pk)


def _visible(actor: Actor) -> QuerySet[Contract]:
    return contract_of(Contract.objects.visible_to(actor))
