"""The escrow refund request's page: the same facts for both sides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from contracts.models import Contract, Submission
from contracts.states import Side
from marketplace import clock
from marketplace.actors import Actor
from marketplace.models import Party
from marketplace.money import Money
from marketplace.refusals import Refusal
from payments import rules
from payments.models import EscrowRefundRequest
from payments.states import OnSilence


@dataclass(frozen=True, slots=True)
class Fact:
    """A delivery or a payment, on the line both sides see."""

    at: datetime
    icon: str
    words: str
    amount: Money | None = None
    text: str = ""


@dataclass(frozen=True)
class RequestPage:
    """The request as one side reads it."""

    request: EscrowRefundRequest
    contract: Contract
    side: Side
    other: Party
    now: datetime
    facts: list[Fact]
    may_answer: Refusal | None

    @property
    def is_talent(self) -> bool:
        return self.side is Side.TALENT

    @property
    def escalates(self) -> bool:
        return self.request.on_silence == OnSilence.ESCALATE

    @property
    def heading(self) -> str:
        return f"Return of {self.request.amount} from escrow"

    @property
    def clock_title(self) -> str:
        asked = self.request.amount
        if self.is_talent:
            return f"{self.other.name} asks you to let {asked} go back"
        return f"{self.other.name} was asked to let {asked} go back"

    @property
    def let_go_label(self) -> str:
        return f"Let {self.request.amount} go back"

    @property
    def pay_label(self) -> str:
        return f"Pay {self.other.name} {self.request.amount} instead"

    @property
    def takes_answers(self) -> bool:
        """Open, and the clock has not decided it."""
        answer_by = self.request.answer_by
        return self.request.is_open and not (answer_by is not None and answer_by <= self.now)

    @property
    def net(self) -> Money:
        """What the talent receives if the whole is paid."""
        return self.contract.book.net_of(self.request.amount)


def request_page(request: EscrowRefundRequest, contract: Contract, actor: Actor) -> RequestPage:
    """The page's content; two queries beyond the request and its contract."""
    side = contract.side_of(actor.party_id)
    assert side is not None
    request.book = contract.book
    contract.book.client, contract.book.talent = contract.client, contract.talent
    asks = rules.talent_answers if side is Side.TALENT else rules.client_answers
    return RequestPage(
        request=request,
        contract=contract,
        side=side,
        other=contract.party(side.other),
        now=clock.now(),
        facts=_facts(contract, request),
        may_answer=asks(request, actor),
    )


def _facts(contract: Contract, request: EscrowRefundRequest) -> list[Fact]:
    submitted = Submission.objects.filter(milestone__contract=contract).select_related("milestone")
    facts = [
        Fact(
            one.at,
            "inbox-arrow-down",
            f"{contract.talent.name} submitted milestone {one.milestone.number}"
            + (" and took it back later" if one.taken_back_at else ""),
            text=one.message,
        )
        for one in submitted
    ]
    facts += [
        Fact(one.paid_at, "banknotes", f"Paid: {one.title}", amount=one.gross)
        for one in contract.book.payments.all()
    ]
    facts.append(
        Fact(
            request.filed_at,
            "check-circle",
            f"{contract.client.name} ended the contract; this was left in escrow",
            amount=request.amount,
        )
    )
    return sorted(facts, key=lambda one: one.at)
