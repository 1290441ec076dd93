"""Give a refund, asked for or not."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from marketplace import clock, typed
from marketplace.actors import Actor
from marketplace.components import Effect
from marketplace.refusals import InvalidInput, NotYours, Overtaken
from marketplace.views.base import ActingView
from payments import queries, refunds, rules
from payments.forms import DeclineForm, RefundForm
from payments.models import Payment, Refund
from payments.models.payment import PaymentQuerySet
from payments.queries import RefundPage
from payments.refunds import RefundPreview


class TalentsPaymentView(ActingView):
    """Finds a payment for the talent's owners and managers, and shows what they can do with it."""

    def payment(self, pk: int) -> Payment:
        payment = self.find(payments_with_sides, pk=pk)
        refusal = rules.talent_refunds(payment, self.actor)
        if refusal is not None:
            raise NotYours(refusal)
        return payment

    def show(
        self,
        page: RefundPage,
        form: RefundForm,
        planned: RefundPreview | None = None,
        decline: DeclineForm | None = None,
    ) -> HttpResponse:
        payment = page.payment
        context: dict[str, Any] = {
            "payment": payment,
            "form": form,
            "decline": decline or DeclineForm(),
            "page": page,
            "planned": planned,
            "effects": [],
            "confirm_label": "",
            "why_not": str(rules.still_refundable(payment, clock.now()) or ""),
        }
        if planned is not None:
            form.show(planned)
            context["effects"] = _effects(payment, planned)
            context["confirm_label"] = f"Refund {planned.amount}"
        return render(self.request, "payments/refund.html", context)


class GiveRefundView(TalentsPaymentView):
    """Choose an amount, read what it does, confirm; nothing moves before its figures were read."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        payment = self.payment(pk)
        page = queries.refund_page(payment)
        return self.show(page, RefundForm(payment, page.waits, initial=typed.kept_for(request)))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        payment = self.payment(pk)
        page = queries.refund_page(payment)
        form = RefundForm(payment, page.waits, request.POST)
        if "confirm" in request.POST and (earlier := self._earlier(payment, form)):
            return self._given(earlier)
        if not form.is_valid():
            return self.show(page, form)
        try:
            planned = refunds.preview(payment, form.chosen, page.balances)
            if "confirm" not in request.POST or not form.has_shown(planned):
                return self.show(page, form, planned)
            refund = refunds.give(
                payment,
                amount=form.chosen,
                reason=form.cleaned_data["reason"],
                key=form.cleaned_data["key"],
                answers=page.waits,
                by=self.actor,
            )
        except InvalidInput as refused:
            form.refuse(refused)
            return self.show(page, form)
        except Overtaken as overtaken:
            messages.info(request, overtaken.sentence)
            return redirect("give_refund", pk)
        return self._given(refund)

    def _earlier(self, payment: Payment, form: RefundForm) -> Refund | None:
        """What this very form did before: a second click gets the first one's answer."""
        refund = refunds.given_with(form["key"].value() or "", payment)
        return refund if refund is not None and form.led_to(refund) else None

    def _given(self, refund: Refund) -> HttpResponse:
        messages.success(self.request, _receipt(refund))
        return redirect("payments")


def payments_with_sides(actor: Actor) -> PaymentQuerySet:
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
