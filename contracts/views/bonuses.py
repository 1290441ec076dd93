"""Pages about bonuses: the client gives one; the talent of an ended hourly contract asks."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from contracts import bonuses, quotes, rules
from contracts.forms.bonuses import AskForm, BonusForm, DeclineForm
from contracts.models import Bonus, BonusRequest, Contract
from contracts.queries import bonuses as queries
from contracts.queries.bonuses import BonusFigures
from contracts.views.base import ContractView, FormView
from contracts.views.charging import ChargingView, sources
from marketplace import clock, moments
from marketplace.actors import Actor
from marketplace.components import Effect
from marketplace.refusals import (
    FiguresChanged,
    InvalidInput,
    KeyReused,
    NotYours,
    Overtaken,
    Refused,
)
from payments import gateways


class Give(ChargingView):
    """How much, where it comes from, what is received; then *Give bonus*.

    Where the talent has asked for one the page is about that: the amount asked for stands in the
    field, may be changed, and the request can be declined.
    """

    template = "contracts/bonus.html"

    def subject(self, **where: Any) -> Contract:
        return self.agreed(where["reference"])

    def check(self, subject: Contract) -> None:
        rules.refuse(rules.may_give_bonus(subject, self.actor, now=clock.now()))
        bonuses.refuse_while_charged(subject)

    def form(self, subject: Contract, *args: Any) -> BonusForm:
        request = queries.waiting_request(subject)
        initial = {"amount": request.amount, "request": request.pk} if request else {}
        methods = gateways.gateway().methods(subject.client)
        return BonusForm(*args, contract=subject, methods=methods, initial=initial)

    def context(self, subject: Contract, form: BonusForm) -> dict[str, Any]:
        page = queries.bonus_page(subject)
        figures = queries.bonus_figures(subject, form.bonus) if form.bonus else None
        if not page.credit:
            form.ask_for_method()
        return {
            "heading": "Give a bonus",
            "method_needed": "when something is charged" if page.credit else "",
            "page": page,
            "figures": figures,
            "effects": _effects(subject, form, figures) if figures else [],
            "shown": quotes.mark(figures.quote) if figures else "",
            "decline_form": DeclineForm(other=subject.talent.name),
        }

    def unseen(self, subject: Contract, form: BonusForm) -> str:
        if quotes.is_mark_of(form.seen, form.cleaned_data["amount"]):
            return ""
        return "Here is what this bonus takes. Confirm it with Give bonus."

    def carry_out(self, subject: Contract, form: BonusForm) -> str:
        try:
            bonus = bonuses.give(
                subject,
                amount=form.cleaned_data["amount"],
                note=form.cleaned_data["note"],
                method=form.cleaned_data["method"],
                key=form.cleaned_data["key"],
                seen=form.seen,
                request=_asked(subject, form.cleaned_data["request"]),
                by=self.actor,
            )
        except (NotYours, Overtaken, FiguresChanged, InvalidInput, KeyReused):
            raise
        except Refused as declined:
            form.try_again()
            raise InvalidInput(declined.sentence, field="method") from declined
        return _receipt(bonus)


class Ask(FormView):
    """The talent asks for a bonus for time that the locked diary does not have."""

    template = "contracts/bonus_ask.html"

    def subject(self, **where: Any) -> Contract:
        return self.agreed(where["reference"])

    def check(self, subject: Contract) -> None:
        rules.refuse(rules.may_ask_for_bonus(subject, self.actor, now=clock.now()))
        refusal = bonuses.may_ask_again(subject)
        if refusal:
            raise Overtaken(refusal)

    def form(self, subject: Contract, *args: Any) -> AskForm:
        return AskForm(*args, contract=subject)

    def context(self, subject: Contract, form: AskForm) -> dict[str, Any]:
        asked = form.asked
        return {
            "heading": "Ask for a bonus for unrecorded time",
            "until": rules.bonus_until(subject),
            "asked": asked,
            "shown": asked.typed(),
            "effects": _effects_of_asking(subject, form) if form.time else [],
            "submit": "Ask for a bonus",
        }

    def unseen(self, subject: Contract, form: AskForm) -> str:
        if form.cleaned_data["shown"] == form.asked.typed():
            return ""
        return "Here is what you ask for. Send it with Ask for a bonus."

    def carry_out(self, subject: Contract, form: AskForm) -> str:
        request = bonuses.ask(
            subject,
            minutes=form.time,
            amount=form.asked,
            reason=form.cleaned_data["reason"],
            key=form.cleaned_data["key"],
            by=self.actor,
        )
        return (
            f"You asked for a bonus of {request.amount}. {subject.client.name} decides, and may"
            " leave it. You will be told."
        )


class RequestView(ContractView):
    """Finds a talent's request of a contract that the acting party sees."""

    def asked(self, pk: int) -> BonusRequest:
        return self.find(_requests, pk=pk)


class Decline(RequestView):
    def post(self, request: HttpRequest, reference: str, pk: int) -> HttpResponse:
        asked, form = self.asked(pk), DeclineForm(request.POST, other="")
        if not form.is_valid():
            messages.error(request, " ".join(map(str, form.errors["because"])))
            return self.to_room()
        because = form.cleaned_data["because"]
        name = asked.contract.talent.name
        return self.act(
            lambda: bonuses.decline_request(asked, because=because, by=self.actor),
            f"You declined the bonus. {name} is told; nothing is charged.",
        )


class Withdraw(RequestView):
    def post(self, request: HttpRequest, reference: str, pk: int) -> HttpResponse:
        asked = self.asked(pk)
        return self.act(
            lambda: bonuses.withdraw_request(asked, by=self.actor),
            f"You took your request back. {asked.contract.client.name} is told.",
        )


def _requests(actor: Actor) -> QuerySet[BonusRequest]:
    seen = BonusRequest.objects.filter(contract__in=Contract.objects.visible_to(actor))
    return seen.select_related("contract__client", "contract__talent")


def _asked(contract: Contract, pk: int | None) -> BonusRequest | None:
    """The request that the page was about.

    Raises:
        Overtaken: there is none of that number on this contract.
    """
    if pk is None:
        return None
    found = contract.bonus_requests.filter(pk=pk).first()
    if found is None:
        raise Overtaken("This request is over.")
    return found


def _effects(contract: Contract, form: BonusForm, figures: BonusFigures) -> list[Effect]:
    """Where it comes from, and what is received of it."""
    fee = figures.amount - figures.receives
    return [
        *sources(figures.quote, seen=form.seen_for(figures.amount)),
        Effect(
            term=f"{contract.talent.name} receives",
            value=figures.receives,
            detail=f"{fee} fee; available from {moments.day(figures.available_at)}",
        ),
    ]


def _effects_of_asking(contract: Contract, form: AskForm) -> list[Effect]:
    book = contract.book
    return [
        Effect(
            term=f"{moments.hours(form.time)} at {form.rate} an hour",
            value=form.worth,
        ),
        Effect(term="You receive, after the fee", value=book.net_of(form.asked)),
    ]


def _receipt(bonus: Bonus) -> str:
    payment, name = bonus.payment, bonus.contract.talent.name
    if payment is None:
        return "Your charge was sent, and the answer is not in yet. You will be told."
    return (
        f"You gave {name} a bonus of {payment.gross}. {name} receives {payment.net} after the fee,"
        f" available from {moments.day(payment.available_at)}."
    )
