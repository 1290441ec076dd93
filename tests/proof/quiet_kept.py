"""What must be true of contracts on which nobody does anything, and of money that sleeps in escrow.

Each sleep is lived again from its history; days are counted from the last act of a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import Max

from contracts.models import Contract, ContractHistory, Dormancy
from marketplace.states import ActorKind
from payments.models import Account, BookHistory, Entry, GatewayOperation, Payment, Transfer
from tests.proof.hours_kept import DAY, Kept, must

REMINDED_AFTER = (30 * DAY, 60 * DAY)
WARNED_AFTER = (76 * DAY, 83 * DAY)
DORMANT_AFTER = 90 * DAY
STEPS = (*REMINDED_AFTER, *WARNED_AFTER, DORMANT_AFTER)
EACH_HAS = 7 * DAY
CLIENT_HAS_AFTER_ASKED = 14 * DAY
RUNNING = ("active", "paused")
OPEN = ("client_asked", "talent_asked", "release_asked")
BY_THE_CLOCK = ("ask_talent", "pay", "give_back")
FOLLOWS = {
    ("create", ""): ("client_asked", EACH_HAS),
    ("ask_talent", "client_asked"): ("talent_asked", EACH_HAS),
    ("ask_for_release", "client_asked"): ("release_asked", CLIENT_HAS_AFTER_ASKED),
    ("ask_for_release", "talent_asked"): ("release_asked", CLIENT_HAS_AFTER_ASKED),
    ("pay", "release_asked"): ("paid", None),
    ("give_back", "talent_asked"): ("returned", None),
    **{("wake", state): ("woken", None) for state in OPEN},
}
"""What a step leads to, and how long whoever is asked then has."""


def check_quiet(kept: Kept, acted: dict[int, datetime]) -> None:
    """All contracts, from their rows.

    Args:
        acted: when somebody last did something on a contract, as it was played.
    """
    for contract in Contract.objects.select_related("book").order_by("pk"):
        check_activity(contract, acted)
        escrow = Account.objects.get(pk=contract.book.escrow_account_id).balance_minor
        rows = list(Dormancy.objects.filter(contract=contract).order_by("pk"))
        asleep = [one for one in rows if one.state in OPEN]
        must(len(asleep) <= 1, f"{contract} sleeps {len(asleep)} times")
        must((contract.dormant_since is not None) == bool(asleep), f"{contract} is half asleep")
        if asleep:
            must(
                contract.state == "active" and contract.kind == "fixed" and escrow > 0, f"{asleep}"
            )
            must(asleep[0].since == contract.dormant_since, f"{asleep} since when?")
        check_reminders(contract, escrow)
        for dormancy in rows:
            check_sleep(contract, dormancy, escrow, kept)


def check_activity(contract: Contract, acted: dict[int, datetime]) -> None:
    """While it runs, what people do on it is activity; what the clock does is none.

    Money that somebody sent counts from when it arrives, however late the gateway says so.
    """
    if contract.state not in RUNNING:
        return
    last = contract.last_activity_at
    arrived = GatewayOperation.objects.filter(book=contract.book_id, state="succeeded")
    came_at = arrived.aggregate(last=Max("settled_at"))["last"]
    known = acted.get(contract.pk, last)
    known = max(known, came_at) if came_at else known
    must(last <= known, f"{contract} was active at {last}, not at {known}")
    by_people = ContractHistory.objects.filter(contract=contract).exclude(
        actor_kind=ActorKind.PLATFORM
    )
    late = [one for one in by_people if one.at > last]
    must(not late, f"{contract} was active at {last}, and then came {late}")


def check_reminders(contract: Contract, escrow: int) -> None:
    """The next reminder is as many days after the last act as the rule book says."""
    due, told = contract.quiet_due_at, contract.quiet_told
    if contract.state not in RUNNING:
        must(due is None, f"{contract} is {contract.state} and reminds at {due}")
        return
    if told < len(REMINDED_AFTER):
        expected: datetime | None = contract.last_activity_at + STEPS[told]
    elif told < len(STEPS) and escrow and contract.kind == "fixed":
        expected = idle_since(contract) + STEPS[told]
    else:
        expected = None
    must(due == expected, f"{contract} reminds at {due} after {told}, not at {expected}")


def idle_since(contract: Contract) -> datetime:
    """The last act, or the end of the last day on which something agreed was due."""
    dates = contract.milestones.filter(
        state__in=("planned", "funded", "submitted", "changes_requested")
    ).exclude(due_on=None)
    ends = [
        datetime(one.due_on.year, one.due_on.month, one.due_on.day, tzinfo=UTC) + DAY
        for one in dates.order_by("pk")
    ]
    return max([contract.last_activity_at, *ends])


@dataclass
class Sleep:
    """One sleep, as far as its history was read."""

    contract: Contract
    dormancy: Dormancy
    state: str = ""
    due: datetime | None = None
    over: datetime | None = None
    """When the last time to answer was over, if it was."""

    def step(self, record: Any, told: str) -> None:
        """One step, which must have been possible just then."""
        at, by_clock = record.at, record.actor_kind == ActorKind.PLATFORM
        if record.transition in BY_THE_CLOCK:
            must(by_clock and self.due <= at, f"{told}, when there was time until {self.due}")
            self.over = self.due
        elif self.due and not acted_on_money(self.contract, self.dormancy, at):
            must(at < self.due, f"{told}, when silence decided at {self.due}")
        after = FOLLOWS.get((record.transition, self.state))
        must(after is not None, f"{told} while {self.state}")
        if record.transition == "ask_for_release":
            party = record.actor_membership.party_id
            must(party == self.contract.talent_id, f"{told} by another party")
        self.state, has = after
        self.due = at + has if has else None


def check_sleep(contract: Contract, dormancy: Dormancy, escrow: int, kept: Kept) -> None:
    """What its row says is what came of it, and so is where the money went."""
    sleep = Sleep(contract, dormancy)
    records = ContractHistory.objects.filter(row_label="dormancy", row_id=dormancy.pk)
    for record in records.order_by("sequence").select_related("actor_membership"):
        told = f"{dormancy} of {contract}: {record.transition} at {record.at:%Y-%m-%d %H:%M:%S}"
        sleep.step(record, told)
        must(record.target == sleep.state, f"{told} led to {record.target}, not {sleep.state}")
    must(dormancy.state == sleep.state, f"{dormancy} is {dormancy.state}, not {sleep.state}")
    must(dormancy.due_at == sleep.due, f"{dormancy} is due {dormancy.due_at}, not {sleep.due}")
    if sleep.state == "client_asked":
        fell_asleep = idle_since(contract) + DORMANT_AFTER
        must(dormancy.since == fell_asleep, f"{contract} sleeps since {dormancy.since}")
    if sleep.state in OPEN:
        kept.seen["asleep", dormancy.pk] = (escrow, *moved(contract))
    elif ("over", dormancy.pk) not in kept.seen:
        kept.seen["over", dormancy.pk] = sleep.state
        if sleep.state in ("paid", "returned"):
            check_where_it_went(sleep, kept.seen["asleep", dormancy.pk])


def check_where_it_went(sleep: Sleep, before: tuple[int, int, int]) -> None:
    """All of it, to the talent as of when silence paid, or to the client, and the contract ends."""
    contract = sleep.contract
    slept, paid, returned = before
    now_paid, now_returned = moved(contract)
    if sleep.state == "returned":
        must((now_paid, now_returned) == (paid, returned + slept), f"{contract} kept its escrow")
        must(
            (contract.state, contract.ended_side, contract.end_figures.get("silence"))
            == ("ended", "talent", True),
            f"{contract} went on after nobody acted",
        )
        return
    release = Payment.objects.filter(book=contract.book_id, kind="release", paid_at=sleep.over)
    sums = [one.gross_minor for one in release.order_by("pk")]
    must(sums == [slept], f"{contract} paid {sums} of {slept} as of {sleep.over}")
    must(now_returned == returned, f"{contract} gave back what was asked for")


def check_no_sleep_due(contract: Contract, now: datetime) -> None:
    """Whoever entered a contract first carried out what silence had decided about its sleep."""
    due = Dormancy.objects.filter(contract=contract, state__in=OPEN, due_at__lte=now)
    must(not due.exists(), f"{contract} sleeps longer than it may")


def check_reminded(contract: Contract, now: datetime) -> None:
    """After a sweep nobody waits for a reminder, and what had to fall asleep has."""
    due = Contract.objects.get(pk=contract.pk).quiet_due_at
    must(due is None or now < due, f"{contract} was to be reminded at {due}")


def asleep_until(contract: Contract) -> tuple[list[datetime], list[datetime]]:
    """By when the client, and the talent, must act before a dormant contract goes on by itself."""
    open_ones = Dormancy.objects.filter(contract=contract, state__in=OPEN)
    of_talent = [one.due_at for one in open_ones if one.state == "talent_asked"]
    of_client = [one.due_at for one in open_ones if one.state != "talent_asked"]
    return of_client, of_talent


def acted_on_money(contract: Contract, dormancy: Dormancy, at: datetime) -> bool:
    """Whether somebody asked for a payment back, or refunded one, since it fell asleep."""
    meanwhile: dict[str, Any] = {
        "book": contract.book_id,
        "actor_kind": ActorKind.MEMBER,
        "at__gt": dormancy.since - DORMANT_AFTER,
        "at__lte": at,
    }
    of_requests = BookHistory.objects.filter(row_label="refundrequest", **meanwhile)
    return of_requests.exists() or Entry.objects.filter(kind="refund", **meanwhile).exists()


def moved(contract: Contract) -> tuple[int, int]:
    """What ever left escrow: to the talent, and to the client."""
    out = Transfer.objects.filter(debit=contract.book.escrow_account_id)
    paid = sum(one.amount_minor for one in out.exclude(credit__kind="credit"))
    return paid, sum(one.amount_minor for one in out.filter(credit__kind="credit"))
