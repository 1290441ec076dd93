"""Ask for a refund: the client's page about a payment, and how a request is closed without one."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from marketplace import moments, typed
from marketplace.refusals import InvalidInput, NotYours, Overtaken
from marketplace.views.base import ActingView
from payments import queries, refund_requests, rules
from payments.forms import AskRefundForm, DeclineForm, RefundForm
from payments.models import Payment, RefundRequest
from payments.views.payments import row_id
from payments.views.refund import TalentsPaymentView, payments_with_sides


class ClientsPaymentView(ActingView):
    """Finds a payment for the client's owners and managers."""

    def payment(self, pk: int) -> Payment:
        payment = self.find(payments_with_sides, pk=pk)
        refusal = rules.client_asks(payment, self.actor)
        if refusal is not None:
            raise NotYours(refusal)
        return payment


class AskRefundView(ClientsPaymentView):
    """Ask, or read what became of it."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        payment = self.payment(pk)
        return self.show(payment, AskRefundForm(payment, initial=typed.kept_for(request)))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        payment = self.payment(pk)
        form = AskRefundForm(payment, request.POST)
        if not form.is_valid():
            return self.show(payment, form)
        try:
            asked = refund_requests.ask(
                payment,
                amount=form.chosen,
                reason=form.cleaned_data["reason"],
                key=form.cleaned_data["key"],
                by=self.actor,
            )
        except InvalidInput as refused:
            form.refuse(refused)
            return self.show(payment, form)
        except Overtaken as overtaken:
            messages.info(request, overtaken.sentence)
        else:
            messages.success(request, _asked(asked))
        return redirect("ask_refund", pk)

    def show(self, payment: Payment, form: AskRefundForm) -> HttpResponse:
        page = queries.ask_page(payment, self.actor)
        context = {"payment": payment, "page": page, "form": form}
        return render(self.request, "payments/ask.html", context)


class WithdrawRefundRequestView(ClientsPaymentView):
    """The client takes back what waits."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        payment = self.payment(pk)
        try:
            refund_requests.withdraw(request_meant(payment, request), by=self.actor)
        except Overtaken as overtaken:
            messages.info(request, overtaken.sentence)
        else:
            name = payment.book.talent.name
            messages.success(request, f"You took the request back, and {name} was told.")
        return redirect("ask_refund", pk)


class DeclineRefundRequestView(TalentsPaymentView):
    """The talent says no to what waits, with or without a reason."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        payment, decline = self.payment(pk), DeclineForm(request.POST)
        if not decline.is_valid():
            page = queries.refund_page(payment)
            return self.show(page, RefundForm(payment, page.waits), decline=decline)
        because = decline.cleaned_data["because"]
        try:
            asked = request_meant(payment, request)
            refund_requests.decline(asked, because=because, by=self.actor)
        except Overtaken as overtaken:
            messages.info(request, overtaken.sentence)
        else:
            name = payment.book.client.name
            messages.success(request, f"You declined, and {name} was told. No money moved.")
        return redirect("give_refund", pk)


def request_meant(payment: Payment, request: HttpRequest) -> RefundRequest:
    """The one that the page was about, by the form's ``asked``; the last one for other callers.

    One that is closed is found too: its state then says what happened.

    Raises:
        Http404: nothing was ever asked, or this was not.
    """
    meant = request.POST.get("asked", "")
    asked = payment.refund_requests.order_by("asked_at", "pk")
    found = asked.filter(pk=row_id(meant) or 0).first() if meant else asked.last()
    if found is None:
        raise Http404
    found.payment = payment
    return found


def _asked(request: RefundRequest) -> str:
    name = request.book.talent.name
    return (
        f"You asked {name} for {request.amount} back. {name} was told, and may refund all or part"
        f" of it, decline, or leave it. Unanswered, the request is over after"
        f" {moments.full(request.until)}."
    )
