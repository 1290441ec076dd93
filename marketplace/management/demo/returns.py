"""What follows when a client ends with money in escrow: answers, splits, a dispute, mediation."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.states import Side
from marketplace import clock, policy, workdays
from marketplace.actors import PLATFORM, Actor
from marketplace.management.demo.deals import Deal
from marketplace.money import Money
from payments import requests
from payments.models import EscrowRefundRequest, RequestStatement, SplitProposal
from payments.states import Proposer, StatementKind


class ReturnDeal(Deal):
    """As the real doors would have it, up to the end of the escrow refund request."""

    def settle(
        self, how: str, *, by: Actor, to_talent: Money | None = None, because: str = ""
    ) -> None:
        """Close the request by one of its transitions, and move the money as it says."""
        request, split, now = self.request, self.contract.open_split, clock.now()
        at = request.answer_by if how in requests.BY_SILENCE else now
        split_up = {"to_talent": to_talent} if to_talent is not None else {}
        reasons = {"because": because} if how == "decide" else {}
        self._move(request, how, by=by, at=at, **split_up, **reasons)
        if split is not None and split.is_open:
            self._move(split, "take_back", by=by, at=now)
        self._pay_both(request, by=by)
        self.contract.open_request = self.contract.open_split = None
        if by.is_platform:
            self._place_again()
        else:
            self._place()

    def escalate(self) -> None:
        """Nobody answered in time; from here on support decides."""
        self._move(self.request, "escalate", by=PLATFORM)
        self._place_again()

    # The talent ---------------------------------------------------------------------------------

    def propose_split(self, to_talent: Money) -> None:
        """Instead of an answer; the talent's own clock stands still meanwhile."""
        now = clock.now()
        self._move(self.request, "stop_clock", by=self.talent.by, at=now)
        answer_by = workdays.after(now, policy.ESCROW_CLIENT_WORKDAYS)
        self._propose(Proposer.TALENT, to_talent, answer_by, talent_agreed_at=now)

    def dispute(self, text: str) -> None:
        self._move(self.request, "dispute", by=self.talent.by, at=clock.now())
        self._remind_again()
        self._say(StatementKind.DISPUTE, text, by=self.talent.by)

    # The client ---------------------------------------------------------------------------------

    def agree_to_split(self) -> None:
        """The client accepts what the talent proposed."""
        self._accept(Side.CLIENT)

    def decline_split(self) -> None:
        """The talent has the rest of its time."""
        split, now = self.split, clock.now()
        self._move(split, "decline", by=self.client.by, at=now)
        self._move(self.request, "go_on", by=self.client.by, at=now)
        self.contract.open_split = None
        self._remind_again()

    def reject(self, text: str) -> None:
        """From here on support mediates."""
        self._move(self.request, "reject", by=self.client.by)
        self._say(StatementKind.REJECTION, text, by=self.client.by)

    # Support ------------------------------------------------------------------------------------

    def mediate(self, to_talent: Money) -> None:
        """Support proposes a split; the client agrees, and it waits for the talent."""
        now = clock.now()
        until = now + policy.MEDIATION_ANSWER_WINDOW
        self._propose(Proposer.SUPPORT, to_talent, until, message="What was used is paid.")
        self._move(self.split, "agree", by=self.client.by, side=Side.CLIENT, at=now)
        self._place()

    def agree_in_mediation(self) -> None:
        """The talent accepts support's split as well."""
        self._accept(Side.TALENT)

    def give_up_split(self) -> None:
        """The talent did not answer support's split in time."""
        self._move(self.split, "lapse", by=PLATFORM, at=self.split.answer_by)
        self.contract.open_split = None
        self._place_again()

    def decide(self, to_talent: Money) -> None:
        because = "The first half was delivered and is in use."
        self.settle("decide", by=self.town.support, to_talent=to_talent, because=because)

    # Within -------------------------------------------------------------------------------------

    @property
    def request(self) -> EscrowRefundRequest:
        found = self.contract.open_request
        assert found is not None
        return found

    @property
    def split(self) -> SplitProposal:
        found = self.contract.open_split
        assert found is not None
        return found

    def _accept(self, side: Side) -> None:
        by = self._side(side).by
        self._move(self.split, "accept", by=by, side=side, at=clock.now())
        self.settle("agree", by=by, to_talent=self.split.to_talent)

    def _propose(
        self, proposer: Proposer, to_talent: Money, answer_by: object, **columns: object
    ) -> None:
        by = self.talent.by if proposer == Proposer.TALENT else self.town.support
        split = SplitProposal(
            request=self.request,
            proposer=proposer,
            currency=to_talent.currency,
            to_talent_minor=to_talent.minor,
            proposed_at=clock.now(),
            answer_by=answer_by,
            **columns,
        )
        self.contract.open_split = self.rows.add(split)
        self._created(split, by=by)
        self._place()

    def _say(self, kind: StatementKind, text: str, *, links: Sequence[str] = (), by: Actor) -> None:
        statement = RequestStatement(
            request=self.request,
            kind=kind,
            text=text,
            links=list(links),
            at=clock.now(),
            **by.columns(),
        )
        self.rows.add(statement)
        self._place()

    def _remind_again(self) -> None:
        """Another clock runs now."""
        now, request = clock.now(), self.request
        self._remind_at(
            request, [one for one in sorted(requests.reminders_of(request)) if one > now]
        )
        self._place()

    def _pay_both(self, request: EscrowRefundRequest, *, by: Actor) -> None:
        if request.to_talent:
            assert request.resolved_at is not None
            self._release(
                request.to_talent,
                key=f"request:{request.pk}:release",
                title="Escrow paid after the contract ended",
                paid_at=request.resolved_at,
                by=by,
            )
        if request.to_client:
            self._give_back(
                request.to_client,
                key=f"request:{request.pk}:return",
                memo="Escrow returned after the contract ended",
                by=by,
            )
