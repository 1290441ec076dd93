"""The escrow refund request as one side reads it; the facts are the same for both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from contracts import escrow_answers
from contracts.models import Contract
from contracts.states import Side
from marketplace import clock, policy, transitions
from marketplace.actors import Actor
from marketplace.components import Part
from marketplace.models import Party
from marketplace.money import Money
from marketplace.refusals import Overtaken, Refusal
from payments import requests, rules
from payments.models import EscrowRefundRequest, SplitProposal
from payments.states import Proposer, RequestState


@dataclass(frozen=True)
class RequestPage:
    """Where a request stands now, whether or not a sweep came by, and who reads it."""

    request: EscrowRefundRequest
    contract: Contract
    actor: Actor
    side: Side
    other: Party
    now: datetime
    proposals: list[SplitProposal]

    @property
    def is_talent(self) -> bool:
        return self.side is Side.TALENT

    @property
    def amount(self) -> Money:
        asked: Money = self.request.amount
        return asked

    @property
    def heading(self) -> str:
        return f"Return of {self.amount} from escrow"

    @property
    def net(self) -> Money:
        """What the talent receives if the whole is paid."""
        return self.contract.book.net_of(self.amount)

    @property
    def split(self) -> SplitProposal | None:
        """The one that can be answered."""
        newest = self.proposals[-1] if self.proposals else None
        return newest if newest and newest.is_open and newest.answer_by > self.now else None

    @property
    def splits_left(self) -> int:
        """How many more the talent may propose."""
        proposed = [one for one in self.proposals if one.proposer == Proposer.TALENT]
        return policy.SPLITS_BY_TALENT - len(proposed)

    @property
    def may_propose(self) -> bool:
        """Whether the talent can propose a split now."""
        waits = self.request.state == RequestState.PENDING and self.split is None
        return waits and self.splits_left > 0 and requests.leaves_time(self.request, self.now)

    @property
    def rest(self) -> timedelta | None:
        """What the talent has left once its split is off, while that stops its time."""
        stopped = self.request.time_left
        return None if stopped is None else max(stopped, policy.SPLIT_REST)

    @property
    def answer_by(self) -> datetime | None:
        """When a side's silence decides; None while nobody's does."""
        if self.rest is None:
            return self.request.answer_by
        return None if self.split else self.proposals[-1].answer_by + self.rest

    @property
    def is_over(self) -> bool:
        """Silence has decided, and that is about to be carried out."""
        return self.answer_by is not None and self.answer_by <= self.now

    @property
    def takes_answers(self) -> bool:
        return self.request.is_open and not self.is_over

    @property
    def refusal(self) -> Refusal | None:
        """Why this person cannot answer for their side; None when they can."""
        answers = rules.talent_answers if self.is_talent else rules.client_answers
        return answers(self.request, self.actor)

    @property
    def who_answers(self) -> list[str]:
        """The people who answer for the reader's side; one query."""
        managing = self.contract.party(self.side).memberships.managing()
        return list(managing.order_by("id").values_list("user__name", flat=True))

    @property
    def may_add(self) -> bool:
        """Whether this person may add to what was said.

        A client whose answer to a dispute is due is not offered it: it would look like an answer.
        """
        waits = self.answer_by is not None and not self.is_talent
        return not self.is_over and not waits and not rules.adds_statement(self.request, self.actor)

    def name(self, side: Side) -> str:
        """A side's name; *you* for the reader's own."""
        return "you" if side is self.side else self.contract.party(side).name

    def parts(self, to_talent: Money | None = None) -> list[Part]:
        """The amount as it is, all in escrow, or as a split would part it."""
        if to_talent is None:
            return [Part(kind="held", label="In escrow", amount=self.amount)]
        book = self.contract.book
        receives = f"For {self.name(Side.TALENT)}"
        back = f"Back to {self.name(Side.CLIENT)}"
        return [
            Part(kind="paid", label=receives, amount=book.net_of(to_talent)),
            Part(kind="fee", label="Fee", amount=book.fee_of(to_talent)),
            Part(kind="returned", label=back, amount=self.amount - to_talent),
        ]

    @property
    def settled_parts(self) -> list[Part]:
        """Of a settled request: where the amount went."""
        return [one for one in self.parts(self.request.to_talent) if one.amount]

    def refuse_unless_possible(self, name: str) -> None:
        """A page that leads to an answer says why it cannot be given.

        Raises:
            NotYours: not an owner or manager of the side that is asked.
            Overtaken: it is settled, or silence has decided.
        """
        rules.refuse(transitions.rule_of(self.request, name)(self.request, self.actor))
        if not self.request.is_open:
            raise Overtaken(escrow_answers.SETTLED)
        if self.is_over:
            raise Overtaken("The time to answer is over. Here is what happens.")
        transitions.refuse_unless_possible(self.request, name, by=self.actor)


def request_page(request: EscrowRefundRequest, contract: Contract, actor: Actor) -> RequestPage:
    """The frame of the request's pages; one query beyond the contract with its request."""
    side = contract.side_of(actor.party_id)
    assert side is not None
    request.book = contract.book
    contract.book.client, contract.book.talent = contract.client, contract.talent
    proposals = list(request.proposals.all())
    for one in proposals:
        one.request = request
    return RequestPage(
        request=request,
        contract=contract,
        actor=actor,
        side=side,
        other=contract.party(side.other),
        now=clock.now(),
        proposals=proposals,
    )
