"""What is done with milestones: each form has its page, each answer its button."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from contracts import funding, milestones, quotes, rules
from contracts.forms.base import PART, WHOLE, MethodForm, ReasonForm
from contracts.forms.milestones import ApproveForm, ChangesForm, MilestoneForm, SubmitForm
from contracts.models import Contract, Milestone
from contracts.states import ACTIVE_MILESTONES, MilestoneState
from contracts.views.base import ContractView, FormView, refuse
from contracts.views.charging import ChargingView, sources
from marketplace import policy, transitions
from marketplace.components import Effect
from marketplace.money import Money, zero
from marketplace.refusals import (
    FiguresChanged,
    InvalidInput,
    KeyReused,
    NotYours,
    Overtaken,
    Refusal,
    Refused,
)
from payments import gateways


class Add(FormView):
    """Add new milestone."""

    def subject(self, **where: Any) -> Contract:
        return self.agreed(where["reference"])

    def check(self, subject: Contract) -> None:
        _refuse_after_the_end(subject)
        refuse(rules.may_add_milestone(subject, self.actor))

    def form(self, subject: Contract, *args: Any) -> MilestoneForm:
        typed = self.request.GET.get("amount", "")
        initial = {"amount": typed} if typed == self.leftover(subject).typed() else {}
        return MilestoneForm(*args, currency=subject.currency, initial=initial)

    def context(self, subject: Contract, form: MilestoneForm) -> dict[str, Any]:
        leftover = self.leftover(subject)
        return {
            "heading": "Add new milestone",
            "note": "",
            "leftover": leftover,
            "minimum": Money(rules.minimum_for(leftover.minor, subject.currency), subject.currency),
            "submit": "Save",
        }

    def leftover(self, contract: Contract) -> Money:
        active = contract.milestones.filter(state__in=ACTIVE_MILESTONES).first()
        return funding.leftover(contract.book, active)

    def carry_out(self, subject: Contract, form: MilestoneForm) -> str:
        milestone = milestones.add(subject, **_typed(form), key=_key(form), by=self.actor)
        if milestone.state == MilestoneState.FUNDED:
            return (
                f"Milestone {milestone.number} is active: what was left in escrow covers it,"
                " nothing was charged. You can approve and release it."
            )
        return f"Milestone {milestone.number} is planned. Fund it when the work is to start."


class Propose(Add):
    """The talent proposes a milestone."""

    def check(self, subject: Contract) -> None:
        _refuse_after_the_end(subject)
        refuse(rules.may_propose(subject, self.actor))

    def context(self, subject: Contract, form: MilestoneForm) -> dict[str, Any]:
        return {
            "heading": "Propose a milestone",
            "leftover": None,
            "minimum": policy.minimum_milestone(subject.currency),
            "note": f"{subject.client.name} agrees or declines. Nothing is charged by that.",
            "submit": "Propose",
        }

    def carry_out(self, subject: Contract, form: MilestoneForm) -> str:
        milestones.propose(subject, **_typed(form), key=_key(form), by=self.actor)
        return f"{subject.client.name} can agree to your proposal now."


class MilestoneFormView(FormView):
    """A form about a milestone that one transition of it stands for."""

    transition: str

    def check(self, subject: Milestone) -> None:
        refusal = _rule(subject, self.transition, self.actor)
        if refusal is not None:
            _refuse_after_the_end(subject.contract)
            refuse(refusal)
        transitions.refuse_unless_possible(subject, self.transition, by=self.actor)


class Edit(MilestoneFormView):
    transition = "revise"

    def form(self, subject: Milestone, *args: Any) -> MilestoneForm:
        initial = {"title": subject.title, "amount": subject.amount, "due_on": subject.due_on}
        return MilestoneForm(*args, currency=subject.currency, initial=initial)

    def context(self, subject: Milestone, form: MilestoneForm) -> dict[str, Any]:
        return {
            "heading": f"Edit milestone {subject.number}",
            "leftover": None,
            "note": "",
            "minimum": policy.minimum_milestone(subject.currency),
            "submit": "Save",
        }

    def carry_out(self, subject: Milestone, form: MilestoneForm) -> str:
        milestones.revise(subject, **_typed(form), by=self.actor)
        return f"Milestone {subject.number} was changed."


class Fund(ChargingView, MilestoneFormView):
    """What comes from escrow and credit, and what is charged."""

    template = "contracts/fund.html"
    transition = "fund"

    def check(self, subject: Milestone) -> None:
        super().check(subject)
        funding.refuse_a_second_one(subject.contract)

    def form(self, subject: Milestone, *args: Any) -> MethodForm:
        return MethodForm(*args, methods=gateways.gateway().methods(subject.contract.client))

    def context(self, subject: Milestone, form: MethodForm) -> dict[str, Any]:
        form.ask_for_method()
        quote = funding.quote(subject.contract, subject.amount)
        return {
            "heading": f"Fund milestone {subject.number}",
            "milestone": subject,
            "quote": quote,
            "sources": sources(quote, seen=form.seen),
            "shown": quotes.mark(quote),
            "submit": f"Fund {subject.amount}",
        }

    def carry_out(self, subject: Milestone, form: MethodForm) -> str:
        try:
            milestone = funding.fund(
                subject,
                method=form.cleaned_data["method"],
                key=_key(form),
                seen=form.seen,
                by=self.actor,
            )
        except (NotYours, Overtaken, FiguresChanged, InvalidInput, KeyReused):
            raise
        except Refused as declined:
            form.try_again()
            raise InvalidInput(declined.sentence, field="method") from declined
        if milestone.state == MilestoneState.FUNDED:
            return f"{subject.amount} is in escrow. {subject.contract.talent.name} can start."
        return "Your charge was sent, and the answer is not in yet. You will be told."


class Submit(MilestoneFormView):
    """The talent hands in work."""

    template = "contracts/submit.html"
    transition = "submit"

    def form(self, subject: Milestone, *args: Any) -> SubmitForm:
        return SubmitForm(*args)

    def context(self, subject: Milestone, form: SubmitForm) -> dict[str, Any]:
        return {
            "heading": f"Submit milestone {subject.number}",
            "submit": "Submit work",
            "milestone": subject,
            "receives": subject.contract.book.net_of(subject.amount),
            "days": policy.REVIEW_WINDOW.days,
        }

    def carry_out(self, subject: Milestone, form: SubmitForm) -> str:
        milestones.submit(
            subject,
            message=form.cleaned_data["message"],
            links=form.cleaned_data["links"],
            by=self.actor,
        )
        return (
            f"Milestone {subject.number} is submitted. Without an answer it is released in"
            f" {policy.REVIEW_WINDOW.days} days."
        )


class Changes(MilestoneFormView):
    """The client asks for changes."""

    template = "contracts/changes.html"
    transition = "ask_for_changes"

    def form(self, subject: Milestone, *args: Any) -> ChangesForm:
        return ChangesForm(*args)

    def context(self, subject: Milestone, form: ChangesForm) -> dict[str, Any]:
        return {
            "heading": f"Ask for changes to milestone {subject.number}",
            "submit": "Ask for changes",
            "milestone": subject,
        }

    def carry_out(self, subject: Milestone, form: ChangesForm) -> str:
        milestones.ask_for_changes(subject, wanted=form.cleaned_data["wanted"], by=self.actor)
        return f"{subject.contract.talent.name} was asked. The automatic release has stopped."


class Extend(MilestoneFormView):
    """The client takes more time, once."""

    template = "contracts/extend.html"
    transition = "extend"

    def form(self, subject: Milestone, *args: Any) -> ReasonForm:
        return ReasonForm(*args)

    def context(self, subject: Milestone, form: ReasonForm) -> dict[str, Any]:
        until = subject.review_until
        return {
            "heading": f"Extend the review of milestone {subject.number}",
            "submit": "Extend the review",
            "milestone": subject,
            "days": policy.REVIEW_EXTENSION.days,
            "until": until + policy.REVIEW_EXTENSION if until else None,
        }

    def carry_out(self, subject: Milestone, form: ReasonForm) -> str:
        milestones.extend(subject, because=form.cleaned_data["because"], by=self.actor)
        return f"You have {policy.REVIEW_EXTENSION.days} more days to review."


class Approve(MilestoneFormView):
    """Approve and release, in full or in part; the figures shown are the ones that are paid."""

    template = "contracts/approve.html"
    transition = "pay"

    def form(self, subject: Milestone, *args: Any) -> ApproveForm:
        return ApproveForm(*args, whole=subject.amount, initial={"choice": "whole"})

    def context(self, subject: Milestone, form: ApproveForm) -> dict[str, Any]:
        book = subject.contract.book
        pays = form.release
        talent = subject.contract.talent.name
        return {
            "heading": "Approve and release",
            "milestone": subject,
            "pays": pays,
            "shown": pays.typed(),
            "figures": [
                Effect(term=f"{talent} receives, after the fee", value=book.net_of(pays)),
                Effect(
                    term="Stays in escrow", value=max(book.escrow - pays, zero(subject.currency))
                ),
            ],
            "whole_chosen": form.chosen == WHOLE,
            "part_chosen": form.chosen == PART,
        }

    def unseen(self, subject: Milestone, form: ApproveForm) -> str:
        if form.cleaned_data["shown"] == form.release.typed():
            return ""
        return "Here is what you release. Confirm it with Pay now."

    def carry_out(self, subject: Milestone, form: ApproveForm) -> str:
        payment = milestones.approve(subject, amount=form.release, key=_key(form), by=self.actor)
        name = subject.contract.talent.name
        return f"You released {payment.gross}; {name} receives {payment.net} after the fee."


class Answer(ContractView):
    """A button about a milestone, without a form of its own."""

    DOES = {
        "agree": (milestones.agree, "You agreed. The milestone is part of the plan."),
        "decline": (milestones.decline_proposal, "You declined the proposal."),
        "take-back-proposal": (milestones.take_back_proposal, "You took your proposal back."),
        "take-back": (
            milestones.take_back,
            "You took your submission back. No automatic release is running.",
        ),
        "delete": (milestones.delete, "The milestone was deleted."),
        "up": (milestones.move_up, "The milestone moved up."),
    }

    verb = ""

    def post(self, request: HttpRequest, reference: str, number: int) -> HttpResponse:
        milestone = self.milestone(reference, number)
        does, receipt = self.DOES[self.verb]
        return self.act(lambda: does(milestone, by=self.actor), receipt)


def _refuse_after_the_end(contract: Contract) -> None:
    if contract.is_ended:
        raise Overtaken("The contract has ended. Here is what happened.")


def _rule(milestone: Milestone, name: str, actor: Any) -> Refusal | None:
    """The rule's answer alone; what the state says comes as *too late*."""
    return transitions.rule_of(milestone, name)(milestone, actor)


def _typed(form: MilestoneForm) -> dict[str, Any]:
    return {name: form.cleaned_data[name] for name in ("title", "amount", "due_on")}


def _key(form: Any) -> str:
    key: str = form.cleaned_data["key"]
    return key
