"""What is answered about a quiet or dormant contract."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from contracts import dormancy, rules
from contracts.forms.terms import ReleaseForm
from contracts.models import Contract
from contracts.views.base import ContractView, refuse
from contracts.views.terms import TermsView
from marketplace import moments, policy


class StillWorking(ContractView):
    """Says that the contract goes on."""

    def post(self, request: HttpRequest, reference: str) -> HttpResponse:
        contract = self.agreed(reference)
        return self.act(
            lambda: dormancy.still_working(contract, by=self.actor),
            "Noted: the contract goes on. Nothing of its escrow moves by itself.",
        )


class AskRelease(TermsView):
    """The talent of a dormant contract asks for what is in escrow."""

    template = "contracts/dormant_ask.html"

    def check(self, subject: Contract) -> None:
        refuse(rules.talent_manages(subject, self.actor))
        dormancy.refuse_to_ask(subject)

    def form(self, subject: Contract, *args: Any) -> ReleaseForm:
        return ReleaseForm(*args, other=subject.client.name)

    def context(self, subject: Contract, form: ReleaseForm) -> dict[str, Any]:
        held = subject.book.escrow
        return {
            "heading": "Ask for its release",
            "submit": "Ask for its release",
            "held": held,
            "receives": subject.book.net_of(held),
            "days": policy.DORMANT_RELEASE_ANSWER.days,
        }

    def carry_out(self, subject: Contract, form: ReleaseForm) -> str:
        asked = dormancy.ask_for_release(subject, note=form.cleaned_data["note"], by=self.actor)
        assert asked.due_at is not None
        return (
            f"{subject.client.name} was asked, and has until {moments.full(asked.due_at)} to"
            " answer. Without an answer it is paid to you."
        )
