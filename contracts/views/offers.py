"""Making an offer, and answering one."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.contrib import messages
from django.core.validators import slug_re
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from contracts import offers, rules
from contracts.forms import OfferForm
from contracts.models import Contract
from contracts.offers import MilestoneDraft
from contracts.states import MilestoneState, Side
from contracts.views.base import ContractView
from marketplace import clock, parties, typed
from marketplace.models import Party
from marketplace.refusals import InvalidInput, NotYours
from marketplace.states import TALENT_KINDS
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
            contract = offers.make(
                talent=self.talent(form),
                title=form.cleaned_data["title"],
                description=form.cleaned_data["description"],
                currency=form.cleaned_data["currency"],
                milestones=[self.draft(form), *self.further],
                fund_first=form.cleaned_data["fund"] == "now",
                method=form.cleaned_data["method"],
                follows=self.again,
                key=form.cleaned_data["key"],
                by=self.actor,
            )
        except InvalidInput as refused:
            form.refuse(refused)
            return self.show(form)
        messages.success(request, _sent(contract))
        return redirect("offer", contract.reference)

    def show(self, form: OfferForm) -> HttpResponse:
        again = self.again
        context = {"form": form, "again": again, "further": self.further, "to": self.named}
        return render(self.request, "contracts/new_contract.html", context)

    def form(self, *args: Any, **kwargs: Any) -> OfferForm:
        return OfferForm(
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
            first = _open_at_the_end(again).first()
            initial |= {
                "title": again.title,
                "description": again.description,
                "currency": again.currency,
                "milestone": first.title if first else "",
                "amount": first.amount if first else None,
            }
        return initial

    @cached_property
    def further(self) -> list[MilestoneDraft]:
        """The other milestones that were open when the contract that starts again ended."""
        again = self.again
        if again is None:
            return []
        today = clock.now().date()
        return [
            MilestoneDraft(
                one.title, one.amount, one.due_on if one.due_on and one.due_on >= today else None
            )
            for one in _open_at_the_end(again)[1:]
        ]

    def talent(self, form: OfferForm) -> Party:
        if form.by_email:
            return parties.talent_by_email(form.cleaned_data["email"])
        return Party.objects.get(pk=form.cleaned_data["talent"])

    def draft(self, form: OfferForm) -> MilestoneDraft:
        cleaned = form.cleaned_data
        return MilestoneDraft(cleaned["milestone"], cleaned["amount"], cleaned["due_on"])


class Offer(ContractView):
    """The terms, for both sides, and what became of the offer."""

    def get(self, request: HttpRequest, reference: str) -> HttpResponse:
        return self.show(self.contract(reference))

    def show(self, contract: Contract) -> HttpResponse:
        side = contract.side_of(self.party.pk)
        is_talent = side is Side.TALENT
        rule = rules.talent_answers_offer if is_talent else rules.client_withdraws_offer
        milestones = list(contract.milestones.order_by("number"))
        context = {
            "contract": contract,
            "is_talent": is_talent,
            "other": contract.client if is_talent else contract.talent,
            "milestones": milestones,
            "funded": any(one.state == MilestoneState.FUNDED for one in milestones),
            "charge": contract.book.operations.filter(state__in=OPEN_OPERATIONS).first(),
            "why_not": rule(contract, self.actor),
            "is_due": contract.is_offered and contract.expires_at <= clock.now(),
            "fee_percent": f"{contract.book.talent_fee / 100:g} %",
        }
        return render(self.request, "contracts/offer.html", context)


class Accept(ContractView):
    def post(self, request: HttpRequest, reference: str) -> HttpResponse:
        contract = self.contract(reference)
        return self.act(
            lambda: offers.accept(contract, by=self.actor),
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
            "You withdrew the offer. Money that was in escrow for it is your credit again.",
        )


def _ended(actor: Any) -> QuerySet[Contract]:
    return Contract.objects.visible_to(actor).select_related("client", "talent")


def _open_at_the_end(contract: Contract) -> Any:
    return contract.milestones.filter(
        state=MilestoneState.CANCELLED, closed_at=contract.ended_at
    ).order_by("number")


def _sent(contract: Contract) -> str:
    first = contract.milestones.order_by("number").first()
    funded = first is not None and first.state == MilestoneState.FUNDED
    money = " Its first milestone is in escrow." if funded else ""
    return f"The offer is on its way to {contract.talent.name}.{money}"
