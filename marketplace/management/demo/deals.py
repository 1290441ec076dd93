"""A contract of a large demo market: the moves of the real doors, made on rows in memory.

States change by the models' own transitions, entries are drafted by the ledger door, an end follows
the plan that pages show. What is left out is what costs a query each: locks, notices, form keys.
That the result is what the doors would have made is proved by the audit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from django.db.models import Model

from contracts import checklists, closing, funding, plans, positions, quiet
from contracts.models import (
    Assignment,
    ChecklistItem,
    Contract,
    Message,
    Milestone,
    Submission,
)
from contracts.plans import Choice, Facts, MilestoneFacts
from contracts.states import ChecklistCode, ContractKind, ItemState, MilestoneState, Side
from feedback.models import Feedback
from marketplace import clock, policy, transitions
from marketplace.actors import PLATFORM, Actor
from marketplace.management.demo.town import Person, Town, scrambled
from marketplace.models import Stateful
from marketplace.money import Money, total, zero
from payments import ledger
from payments.gateways import sandbox
from payments.ledger import Leg, Posting
from payments.models import (
    Book,
    Entry,
    EscrowRefundRequest,
    GatewayOperation,
    Payment,
    SandboxCall,
    SandboxMovement,
)
from payments.states import AccountKind, EntryKind, OnSilence, OperationState, PaymentKind

_PAYS: Final = {
    EntryKind.RELEASE: PaymentKind.RELEASE,
    EntryKind.HOURS: PaymentKind.HOURS,
    EntryKind.BONUS: PaymentKind.BONUS,
}

Later = Callable[[datetime, Callable[[], None]], None]


class Deal:
    """One contract between two people, moved by whoever tells its life, at the clock's time.

    Args:
        later: has something done at a later moment, as sweeps do.
    """

    def __init__(self, town: Town, client: Person, talent: Person, later: Later) -> None:
        self.town, self.rows, self.chooser, self.later = town, town.rows, town.chooser, later
        self.client, self.talent = client, talent
        self.milestones: list[Milestone] = []
        self.payments: list[Payment] = []
        self.items: list[ChecklistItem] = []
        self.feedback: dict[Side, Feedback] = {}
        self._is_watched = False

    # Offer ------------------------------------------------------------------------------------

    def offer(
        self, title: str, description: str, amounts: Sequence[Money], *, fund: bool = False
    ) -> None:
        currency = amounts[0].currency
        self._open_contract(ContractKind.FIXED, title, description, currency)
        for number, amount in enumerate(amounts, start=1):
            self.add(f"Part {number}", amount)
        if fund:
            self.fund(1)
        self._place()

    def accept(self) -> None:
        now = clock.now()
        self._move(self.contract, "accept", by=self.talent.by, at=now)
        works = Assignment(contract=self.contract, membership=self.talent.by.membership, since=now)
        self.rows.add(works)
        self._place()

    def refuse(self, how: str) -> None:
        """The offer does not become a contract: ``decline``, ``withdraw`` or ``expire``."""
        now = clock.now()
        by = {"decline": self.talent.by, "withdraw": self.client.by}.get(how, PLATFORM)
        if self.book.escrow:
            self._give_back(
                self.book.escrow,
                key=f"offer:{self.contract.pk}:return",
                memo="The offer did not become a contract",
                by=by,
            )
        self._cancel(self._open(), by=by)
        self._move(self.contract, how, by=by, at=now)
        self._place()

    # Milestones -------------------------------------------------------------------------------

    def add(self, title: str, amount: Money) -> Milestone:
        milestone = Milestone(
            contract=self.contract,
            number=len(self.milestones) + 1,
            title=title,
            currency=amount.currency,
            amount_minor=amount.minor,
            created_at=clock.now(),
        )
        self.milestones.append(self.rows.add(milestone))
        self._created(milestone, by=self.client.by)
        return milestone

    def fund(self, number: int) -> None:
        """From escrow and credit first; the rest is charged and confirmed at once."""
        milestone, book = self.milestones[number - 1], self.book
        need = milestone.amount - min(book.escrow, milestone.amount)
        rest = need - min(book.credit, need)
        by = PLATFORM if rest else self.client.by
        if rest:
            key = f"fund:market-{milestone.pk}"
            self._charge(rest, funding.PURPOSE, milestone, key=key, by=self.client.by)
        if need:
            self._post(
                EntryKind.FUND,
                [Leg(book.credit_account_id, book.escrow_account_id, need)],
                key=f"fund:milestone:{milestone.pk}",
                memo=funding.milestone_memo(milestone),
                by=by,
            )
        self._move(milestone, "fund", by=by, at=clock.now())
        self._place()

    def submit(self, number: int) -> None:
        milestone, now = self.milestones[number - 1], clock.now()
        self._move(milestone, "submit", by=self.talent.by, at=now)
        self._remind_of(milestone, now, policy.REVIEW_REMINDERS)
        self.rows.add(
            Submission(
                milestone=milestone,
                membership=self.talent.by.membership,
                message=f"Part {number} is in the shared folder.",
                at=now,
            )
        )
        self._place()

    def ask_for_changes(self, number: int) -> None:
        milestone = self.milestones[number - 1]
        self._move(milestone, "ask_for_changes", by=self.client.by, wanted="A shorter first page.")
        self._place()

    def approve(self, number: int, amount: Money | None = None) -> None:
        """*Pay now*, in full or in part; the client is then asked whether to end."""
        milestone = self.milestones[number - 1]
        self._pay(milestone, amount or milestone.amount, paid_at=clock.now(), by=self.client.by)
        self.contract.asks_to_end_since = clock.now()
        self._place()

    def release_by_clock(self, number: int) -> None:
        """The review is over without an answer."""
        milestone = self.milestones[number - 1]
        self._pay(milestone, milestone.amount, paid_at=milestone.review_until, by=PLATFORM)
        self._place_again()

    def keep_open(self) -> None:
        self.contract.asks_to_end_since = None

    def write(self, who: Person, text: str) -> None:
        message = Message(contract=self.contract, author=who.by.membership, text=text)
        message.at = clock.now()
        self.rows.add(message)
        self._place()

    # The end ----------------------------------------------------------------------------------

    def end(self, side: Side, choice: Choice | None = None) -> None:
        now, by = clock.now(), self._side(side).by
        decided = plans.plan(self._facts(), side, choice or Choice.nothing())
        for effect in decided.effects:
            self._do(effect, by=by)
        self._place()
        self._move(
            self.contract,
            "end",
            by=by,
            side=side,
            at=now,
            because="",
            note="",
            figures=closing.confirmed_figures(decided),
            feedback_until=closing.feedback_closes(now),
        )
        self.items = [
            self.rows.add(ChecklistItem(contract=self.contract, side=one, code=code))
            for one in Side
            for code in checklists.ITEMS
        ]
        self._tell_of_feedback_later()

    @property
    def may_give_feedback(self) -> bool:
        """The window may have closed while a request was argued about."""
        until = self.contract.feedback_until
        return until is not None and clock.now() < until

    def give_feedback(self, side: Side, stars: int) -> None:
        """Sealed until the window closes, or until the second one is given."""
        now, person, other = clock.now(), self._side(side), self.feedback.get(side.other)
        given = Feedback(
            contract=self.contract,
            side=side,
            author=person.by.membership,
            stars=stars,
            text="Clear, friendly and on time.",
            given_at=now,
            visible_from=now if other else self.contract.feedback_until,
        )
        self.feedback[side] = self.rows.add(given)
        self._tick(side, (ChecklistCode.FEEDBACK,))
        if other:
            other.visible_from = now
            self.contract.feedback_due_at = None

    def tick(self, side: Side) -> None:
        """Everything on a side's list that facts do not tick."""
        self._tick(side, [one for one in ChecklistCode if one not in checklists.DECIDED_BY_FACTS])

    # Within -----------------------------------------------------------------------------------

    def _open_contract(
        self, kind: ContractKind, title: str, description: str, currency: str, **terms: Any
    ) -> None:
        """The contract's row with its book; ``terms`` are the columns of its kind."""
        now = clock.now()
        contract = Contract(
            kind=kind,
            title=title,
            description=description,
            currency=currency,
            client=self.client.party,
            talent=self.talent.party,
            offered_at=now,
            expires_at=now + policy.OFFER_WINDOW,
            **terms,
        )
        self.contract = self.rows.add(contract)
        contract.reference = f"C-{scrambled(contract.pk, 8)}"
        contract.open_request = contract.open_split = contract.open_dormancy = None
        contract.open_weeks, contract.open_disputes = [], []
        contract.disputed_weeks = set()
        contract.book = self.book = self._open_book()
        self._created(contract, by=self.client.by)

    def _open_book(self) -> Book:
        town, contract = self.town, self.contract
        client, talent, currency = contract.client, contract.talent, contract.currency
        return self.rows.add(
            Book(
                reference=contract.reference,
                title=contract.title,
                currency=currency,
                client=client,
                talent=talent,
                talent_fee=policy.TALENT_FEE,
                escrow_account=town.escrow_account(client, currency),
                credit_account=town.account(AccountKind.CREDIT, client, currency),
                pending_account=town.account(AccountKind.PENDING, talent, currency),
                available_account=town.account(AccountKind.AVAILABLE, talent, currency),
                fees_account=town.account(AccountKind.FEES, None, currency),
                outside_account=town.account(AccountKind.OUTSIDE, None, currency),
            )
        )

    def _charge(self, amount: Money, purpose: str, row: Model, *, key: str, by: Actor) -> None:
        """A charge that is confirmed at once, for a row that the purpose is about."""
        now, book = clock.now(), self.book
        operation = self.rows.add(
            GatewayOperation(
                book=book,
                purpose=purpose,
                purpose_id=row.pk,
                kind="charge",
                gateway="sandbox",
                method=sandbox.ACCEPTS,
                key=key,
                currency=amount.currency,
                amount_minor=amount.minor,
                started_at=now,
                due_at=now + policy.step(policy.OPERATION_RETRY, 1),
                **by.columns(),
            )
        )
        self._created(operation, by=by)
        entry = self._post(
            EntryKind.CHARGE,
            [Leg(book.outside_account_id, book.credit_account_id, amount)],
            key=f"charge:{operation.key}",
            by=PLATFORM,
        )
        self._move(operation, "succeed", by=PLATFORM, entry=entry, at=now)
        self.rows.add(
            SandboxCall(
                key=key,
                behaviour=sandbox.ACCEPTS,
                amount_minor=amount.minor,
                currency=amount.currency,
                outcome=OperationState.SUCCEEDED,
            )
        )
        self.rows.add(
            SandboxMovement(key=key, amount_minor=amount.minor, currency=amount.currency, at=now)
        )

    def _pay(
        self,
        milestone: Milestone,
        gross: Money,
        *,
        paid_at: datetime | None,
        by: Actor,
        raised_to: Money | None = None,
    ) -> None:
        payment = self._release(
            gross,
            key=f"release:milestone:{milestone.pk}",
            title=funding.milestone_memo(milestone),
            paid_at=paid_at or clock.now(),
            by=by,
        )
        self._move(milestone, "pay", by=by, payment=payment, raised_to=raised_to)

    def _release(
        self, gross: Money, *, key: str, title: str, paid_at: datetime, by: Actor
    ) -> Payment:
        return self._pay_out(
            EntryKind.RELEASE,
            self.book.escrow_account_id,
            gross,
            key=key,
            title=title,
            paid_at=paid_at,
            available_at=paid_at + policy.SECURITY_PERIOD,
            by=by,
        )

    def _pay_out(
        self,
        kind: EntryKind,
        source: int,
        gross: Money,
        *,
        key: str,
        title: str,
        paid_at: datetime,
        available_at: datetime,
        by: Actor,
    ) -> Payment:
        """Money of the client, from the account ``source``, becomes the talent's pending money."""
        book = self.book
        fee, net = book.fee_of(gross), book.net_of(gross)
        legs = [Leg(source, book.pending_account_id, net), Leg(source, book.fees_account_id, fee)]
        payment = self.rows.add(
            Payment(
                book=book,
                kind=_PAYS[kind],
                title=title,
                currency=gross.currency,
                gross_minor=gross.minor,
                fee_minor=fee.minor,
                net_minor=net.minor,
                pending_left_minor=net.minor,
                paid_at=paid_at,
                available_at=available_at,
                entry=self._post(kind, legs, key=key, memo=title, by=by),
            )
        )
        self.payments.append(payment)
        self.later(payment.available_at, partial(self._mature, payment))
        return payment

    def _mature(self, payment: Payment) -> None:
        book = self.book
        if payment.pending_left:
            self._post(
                EntryKind.MATURE,
                [Leg(book.pending_account_id, book.available_account_id, payment.pending_left)],
                key=f"mature:{payment.pk}",
                memo=payment.title,
                by=PLATFORM,
            )
        payment.matured_at, payment.pending_left_minor = clock.now(), 0

    def _give_back(self, amount: Money, *, key: str, memo: str, by: Actor) -> None:
        leg = Leg(self.book.escrow_account_id, self.book.credit_account_id, amount)
        self._post(EntryKind.RETURN, [leg], key=key, memo=memo, by=by)

    def _post(
        self, kind: EntryKind, legs: list[Leg], *, key: str, by: Actor, memo: str = ""
    ) -> Entry:
        posting = Posting(kind, self.book, legs, key, memo)
        kept = ledger.kept_accounts([self.book])
        now = clock.now()
        event = self.book.pk << 32 | int(now.timestamp())
        (entry,), transfers = ledger.draft([posting], kept, at=now, by=by, event=event)
        self.rows.add(entry)
        for transfer in transfers:
            transfer.entry_id = entry.pk
            self.rows.add(transfer)
        return entry

    def _do(self, effect: Any, *, by: Actor) -> None:
        """Carry out one effect of an end."""
        match effect:
            case plans.PayMilestone(milestone=chosen, pays=pays, raised_to=raised_to):
                paid = next(one for one in self.milestones if one.pk == chosen.pk)
                self._pay(paid, pays, paid_at=None, by=by, raised_to=raised_to)
            case plans.PayFinal(pays=pays):
                last = self.add(plans.FINAL_PAYMENT, pays)
                self._move(last, "fund", by=by, at=clock.now())
                self._pay(last, pays, paid_at=None, by=by)
            case plans.ReturnEscrow(amount=amount):
                memo = f"{self.talent.party.name} ended the contract"
                self._give_back(amount, key=f"end:{self.contract.pk}:return", memo=memo, by=by)
            case plans.RequestEscrowRefund(amount=amount, on_silence=on_silence):
                self._request(amount, on_silence, by=by)
            case plans.CancelMilestones(milestones=chosen):
                keys = {one.pk for one in chosen}
                self._cancel([one for one in self.milestones if one.pk in keys], by=by)

    def _request(self, amount: Money, on_silence: OnSilence, *, by: Actor) -> None:
        now = clock.now()
        request = EscrowRefundRequest(
            book=self.book,
            currency=amount.currency,
            amount_minor=amount.minor,
            filed_at=now,
            answer_by=now + policy.ESCROW_ANSWER_WINDOW,
            decide_by=now + policy.DECISION_WINDOW,
            on_silence=on_silence,
            policy_version=policy.VERSION,
        )
        self.contract.open_request = self.rows.add(request)
        self._remind_of(request, now, policy.ESCROW_ANSWER_REMINDERS)
        self._created(request, by=by)

    def _cancel(self, milestones: list[Milestone], *, by: Actor) -> None:
        for milestone in milestones:
            self._move(milestone, "cancel", by=by, at=clock.now())

    def _remind_of(self, row: Any, since: datetime, reminders: Sequence[timedelta]) -> None:
        self._remind_at(row, [since + after for after in reminders])

    def _remind_at(self, row: Any, moments: Sequence[datetime]) -> None:
        """What the sweeps do at each reminder, as long as it still stands."""
        row.reminder_due_at = moments[0] if moments else None
        for moment, following in zip(moments, [*moments[1:], None], strict=True):
            self.later(moment, partial(_reminded, row, moment, following))

    def _tell_of_feedback_later(self) -> None:
        contract = self.contract
        reminder, close = contract.feedback_due_at, contract.feedback_until
        assert reminder is not None
        assert close is not None
        self.later(reminder, partial(_told, contract, close))
        self.later(close, partial(_told, contract, None))

    def _facts(self) -> Facts:
        nets = [one.net for one in self.payments]
        return Facts(
            version=self.contract.version,
            escrow=self.book.escrow,
            milestones=tuple(_facts_of(one) for one in self._open()),
            open_charge=None,
            talent_fee=self.book.talent_fee,
            kept=total(nets, self.book.currency) if nets else zero(self.book.currency),
        )

    def _open(self) -> list[Milestone]:
        return [one for one in self.milestones if one.is_open]

    def _side(self, side: Side) -> Person:
        return self.client if side is Side.CLIENT else self.talent

    def _tick(self, side: Side, codes: Sequence[ChecklistCode]) -> None:
        for item in self.items:
            if item.side == side and item.code in codes:
                item.state, item.done_at = ItemState.TICKED, clock.now()
                item.done_by = self._side(side).by.membership

    def _place(self) -> None:
        """Somebody did something; where nobody does anything for long, both are reminded."""
        self.contract.open_milestones = self._open()
        positions.place(self.contract, now=clock.now())
        self._watch()

    def _place_again(self) -> None:
        """Only the clock did something."""
        self.contract.open_milestones = self._open()
        positions.place_again(self.contract)

    def _watch(self) -> None:
        due_at = self.contract.quiet_due_at
        if due_at is not None and not self._is_watched:
            self._is_watched = True
            self.later(due_at, self._look_whether_quiet)

    def _look_whether_quiet(self) -> None:
        contract = self.contract
        self._is_watched = False
        if contract.quiet_due_at == clock.now():
            contract.quiet_told += 1
            holds = bool(self.book.escrow)
            contract.quiet_due_at = quiet.due_at(contract, contract.quiet_told, holds=holds)
        self._watch()

    def _created(self, row: Stateful, *, by: Actor) -> None:
        self._write_down(row, "create", source="", by=by)

    def _move(self, row: Any, name: str, *, by: Actor, **arguments: Any) -> None:
        source = row.state
        getattr(row, name)(**arguments)
        self._write_down(row, name, source=source, by=by)

    def _write_down(self, row: Stateful, name: str, *, source: str, by: Actor) -> None:
        row.aggregate.version += 1
        self.rows.add(transitions.history_row(row, name, source=source, by=by, reason=""))


def _facts_of(milestone: Milestone) -> MilestoneFacts:
    return MilestoneFacts(
        pk=milestone.pk,
        number=milestone.number,
        title=milestone.title,
        state=str(MilestoneState(milestone.state)),
        amount=milestone.amount,
        was_submitted=milestone.was_submitted,
    )


def _reminded(row: Any, moment: datetime, following: datetime | None) -> None:
    if row.reminder_due_at == moment:
        row.reminders_sent += 1
        row.reminder_due_at = following


def _told(contract: Contract, following: datetime | None) -> None:
    if contract.feedback_due_at is not None:
        contract.feedback_due_at = following
