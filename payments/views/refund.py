"""Give a refund."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from marketplace import clock, typed
from marketplace.actors import Actor
from marketplace.components import Effect
from marketplace.refusals import InvalidInput, NotYours
from marketplace.views.base import ActingView
from payments import queries, refunds, rules
from payments.forms import RefundForm
from payments.models import Payment, Refund
from payments.models.payment import PaymentQuerySet
from payments.queries import RefundPage
from payments.refunds import RefundPreview


class GiveRefundView(ActingView):
    """Choose an amount, read what it does, confirm; nothing moves before its figures were read."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        payment = self._payment(pk)
        refusal = rules.still_refundable(payment, clock.now())
        if refusal is not None:
            context = {
                "payment": payment,
                "page": queries.refund_page(payment),
                "why_not": refusal.sentence,
            }
            return render(request, "payments/refund_closed.html", context)
        form = RefundForm(payment, initial=typed.kept_for(request))
        return self._show(queries.refund_page(payment), form)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        payment = self._payment(pk)
        page, form = queries.refund_page(payment), RefundForm(payment, request.POST)
        if not form.is_valid():
            return self._show(page, form)
        if "confirm" in request.POST and (earlier := self._earlier(payment, form)):
            return self._given(earlier)
        try:
            planned = refunds.preview(payment, form.refund, page.balances)
            if "confirm" not in request.POST or not form.has_shown(planned):
                return self._show(page, form, planned)
            refund = refunds.give(
                payment,
                amount=form.refund,
                reason=form.cleaned_data["reason"],
                key=form.cleaned_data["key"],
                by=self.actor,
            )
        except InvalidInput as refused:
            form.refuse(refused.sentence)
            return self._show(page, form)
        return self._given(refund)

    def _payment(self, pk: int) -> Payment:
        payment = self.find(_payments, pk=pk)
        refusal = rules.talent_refunds(payment, self.actor)
        if refusal is not None:
            raise NotYours(refusal)
        return payment

    def _earlier(self, payment: Payment, form: RefundForm) -> Refund | None:
        """What this very form did before: a second click gets the first one's answer."""
        refund = refunds.given_with(form.cleaned_data["key"], payment)
        return refund if refund is not None and form.has_shown(refund) else None

    def _given(self, refund: Refund) -> HttpResponse:
        messages.success(self.request, _receipt(refund))
        return redirect("payments")

    def _show(
        self, page: RefundPage, form: RefundForm, planned: RefundPreview | None = None
    ) -> HttpResponse:
        payment = page.payment
        context: dict[str, Any] = {
            "payment": payment,
            "form": form,
            "page": page,
            "planned": planned,
            "effects": [],
            "confirm_label": "",
        }
        if planned is not None:
            form.show(planned)
            context["effects"] = _effects(payment, planned)
            context["confirm_label"] = f"Refund {planned.amount}"
        return render(self.request, "payments/refund.html", context)


def _payments(actor: Actor) -> PaymentQuerySet:
    return Payment.objects.visible_to(actor).select_related("book__client", "book__talent")


def _effects(payment: Payment, planned: RefundPreview) -> list[Effect]:
    before, after = planned.before, planned.after
    effects = [
        Effect(term=f"{payment.book.client.name} gets back", value=planned.amount),
        Effect(term="Fee returned to you", value=planned.fee),
        Effect(term="You pay", value=planned.cost),
    ]
    if planned.from_pending:
        effects.append(
            Effect(
                term="From this payment's pending money",
                value=planned.from_pending,
                detail=f"{before.pending} before, {after.pending} after",
            )
        )
    if planned.from_available:
        effects.append(
            Effect(
                term="From your available balance",
                value=planned.from_available,
                detail=f"{before.available} before, {after.available} after",
            )
        )
    return effects


def _receipt(refund: Refund) -> str:
    book = refund.payment.book
    cost = refund.amount - refund.fee
    return (
        f"You refunded {refund.amount} to {book.client.name}. {cost} came out of your balance;"
        f" {refund.fee} of the fee was returned. It is in {book.client.name}'s credit now."
    )
