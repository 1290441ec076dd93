"""The escrow refund request: the same facts for both sides, and each side's answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render

from contracts import escrow_answers
from contracts.forms.requests import SplitForm, StatementForm
from contracts.models import Contract
from contracts.queries import RequestPage, contract_of, request_page
from contracts.queries import request_answers as answers
from contracts.queries.request_answers import Confirmation
from contracts.queries.request_clock import clock_of, days, stages_of
from contracts.queries.request_line import line_of
from contracts.queries.request_result import result_of
from marketplace import clock, moments, policy, transitions, typed, workdays
from marketplace.actors import Actor
from marketplace.refusals import InvalidInput, Overtaken, Refusal
from marketplace.views.base import ActingView
from payments import rules
from payments.models import EscrowRefundRequest, SplitProposal
from payments.states import RequestState


class RequestView(ActingView):
    """Finds a request by its contract, among those the acting party sees.

    Who comes too late is led to the request, which says what happened.
    """

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return super().dispatch(request, *args, **kwargs)
        except Overtaken as overtaken:
            messages.info(request, overtaken.sentence)
            return redirect("escrow_refund", kwargs["pk"])

    def page(self, pk: int) -> RequestPage:
        contract = self.find(_visible, book__escrow_refund_request__pk=pk)
        return request_page(contract.book.escrow_refund_request, contract, self.actor)

    def show(self, template: str, page: RequestPage, **context: Any) -> HttpResponse:
        context |= {"page": page, "contract": page.contract}
        return render(self.request, f"contracts/{template}.html", context)

    def done(self, page: RequestPage, receipt: str) -> HttpResponse:
        messages.success(self.request, receipt)
        return redirect("escrow_refund", page.request.pk)


class Request(RequestView):
    """Where it stands, what silence will do, the answers, and what happened."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        page = self.page(pk)
        line = line_of(page)
        return self.show(
            "request",
            page,
            clock=clock_of(page, since=line.since),
            result=None if page.request.is_open else result_of(page, line.payment),
            stages=stages_of(page),
            answers=[] if page.refusal else answers.answers_of(page),
            line=line,
        )


# Answers that move money or end a split: what they do is read first -----------------------------


class ConfirmView(RequestView):
    """What an answer does, and the button that gives it."""

    def get(self, request: HttpRequest, pk: int, **kwargs: Any) -> HttpResponse:
        page = self.page(pk)
        return self.show("request_confirm", page, asked=self.confirmation(page, **kwargs))

    def post(self, request: HttpRequest, pk: int, **kwargs: Any) -> HttpResponse:
        page = self.page(pk)
        return self.done(page, self.carry_out(page, **kwargs))

    def confirmation(self, page: RequestPage, **kwargs: Any) -> Confirmation:
        raise NotImplementedError

    def carry_out(self, page: RequestPage, **kwargs: Any) -> str:
        """Give the answer; the receipt says what changed."""
        raise NotImplementedError


class LetGo(ConfirmView):
    def confirmation(self, page: RequestPage, **kwargs: Any) -> Confirmation:
        page.refuse_unless_possible("accept")
        return answers.letting_go(page)

    def carry_out(self, page: RequestPage, **kwargs: Any) -> str:
        escrow_answers.let_go(page.contract, by=self.actor)
        name = page.other.name
        return f"{page.amount} went back to {name}. Nothing was taken from your balance."


class PayInstead(ConfirmView):
    def confirmation(self, page: RequestPage, **kwargs: Any) -> Confirmation:
        disputed = page.request.state in (RequestState.DISPUTED, RequestState.MEDIATING)
        page.refuse_unless_possible("concede" if disputed else "withdraw")
        return answers.paying_instead(page)

    def carry_out(self, page: RequestPage, **kwargs: Any) -> str:
        escrow_answers.pay_instead(page.contract, by=self.actor)
        name = page.other.name
        return f"{page.amount} was paid to {name}, who receives {page.net} after the fee."


class SplitView(ConfirmView):
    """About a split that one side is asked to accept."""

    def split(self, page: RequestPage, pk: int) -> SplitProposal:
        """One of this request's.

        Raises:
            Http404: it belongs to another request, or to none.
            Overtaken: it can no longer be answered.
        """
        if pk not in {one.pk for one in page.proposals}:
            raise Http404
        if page.split is None or page.split.pk != pk:
            raise Overtaken(escrow_answers.NO_SPLIT)
        return page.split

    def asked(self, page: RequestPage, pk: int) -> SplitProposal:
        """One that this side may still accept or decline."""
        found = self.split(page, pk)
        transitions.refuse_unless_possible(found, "agree", by=self.actor)
        if found.has_agreed(page.side):
            raise Overtaken("You accepted this split before.")
        return found


class AgreeToSplit(SplitView):
    def confirmation(self, page: RequestPage, **kwargs: Any) -> Confirmation:
        return answers.agreeing(page, self.asked(page, kwargs["split"]))

    def carry_out(self, page: RequestPage, **kwargs: Any) -> str:
        split = escrow_answers.agree_to_split(self.split(page, kwargs["split"]), by=self.actor)
        if split.is_open:
            return f"You accepted the split. It holds as soon as {page.other.name} accepts too."
        return "You accepted the split, and it holds. Here is who got what."


class DeclineSplit(SplitView):
    def confirmation(self, page: RequestPage, **kwargs: Any) -> Confirmation:
        return answers.declining(page, self.asked(page, kwargs["split"]))

    def carry_out(self, page: RequestPage, **kwargs: Any) -> str:
        escrow_answers.decline_split(self.split(page, kwargs["split"]), by=self.actor)
        return "You declined the split. Nothing moved, and both sides were told."


class TakeBackSplit(SplitView):
    http_method_names = ("post",)

    def carry_out(self, page: RequestPage, **kwargs: Any) -> str:
        escrow_answers.take_back_split(self.split(page, kwargs["split"]), by=self.actor)
        return "You took your split back. Your own time to answer goes on."


# Answers that are written -----------------------------------------------------------------------


class WritingView(RequestView):
    """A form for those who may answer, whatever was typed into it."""

    rule: Callable[[EscrowRefundRequest, Actor], Refusal | None] = staticmethod(
        rules.talent_answers
    )

    def allowed(self, pk: int) -> RequestPage:
        page = self.page(pk)
        rules.refuse(self.rule(page.request, self.actor))
        return page


class Split(WritingView):
    """Propose a split: its figures follow what is typed, and only those shown are proposed."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        page = self.allowed(pk)
        page.refuse_unless_possible("stop_clock")
        escrow_answers.refuse_another_split(page.request)
        return self.ask(page, self.form(page, initial=typed.kept_for(request)))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        page = self.allowed(pk)
        form = self.form(page, request.POST)
        if not form.is_valid() or "update" in request.POST:
            return self.ask(page, form)
        if not form.has_shown:
            form.add_error(None, "Here is what you propose. Confirm it with Propose a split.")
            return self.ask(page, form)
        try:
            escrow_answers.propose_split(
                page.contract,
                to_talent=form.cleaned_data["to_talent"],
                message=form.cleaned_data["message"],
                key=form.cleaned_data["key"],
                by=self.actor,
            )
        except InvalidInput as refused:
            form.refuse(refused)
            return self.ask(page, form)
        return self.done(
            page,
            f"You proposed {form.split} for you. {page.other.name} was told; your own time stands"
            f" still meanwhile.",
        )

    def form(self, page: RequestPage, *args: Any, **kwargs: Any) -> SplitForm:
        return SplitForm(*args, whole=page.amount, other=page.other.name, **kwargs)

    def ask(self, page: RequestPage, form: SplitForm) -> HttpResponse:
        split, now = form.split, clock.now()
        left = page.answer_by - now if page.answer_by else policy.SPLIT_REST
        return self.show(
            "request_split",
            page,
            form=form,
            parts=page.parts(split),
            effects=answers.splitting(page, split) if split else [],
            shown=split.typed() if split else "",
            until=workdays.after(now, policy.ESCROW_CLIENT_WORKDAYS),
            rest=days(max(left, policy.SPLIT_REST)),
            least=days(policy.SPLIT_REST),
        )


class StatementView(WritingView):
    """Say something about the request, with links."""

    template: str
    asks: str

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        page = self.allowed(pk)
        self.check(page)
        return self.ask(page, self.form(page, initial=typed.kept_for(request)))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        page = self.allowed(pk)
        form = self.form(page, request.POST)
        if not form.is_valid():
            return self.ask(page, form)
        try:
            receipt = self.say(page, form.cleaned_data)
        except InvalidInput as refused:
            form.refuse(refused)
            return self.ask(page, form)
        return self.done(page, receipt)

    def form(self, page: RequestPage, *args: Any, **kwargs: Any) -> StatementForm:
        return StatementForm(*args, asks=self.asks, other=page.other.name, **kwargs)

    def ask(self, page: RequestPage, form: StatementForm) -> HttpResponse:
        until = workdays.after(clock.now(), policy.ESCROW_CLIENT_WORKDAYS)
        return self.show(self.template, page, form=form, until=until)

    def check(self, page: RequestPage) -> None:
        raise NotImplementedError

    def say(self, page: RequestPage, said: dict[str, Any]) -> str:
        """Say it; the receipt says what changed."""
        raise NotImplementedError


class Dispute(StatementView):
    template = "request_dispute"
    asks = "Why should it not go back?"

    def check(self, page: RequestPage) -> None:
        page.refuse_unless_possible("dispute")

    def say(self, page: RequestPage, said: dict[str, Any]) -> str:
        request = escrow_answers.dispute(
            page.contract, text=said["text"], links=said["links"], by=self.actor
        )
        assert request.answer_by is not None
        return (
            f"You disputed the return. {page.other.name} was told and has until"
            f" {moments.full(request.answer_by)} to answer."
        )


class Reject(StatementView):
    rule = staticmethod(rules.client_answers)
    template = "request_reject"
    asks = "Why do you reject the dispute?"

    def check(self, page: RequestPage) -> None:
        page.refuse_unless_possible("reject")

    def say(self, page: RequestPage, said: dict[str, Any]) -> str:
        escrow_answers.reject(page.contract, text=said["text"], links=said["links"], by=self.actor)
        return f"You rejected the dispute. {page.amount} stays in escrow, and support mediates."


class Add(StatementView):
    rule = staticmethod(rules.either_side_answers)
    template = "request_add"
    asks = "What do you want to add?"

    def check(self, page: RequestPage) -> None:
        rules.refuse(rules.adds_statement(page.request, self.actor))

    def say(self, page: RequestPage, said: dict[str, Any]) -> str:
        escrow_answers.add_statement(page.contract, **said, by=self.actor)
        return f"It was added, and {page.other.name} was told."


def _visible(actor: Actor) -> QuerySet[Contract]:
    return contract_of(Contract.objects.visible_to(actor))
