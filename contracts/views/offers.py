"""Making an offer, and answering one."""

from __future__ import annotations

from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.validators import slug_re
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from contracts import assignments, offers, rules, weeks
from contracts.forms.offers import NewContractForm, OfferForm
from contracts.forms.terms import AcceptForm, HourlyOfferForm
from contracts.models import Contract
from contracts.offers import HourlyTerms, MilestoneDraft
from contracts.states import ContractKind, MilestoneState, Side
from contracts.views.base import ContractView
from contracts.views.charging import to_confirmation
from marketplace import clock, parties, typed
from marketplace.components import Tab
from marketplace.models import Party
from marketplace.refusals import InvalidInput, NotYours
from marketplace.states import TALENT_KINDS, PartyKind
from marketplace.views.base import ActingView
from payments import gateways
from payments.states import OPEN_OPERATIONS

PARTNERS = 20


class NewContract(ActingView):
    """A client makes an offer, perhaps with the terms of a contract that has ended."""

    def get(self, request: HttpRequest) -> HttpResponse:
        if not self.party.is_client:
            return render(request, "contracts/new_contract_for_clients.html", status=403)
        return self.show(self.form(initial=self.initial() | typed.kept_for(request)))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = self.form(request.POST, initial=self.initial())
        if not form.is_valid():
            return self.show(form)
        try:
            contract = self.make(form)
        except InvalidInput as refused:
            form.refuse(refused)
            return self.show(form)
        messages.success(request, _sent(contract))
        return to_confirmation(contract) or redirect("offer", contract.reference)

    def make(self, form: Any) -> Contract:
        cleaned = form.cleaned_data
        offer: dict[str, Any] = {
            "talent": self.talent(form),
            "title": cleaned["title"],
            "description": cleaned["description"],
            "follows": self.again,
            "key": cleaned["key"],
            "by": self.actor,
        }
        if self.is_hourly:
            return offers.make_hourly(**offer, terms=_terms(cleaned))
        return offers.make(
            **offer,
            currency=cleaned["currency"],
            milestones=[self.draft(form), *self.further],
            fund_first=cleaned["fund"] == "now",
            method=cleaned["method"],
        )

    def show(self, form: NewContractForm) -> HttpResponse:
        context = {
            "form": form,
            "again": self.again,
            "further": self.further,
            "is_hourly": self.is_hourly,
            "kinds": [] if self.again else self.kinds(),
        }
        return render(self.request, "contracts/new_contract.html", context)

    @cached_property
    def is_hourly(self) -> bool:
        """What the address asks for, or what the contract was that starts again."""
        again = self.again
        return again.is_hourly if again else self.request.GET.get("kind") == ContractKind.HOURLY

    def kinds(self) -> list[Tab]:
        """The same page for the other kind; whom a link named stays."""
        to = self.request.GET.get("to", "")
        return [
            Tab(
                label=kind.label,
                url=f"?{urlencode({'kind': kind.value} | ({'to': to} if to else {}))}",
                current=(kind is ContractKind.HOURLY) is self.is_hourly,
            )
            for kind in ContractKind
        ]

    def form(self, *args: Any, **kwargs: Any) -> NewContractForm:
        kind = HourlyOfferForm if self.is_hourly else OfferForm
        return kind(
            *args,
            partners=[(str(one.pk), one.name) for one in self.partners()],
            methods=gateways.gateway().methods(self.party),
            **kwargs,
        )

    def partners(self) -> list[Party]:
        """Earlier partners, and the one a link named."""
        known = Party.objects.filter(kind__in=TALENT_KINDS, talent_contracts__client=self.party)
        found = list(known.distinct().order_by("name", "pk")[:PARTNERS])
        named = self.named
        return [named, *(one for one in found if one != named)] if named else found

    @cached_property
    def named(self) -> Party | None:
        """Who the link ``?to=`` leads to, or the talent of the contract that starts again."""
        again = self.again
        if again is not None:
            return again.talent
        slug = self.request.GET.get("to", "")
        if not slug_re.match(slug):
            return None
        return Party.objects.filter(slug=slug, kind__in=TALENT_KINDS).first()

    @cached_property
    def again(self) -> Contract | None:
        """The ended contract that ``?again=`` names."""
        reference = self.request.GET.get("again", "")
        if not reference:
            return None
        if not slug_re.match(reference):
            raise Http404
        contract: Contract = self.find(_ended, reference=reference)
        refusal = rules.may_start_again(contract, self.actor)
        if refusal is not None:
            raise NotYours(refusal)
        return contract

    def initial(self) -> dict[str, Any]:
        named, again = self.named, self.again
        initial: dict[str, Any] = {"talent": str(named.pk)} if named else {}
        if again is not None:
            names = ("title", "description", "currency")
            initial |= {name: getattr(again, name) for name in names}
            initial |= _hourly_terms(again) if again.is_hourly else _first_milestone(again)
        return initial

    @cached_property
    def further(self) -> list[MilestoneDraft]:
        """The other milestones that were open when the contract that starts again ended."""
        again = self.again
        if again is None or again.is_hourly:
            return []
        today = clock.now().date()
        return [
            MilestoneDraft(
                one.title, one.amount, one.due_on if one.due_on and one.due_on >= today else None
            )
            for one in _open_at_the_end(again)[1:]
        ]

    def talent(self, form: NewContractForm) -> Party:
        if form.by_email:
            return parties.talent_by_email(form.cleaned_data["email"])
        return Party.objects.get(pk=form.cleaned_data["talent"])

    def draft(self, form: Any) -> MilestoneDraft:
        cleaned = form.cleaned_data
        return MilestoneDraft(cleaned["milestone"], cleaned["amount"], cleaned["due_on"])


class Offer(ContractView):
    """The terms, for both sides, and what became of the offer."""

    def get(self, request: HttpRequest, reference: str) -> HttpResponse:
        contract = self.contract(reference)
        return self.show(contract, self.accept_form(contract))

    def show(self, contract: Contract, form: AcceptForm | None) -> HttpResponse:
        is_talent = contract.side_of(self.party.pk) is Side.TALENT
        rule = rules.talent_answers_offer if is_talent else rules.client_withdraws_offer
        context = {
            "contract": contract,
            "form": form,
            "is_talent": is_talent,
            "other": contract.client if is_talent else contract.talent,
            "why_not": rule(contract, self.actor),
            "is_due": contract.is_offered and contract.expires_at <= clock.now(),
            "fee_percent": f"{contract.book.talent_fee / 100:g} %",
        }
        context |= _hours(contract) if contract.is_hourly else _milestones(contract)
        return render(self.request, "contracts/offer.html", context)

    def accept_form(self, contract: Contract, data: Any = None) -> AcceptForm | None:
        """For an agency's owners and managers: who works on it, at first whoever accepts."""
        answers = rules.talent_answers_offer(contract, self.actor) is None
        if not (answers and contract.is_offered and contract.talent.kind == PartyKind.AGENCY):
            return None
        initial = {"works": [str(self.membership.pk)]}
        return AcceptForm(data, team=list(assignments.team_of(contract)), initial=initial)


class Accept(Offer):
    """Accepts; without a choice of people whoever accepts works on it."""

    http_method_names = ("post", "options")

    def post(self, request: HttpRequest, reference: str) -> HttpResponse:
        contract = self.contract(reference)
        form = self.accept_form(contract, request.POST)
        if form is not None and not form.is_valid():
            return self.show(contract, form)
        works = form.chosen if form else []
        return self.act(
            lambda: offers.accept(contract, works=works, by=self.actor),
            f"You accepted. {contract.title} is active now.",
        )


class Decline(ContractView):
    def post(self, request: HttpRequest, reference: str) -> HttpResponse:
        contract = self.contract(reference)
        return self.act(
            lambda: offers.decline(contract, by=self.actor),
            f"You declined the offer. {contract.client.name} was told.",
        )


class Withdraw(ContractView):
    def post(self, request: HttpRequest, reference: str) -> HttpResponse:
        contract = self.contract(reference)
        return self.act(
            lambda: offers.withdraw(contract, by=self.actor),
            "You withdrew the offer."
            if contract.is_hourly
            else "You withdrew the offer. Money that was in escrow for it is your credit again.",
        )


def _ended(actor: Any) -> QuerySet[Contract]:
    return Contract.objects.visible_to(actor).select_related("client", "talent")


def _open_at_the_end(contract: Contract) -> Any:
    return contract.milestones.filter(
        state=MilestoneState.CANCELLED, closed_at=contract.ended_at
    ).order_by("number")


def _first_milestone(again: Contract) -> dict[str, Any]:
    first = _open_at_the_end(again).first()
    return {
        "milestone": first.title if first else "",
        "amount": first.amount if first else None,
    }


def _hourly_terms(again: Contract) -> dict[str, Any]:
    last = again.week_limits.order_by("-from_week").first()
    return {
        "rate": again.hourly_rate,
        "hours": last.minutes // 60 if last else None,
        "manual_time": again.manual_time,
        "method": again.charge_method,
    }


def _terms(cleaned: dict[str, Any]) -> HourlyTerms:
    return HourlyTerms(
        rate=cleaned["rate"],
        hours=cleaned["hours"],
        manual_time=cleaned["manual_time"],
        method=cleaned["method"],
    )


def _milestones(contract: Contract) -> dict[str, Any]:
    """What an offer of a fixed price says."""
    milestones = list(contract.milestones.order_by("number"))
    return {
        "milestones": milestones,
        "funded": any(one.state == MilestoneState.FUNDED for one in milestones),
        "charge": contract.book.operations.filter(state__in=OPEN_OPERATIONS).first(),
    }


def _hours(contract: Contract) -> dict[str, Any]:
    """What an hourly offer says; one query."""
    first = contract.week_limits.order_by("from_week").first()
    assert first is not None
    rate = contract.hourly_rate
    most = weeks.amount(rate, first.minutes)
    return {
        "limit": first.minutes,
        "most": most,
        "received": contract.book.net_of(rate),
        "received_most": contract.book.net_of(most),
    }


def _sent(contract: Contract) -> str:
    way = f"The offer is on its way to {contract.talent.name}."
    if contract.is_hourly:
        return f"{way} Nothing is charged before a week with hours is over."
    first = contract.milestones.order_by("number").first()
    funded = first is not None and first.state == MilestoneState.FUNDED
    return f"{way} Its first milestone is in escrow." if funded else way
