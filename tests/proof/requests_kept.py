"""What must be true of escrow refund requests: each is lived again from its history alone.

Nothing here uses the product's clocks or numbers: windows stand here once more, in the words of the
rule book, and business days are counted on the calendar.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from contracts.models import Contract, ContractHistory
from marketplace.states import ActorKind
from payments.models import (
    Account,
    BookHistory,
    EscrowRefundRequest,
    Payment,
    RequestStatement,
    SplitProposal,
    Transfer,
)
from tests.proof.hours_kept import DAY, Kept, must

TALENT_HAS = 7 * DAY
CLIENT_HAS = 5
"""Business days."""
BOTH_HAVE = 2 * DAY
SUPPORT_HAS = 30 * DAY
LEFT_AT_LEAST = timedelta(hours=48)
REMINDED_AFTER = (3 * DAY, 5 * DAY, 6 * DAY)
CLIENT_REMINDED_BEFORE = (3 * DAY, DAY)
SECURED = 5 * DAY
SPLITS = 2
OPEN = ("pending", "disputed", "escalated", "mediating")
REQUEST, SPLIT = "escrowrefundrequest", "splitproposal"


@dataclass
class Life:
    """One request, as far as its history was read."""

    request: EscrowRefundRequest
    splits: dict[int, SplitProposal]
    state: str = "pending"
    silence: str = "lapse"
    deadline: datetime | None = None
    left: timedelta | None = None
    to_talent: int | None = None
    resolved_at: datetime | None = None
    open_split: SplitProposal | None = None
    split_over: datetime | None = None
    """When the last split came to nothing."""
    agreed: set[int] = field(default_factory=set)
    """The parties that agreed to the last split."""
    talent_splits: int = 0

    def wait_for_nobody(self) -> None:
        self.deadline = self.left = None

    def settle(self, state: str, to_talent: int, at: datetime) -> None:
        self.state, self.to_talent, self.resolved_at = state, to_talent, at
        self.wait_for_nobody()


def all_lived() -> dict[int, Life]:
    """The life of every request, by its book."""
    requests = EscrowRefundRequest.objects.select_related("book__escrow_account").order_by("pk")
    return {request.book_id: lived(request) for request in requests}


def check_requests(lives: dict[int, Life], kept: Kept) -> None:
    """All of them, from their rows."""
    for life in lives.values():
        check_row(life)
        check_money(life, kept)
        check_statements(life)


def lived(request: EscrowRefundRequest) -> Life:
    """The life of a request, step by step, each of which must have been possible just then."""
    splits = {one.pk: one for one in request.proposals.order_by("pk")}
    life = Life(request, splits)
    records = BookHistory.objects.filter(book=request.book_id, row_label__in=(REQUEST, SPLIT))
    for record in records.order_by("sequence").select_related("actor_membership"):
        told = f"{request}: {record.transition} at {record.at:%Y-%m-%d %H:%M:%S}"
        if record.row_label == SPLIT:
            split_step(life, record, life.splits[record.row_id], told)
        else:
            request_step(life, record, told)
            must(record.target == life.state, f"{told} led to {record.target}, not {life.state}")
    return life


def request_step(life: Life, record: Any, told: str) -> None:
    """One step of the request itself."""
    at, name, asked = record.at, record.transition, life.request.amount_minor
    by_silence = name in ("lapse", "escalate", "concede_by_silence")
    if life.deadline is not None:
        due = life.deadline <= at
        must(due == by_silence, f"{told}, when silence decided at {life.deadline}")
    else:
        must(not by_silence, f"{told}, when nobody's silence decided")
    match name:
        case "create":
            life.deadline, life.silence = at + TALENT_HAS, silence_of(life.request, at)
        case "stop_clock":
            must(life.state == "pending" and life.deadline is not None, told)
            life.left, life.deadline = life.deadline - at, None
        case "go_on":
            must(life.state == "pending" and life.left is not None, told)
            life.deadline = life.split_over + max(life.left, LEFT_AT_LEAST)
            life.left = None
        case "dispute":
            must(life.state == "pending", told)
            life.wait_for_nobody()
            life.state, life.silence = "disputed", "concede"
            life.deadline = workdays_after(at, CLIENT_HAS)
        case "reject" | "mediate" | "escalate":
            wanted = {"reject": "disputed", "mediate": "escalated", "escalate": "pending"}[name]
            must(life.state == wanted, told)
            must(name != "escalate" or life.silence == "escalate", told)
            life.wait_for_nobody()
            life.state = "escalated" if name == "escalate" else "mediating"
        case _:
            settlement(life, record, asked, told)


def settlement(life: Life, record: Any, asked: int, told: str) -> None:
    """Who has what in the end."""
    deadline, name = life.deadline, record.transition
    must(life.state in OPEN, told)
    match name:
        case "accept":
            life.settle("accepted", 0, record.at)
        case "lapse":
            must((life.state, life.silence) == ("pending", "lapse"), told)
            life.settle("lapsed", 0, deadline)
        case "withdraw":
            must(life.state in ("pending", "escalated"), told)
            life.settle("withdrawn", asked, record.at)
        case "concede":
            must(life.state in ("disputed", "mediating"), told)
            life.settle("conceded", asked, record.at)
        case "concede_by_silence":
            must((life.state, life.silence) == ("disputed", "concede"), told)
            life.settle("conceded_by_silence", asked, deadline)
        case "agree":
            split = life.open_split
            must(split is not None and split.state == "accepted", told)
            book = life.request.book
            must(life.agreed == {book.client_id, book.talent_id}, f"{told} without both sides")
            life.settle("agreed", split.to_talent_minor, record.at)
            life.open_split = None
        case "decide":
            must(life.state == "mediating" and life.open_split is None, told)
            must(record.actor_kind == ActorKind.STAFF, f"{told} by {record.actor_kind}")
            must(bool(life.request.decided_because), f"{told} without a reason")
            life.settle("decided", life.request.to_talent_minor, record.at)
        case _:
            must(False, f"{told}: what is that?")


def split_step(life: Life, record: Any, split: SplitProposal, told: str) -> None:
    """One step of a split; what follows of it for the request is a step of its own."""
    name, at = record.transition, record.at
    party = record.actor_membership.party_id if record.actor_membership else None
    if name == "create":
        begin_split(life, split, at, told)
        return
    must(life.open_split is not None and life.open_split.pk == split.pk, told)
    due = split.answer_by <= at
    must(due == (name == "lapse"), f"{told}, when it could be answered until {split.answer_by}")
    if name in ("agree", "accept"):
        book = life.request.book
        must(party in (book.client_id, book.talent_id), f"{told} by a stranger")
        life.agreed.add(party)
    else:
        life.open_split = None
        life.split_over = split.answer_by if name == "lapse" else at
        must(split.closed_at == life.split_over, f"{told}, and is closed at {split.closed_at}")


def begin_split(life: Life, split: SplitProposal, at: datetime, told: str) -> None:
    by_talent = split.proposer == "talent"
    must(life.open_split is None, f"{told} beside an open one")
    must(0 <= split.to_talent_minor <= life.request.amount_minor, f"{told} of {split.to_talent}")
    if by_talent:
        life.talent_splits += 1
        must(life.state == "pending" and life.deadline is None, told)
        must(life.talent_splits <= SPLITS, f"{told} for the {life.talent_splits}. time")
        must(0 < split.to_talent_minor < life.request.amount_minor, f"{told}: no split")
        answer_by = workdays_after(at, CLIENT_HAS)
    else:
        must(life.state == "mediating", told)
        answer_by = at + BOTH_HAVE
    must(split.answer_by == answer_by, f"{told}: until {split.answer_by}, not {answer_by}")
    life.open_split = split
    life.agreed = {life.request.book.talent_id} if by_talent else set()


def check_row(life: Life) -> None:
    """What its rows say is what came of its life."""
    request = life.request
    expected = {
        "state": life.state,
        "answer_by": life.deadline,
        "time_left": life.left,
        "to_talent_minor": life.to_talent,
        "resolved_at": life.resolved_at,
        "decide_by": request.filed_at + SUPPORT_HAS,
    }
    if life.deadline is not None:
        expected["on_silence"] = life.silence
    for name, value in expected.items():
        found = getattr(request, name)
        must(found == value, f"{request}: {name} is {found}, not {value}")
    remembered = reminders_of(life)
    must(
        request.reminder_due_at is None or request.reminder_due_at in remembered,
        f"{request} reminds at {request.reminder_due_at}, not one of {remembered}",
    )
    still_open = [one.pk for one in life.splits.values() if one.state == "open"]
    expected_open = [life.open_split.pk] if life.open_split else []
    must(still_open == expected_open, f"{request}: splits {still_open} are open")


def reminders_of(life: Life) -> list[datetime]:
    """When the side whose answer is due is reminded."""
    if life.deadline is None:
        return []
    if life.state == "pending":
        return [life.deadline - TALENT_HAS + one for one in REMINDED_AFTER]
    return [life.deadline - one for one in CLIENT_REMINDED_BEFORE]


def check_money(life: Life, kept: Kept) -> None:
    """While it is open, escrow holds it; then each side has its part, to the cent, and no more."""
    request = life.request
    book = request.book
    escrow = book.escrow_account_id
    paid = moved(Transfer.objects.filter(debit=escrow).exclude(credit__kind="credit"))
    returned = moved(Transfer.objects.filter(debit=escrow, credit__kind="credit"))
    before = kept.first("escrow when it was asked for", request.pk, (paid, returned))
    balance = Account.objects.get(pk=escrow).balance_minor
    settled = life.to_talent is not None
    must(balance == (0 if settled else request.amount_minor), f"{request}: escrow is {balance}")
    to_talent = life.to_talent if settled else 0
    to_client = request.amount_minor - to_talent if settled else 0
    now = (paid - before[0], returned - before[1])
    must(now == (to_talent, to_client), f"{request} moved {now}, not {(to_talent, to_client)}")
    if to_talent:
        payment = Payment.objects.filter(book=book, kind="release").latest("pk")
        must(
            (payment.gross_minor, payment.paid_at, payment.available_at)
            == (to_talent, life.resolved_at, life.resolved_at + SECURED),
            f"{request} was paid as {payment} at {payment.paid_at}",
        )


def check_statements(life: Life) -> None:
    """A dispute and its rejection have their reasons; nothing is said before there is a dispute."""
    said = list(RequestStatement.objects.filter(request=life.request).order_by("pk"))
    kinds = [one.kind for one in said]
    names = set(
        BookHistory.objects.filter(row_label=REQUEST, row_id=life.request.pk).values_list(
            "transition", flat=True
        )
    )
    for kind, name in (("dispute", "dispute"), ("rejection", "reject")):
        must(kinds.count(kind) == (name in names), f"{life.request}: {kinds} with {names}")
    must(not kinds or {"dispute", "escalate"} & names != set(), f"{life.request}: {kinds}")
    must(all(one.text.strip() for one in said), f"{life.request}: somebody said nothing")


def check_no_request_due(contract: Contract, now: datetime) -> None:
    """Whoever entered a contract first carried out what silence had decided about its request."""
    for request in EscrowRefundRequest.objects.filter(book=contract.book_id):
        life = lived(request)
        must(life.deadline is None or life.deadline > now, f"{request} was left lying")
        split = life.open_split
        must(split is None or split.answer_by > now, f"{split} was left lying")


def answers_due(
    contract: Contract, lives: dict[int, Life]
) -> tuple[list[datetime], list[datetime]]:
    """By when the client, and the talent, must act about a request before silence does."""
    client: list[datetime] = []
    talent: list[datetime] = []
    life = lives.get(contract.book_id)
    if life is not None and life.deadline is not None:
        (talent if life.state == "pending" else client).append(life.deadline)
    if life is not None and life.open_split is not None:
        for side, party in ((client, contract.client_id), (talent, contract.talent_id)):
            if party not in life.agreed:
                side.append(life.open_split.answer_by)
    return client, talent


# In other words ----------------------------------------------------------------------------------


def workdays_after(start: datetime, days: int) -> datetime:
    """So many of the calendar's Mondays to Fridays later; a weekend waits for its Monday."""
    start = start.astimezone(UTC)
    if start.weekday() > 4:
        start = datetime(start.year, start.month, start.day, tzinfo=UTC)
        start += (7 - start.weekday()) * DAY
    following = (start + number * DAY for number in range(1, 3 * days + 7))
    return [one for one in following if one.isoweekday() <= 5][days - 1]


def silence_of(request: EscrowRefundRequest, filed_at: datetime) -> str:
    """Work that was submitted, and neither paid nor taken back, is for support to judge."""
    contract = Contract.objects.get(book=request.book_id)
    must(filed_at == contract.ended_at == request.filed_at, f"{request} was filed at {filed_at}")
    handed_in: dict[int, bool] = {}
    of_milestones = ContractHistory.objects.filter(contract=contract, row_label="milestone")
    for record in of_milestones.order_by("sequence"):
        if record.transition in ("submit", "take_back", "pay"):
            handed_in[record.row_id] = record.transition == "submit"
    return "escalate" if any(handed_in.values()) else "lapse"


def moved(transfers: Iterable[Transfer]) -> int:
    return sum(one.amount_minor for one in transfers)
