"""Escrow refund requests with support: taken up, written about, split, decided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from contracts import escrow_answers
from contracts.admin.actions import ToldForm
from contracts.admin.contract import milestones_of, submissions_of
from contracts.models import Contract
from marketplace import clock, moments, policy, transitions
from marketplace.actors import Actor
from marketplace.components import Effect
from marketplace.fields import AmountField
from marketplace.money import Money
from marketplace.refusals import Overtaken, Refusal
from marketplace.support.actions import ReasonForm, SupportAction
from marketplace.support.sections import Section, below
from marketplace.support.tools import tool
from payments import rules
from payments.admin.payments import payments_of
from payments.admin.requests import open_split, split_of
from payments.models import EscrowRefundRequest, SplitProposal

SIDES = ("book__client", "book__talent", "book__contract")


class _OfRequest(SupportAction):
    """Does something about one request; the contract is entered by the capability."""

    model = EscrowRefundRequest
    related = SIDES
    permission = "payments.mediate_escrowrefundrequest"
    form_class: ClassVar[type[ReasonForm]] = ToldForm

    def _rows(self) -> Any:
        return super()._rows().prefetch_related(open_split())

    def state_of(self, row: EscrowRefundRequest) -> str:
        state = row.get_state_display().lower()
        split = split_of(row)
        if split is not None:
            return f"{state}, {split} proposed"
        return f"{state}, {row.to_talent} to the talent" if row.to_talent is not None else state


@tool
class OpenMediation(_OfRequest):
    """Support takes up what silence brought to it."""

    name = "mediate"
    label = "Open mediation"
    button = "Open mediation"

    def refusal(self, row: EscrowRefundRequest, by: Actor) -> Refusal | None:
        return transitions.possible(row, "mediate", by=by)

    def effects(self, row: EscrowRefundRequest, given: dict[str, Any]) -> Sequence[Effect]:
        return [
            Effect(
                term="Support mediates",
                value=f"and decides by {moments.full(row.decide_by)}",
                detail="Both sides can still agree, or settle it themselves.",
            ),
            Effect(term="Both sides read", value=given["reason"]),
        ]

    def carry_out(self, row: EscrowRefundRequest, given: dict[str, Any], *, by: Actor) -> str:
        escrow_answers.mediate(row.book.contract, note=given["reason"], by=by)
        return "Mediation is open. Both sides are told, with your note."


@tool
class WriteNote(_OfRequest):
    """A question or a word to both; what they answer stands below."""

    name = "write"
    label = "Write to both sides"
    button = "Write"

    def refusal(self, row: EscrowRefundRequest, by: Actor) -> Refusal | None:
        return rules.writes_note(row, by)

    def effects(self, row: EscrowRefundRequest, given: dict[str, Any]) -> Sequence[Effect]:
        readers = f"{row.book.client.name} and {row.book.talent.name}"
        return [
            Effect(term=f"{readers} read", value=given["reason"]),
            Effect(term="No clock changes", value="both can answer on the request"),
        ]

    def carry_out(self, row: EscrowRefundRequest, given: dict[str, Any], *, by: Actor) -> str:
        escrow_answers.write_note(row.book.contract, note=given["reason"], by=by)
        return "Both sides are told."


class SplitField(AmountField):
    """A part of an amount, from nothing to all of it."""

    def validate(self, value: Money | None) -> None:
        if value is None or value:
            super().validate(value)


class SplitForm(ToldForm):
    to_talent = SplitField(label="Amount to the talent")

    def __init__(self, row: EscrowRefundRequest, data: Any = None) -> None:
        super().__init__(row, data)
        field = cast("SplitField", self.fields["to_talent"])
        field.limit(
            currency=row.currency,
            maximum=row.amount,
            above=f"The talent gets from nothing to {row.amount}.",
        )
        field.help_text = f"Of {row.amount}. The rest goes to the client."


def parts(row: EscrowRefundRequest, to_talent: Money) -> list[Effect]:
    """Both parts of a split, which add up."""
    book = row.book
    return [
        Effect(
            term=f"{book.talent.name} is paid",
            value=to_talent,
            detail=f"{book.net_of(to_talent)} after the fee",
        ),
        Effect(term=f"{book.client.name} gets back", value=row.amount - to_talent),
        Effect(term="Together", value=row.amount),
    ]


@tool
class ProposeSplit(_OfRequest):
    """It holds if both sides accept it in time."""

    name = "propose-split"
    label = "Propose a split"
    button = "Propose"
    form_class = SplitForm

    def refusal(self, row: EscrowRefundRequest, by: Actor) -> Refusal | None:
        refusal = rules.proposes_in_mediation(row, by)
        if refusal is None and split_of(row) is not None:
            return Refusal("A split is open already. Take it back to propose another one.")
        return refusal

    def effects(self, row: EscrowRefundRequest, given: dict[str, Any]) -> Sequence[Effect]:
        until = clock.now() + policy.MEDIATION_ANSWER_WINDOW
        return [
            Effect(
                term="Nothing is moved yet",
                value=f"both sides can accept it until {moments.full(until)}",
                detail="If either declines, or one does not answer, support decides.",
            ),
            *parts(row, given["to_talent"]),
            Effect(term="Both sides read", value=given["reason"]),
        ]

    def carry_out(self, row: EscrowRefundRequest, given: dict[str, Any], *, by: Actor) -> str:
        split = escrow_answers.propose_in_mediation(
            row.book.contract, to_talent=given["to_talent"], message=given["reason"], by=by
        )
        return f"{split} is proposed. Both sides are told, with your reason."


@tool
class TakeSplitBack(_OfRequest):
    """So that another split can be proposed, or the request decided."""

    name = "take-back-split"
    label = "Take the split back"
    button = "Take it back"
    form_class = ReasonForm

    def refusal(self, row: EscrowRefundRequest, by: Actor) -> Refusal | None:
        split = split_of(row)
        return rules.takes_back_split(split, by) if split else Refusal("No split is open.")

    def effects(self, row: EscrowRefundRequest, given: dict[str, Any]) -> Sequence[Effect]:
        return [
            Effect(
                term="Nobody can accept it any more",
                value=f"{_open(row)}",
                detail="Both sides are told that you took it back.",
            )
        ]

    def carry_out(self, row: EscrowRefundRequest, given: dict[str, Any], *, by: Actor) -> str:
        split = escrow_answers.take_back_split(_open(row), by=by)
        return f"{split} is off the table. Both sides are told."


def _open(row: EscrowRefundRequest) -> SplitProposal:
    """The split that is open.

    Raises:
        Overtaken: there is none any more.
    """
    split = split_of(row)
    if split is None:
        raise Overtaken(escrow_answers.NO_SPLIT)
    return split


@tool
class DecideRequest(_OfRequest):
    """Split what is held; what the talent does not get goes to the client."""

    name = "decide"
    label = "Decide"
    button = "Decide"
    permission = "payments.decide_escrowrefundrequest"
    form_class = SplitForm

    def refusal(self, row: EscrowRefundRequest, by: Actor) -> Refusal | None:
        split = split_of(row)
        refusal = transitions.possible(row, "decide", by=by)
        if refusal is None and split is not None:
            until = moments.full(split.answer_by)
            return Refusal(f"Both sides may accept your split until {until}. Take it back first.")
        return refusal

    def effects(self, row: EscrowRefundRequest, given: dict[str, Any]) -> Sequence[Effect]:
        told = Effect(term="Both sides read", value=given["reason"])
        return [*parts(row, given["to_talent"]), told]

    def carry_out(self, row: EscrowRefundRequest, given: dict[str, Any], *, by: Actor) -> str:
        decided = escrow_answers.decide(
            row.book.contract, to_talent=given["to_talent"], because=given["reason"], by=by
        )
        return (
            f"{decided.to_talent} goes to {row.book.talent.name}, {decided.to_client} to"
            f" {row.book.client.name}. Both are told, with your reason."
        )


@below(EscrowRefundRequest)
def work(row: EscrowRefundRequest) -> Sequence[Section]:
    """What was delivered and paid on the contract; three queries."""
    contract = Contract.objects.get(book=row.book_id)
    return [
        milestones_of(contract.milestones.select_related("payment").order_by("number")),
        submissions_of(contract),
        payments_of(row.book.payments.order_by("paid_at", "pk")),
    ]
