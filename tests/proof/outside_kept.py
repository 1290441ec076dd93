"""What must be true of money that comes from and goes to the outside world, counted anew.

Each balance is told again from what was done (charges, payments, refunds, withdrawals, disputes at
the bank), not from the ledger's transfers; and what left or came is compared, call by call, with
what the sandbox itself says went through it. Windows and limits stand here once more.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Sum

from payments.models import (
    Account,
    Book,
    Chargeback,
    Correction,
    GatewayOperation,
    Payment,
    Refund,
    SandboxCall,
    SandboxDispute,
    SandboxMovement,
    Transfer,
)
from tests.proof.hours_kept import DAY, Kept, must
from tests.proof.payments_kept import moves

OUTGOING = ("credit_back", "payout")
OPEN, HERE_AGAIN = ("started", "unknown"), ("declined", "returned")
GOES_BACK_WITHIN = 365 * DAY
AT_ONCE = 20
"""Charges to which credit goes back in one go."""
WATCHED = (DAY, 4 * DAY, 7 * DAY, 14 * DAY)
Way = dict[tuple[str, str], int]


@dataclass(frozen=True)
class Outside:
    """What is stored here and at the sandbox, read once."""

    operations: list[GatewayOperation]
    chargebacks: dict[str, Chargeback]
    calls: dict[str, SandboxCall]
    disputes: dict[str, SandboxDispute]
    moved: dict[tuple[str, str], list[int]]
    """At the sandbox, by the key of a call and the reference of its dispute, if any."""
    legs: dict[int, list[Transfer]]

    @classmethod
    def read(cls) -> Outside:
        moved, legs = defaultdict(list), defaultdict(list)
        for one in SandboxMovement.objects.order_by("pk"):
            moved[one.key, one.dispute].append(one.amount_minor)
        of_entries = Transfer.objects.filter(
            entry__kind__in=("charge", *OUTGOING, "payout_failed", "chargeback")
        )
        for leg in of_entries.select_related("debit", "credit", "entry").order_by("pk"):
            legs[leg.entry_id].append(leg)
        rows = GatewayOperation.objects.select_related("book", "account", "of__book")
        return cls(
            list(rows.order_by("pk")),
            {one.reference: one for one in Chargeback.objects.select_related("operation", "book")},
            {one.key: one for one in SandboxCall.objects.all()},
            {one.reference: one for one in SandboxDispute.objects.select_related("call")},
            moved,
            legs,
        )


def check_outside(kept: Kept) -> None:
    """All of it, from the rows."""
    outside = Outside.read()
    for operation in outside.operations:
        check_call(operation, outside)
        if operation.kind in OUTGOING:
            check_outgoing(operation, outside, kept)
    check_sent_back(outside)
    for chargeback in outside.chargebacks.values():
        check_chargeback(chargeback, outside, kept)
    check_posted_once(outside)
    check_told_again(outside)
    check_what_went_through(outside)


# Call by call ------------------------------------------------------------------------------------


def check_call(operation: GatewayOperation, outside: Outside) -> None:
    """What moved there is what we believe, or will be once we hear of it; and it moved once."""
    moved = outside.moved.get((operation.key, ""), [])
    sign = -1 if operation.kind in OUTGOING else 1
    there = [sign * operation.amount_minor]
    and_back = [*there, -there[0]]
    believed: tuple[list[int], ...] = {
        "succeeded": (there, and_back) if sign < 0 else (there,),
        "returned": (and_back,),
        "declined": ([],),
    }.get(operation.state, ([], there, and_back))
    must(moved in believed, f"{operation} is {operation.state}; at the sandbox moved {moved}")


def check_outgoing(operation: GatewayOperation, outside: Outside, kept: Kept) -> None:
    """It left the balance when it was begun, and is there again, once, if it did not arrive."""
    account = left_from(operation)
    source, amount = account.kind, operation.amount_minor
    expected = "available" if operation.kind == "payout" else "credit"
    must(source == expected, f"{operation} left from {source}")
    out = outside.legs[operation.entry_id or 0]
    must(moves(out) == {(source, "outside"): amount}, f"{operation} moved {moves(out)}")
    must({leg.debit_id for leg in out} == {account.pk}, f"{operation} left from elsewhere")
    must(
        {(leg.entry.kind, leg.entry.at) for leg in out} == {(operation.kind, operation.started_at)},
        f"{operation} was not posted out when it was begun",
    )
    back = outside.legs[operation.back_entry_id or 0]
    is_here = operation.state in HERE_AGAIN
    ways: Way = {("outside", source): amount} if is_here else {}
    must(moves(back) == ways, f"{operation} is {operation.state}; back came {moves(back)}")
    must({leg.credit_id for leg in back} <= {account.pk}, f"{operation} came back elsewhere")
    kept.same("outgoing", operation.pk, (account.pk, amount, operation.method, operation.of_id))
    if is_here:
        kept.first("came back", operation.pk, operation.back_entry_id)
    came_back = kept.seen.get(("came back", operation.pk))
    must(
        came_back is None or (is_here and came_back == operation.back_entry_id),
        f"{operation} came back and is {operation.state}",
    )
    if operation.state == "succeeded" and operation.settled_at and operation.watch_at:
        steps = [operation.settled_at + step for step in WATCHED]
        must(operation.watch_at in steps, f"{operation} is looked at {operation.watch_at}")


def left_from(operation: GatewayOperation) -> Account:
    if operation.account is not None:
        return operation.account
    assert operation.of is not None
    assert operation.of.book is not None
    return operation.of.book.credit_account


def check_sent_back(outside: Outside) -> None:
    """Credit goes to a charge it can have come from, never more than that was, nor too late."""
    back: Counter[int] = Counter()
    for one in outside.operations:
        charge = one.of
        must((charge is None) == (one.kind != "credit_back"), f"{one} is of {charge}")
        if charge is None:
            continue
        must((charge.kind, charge.state) == ("charge", "succeeded"), f"{one} is of {charge}")
        must(charge.book.client_id == one.book.client_id, f"{one} is of somebody else's charge")
        must(charge.currency == one.currency, f"{one} is of {charge}")
        must(charge.gateway == one.gateway, f"{one} is of another gateway's {charge}")
        assert charge.settled_at is not None
        must(one.started_at - charge.settled_at <= GOES_BACK_WITHIN, f"{one} came too late")
        must(not was_disputed(charge, one, outside), f"{one} is of a disputed {charge}")
        if one.actor_kind == "platform":
            must(not counted_on(one, outside), f"{one} left while a charge may count on it")
        if one.state not in HERE_AGAIN:
            back[charge.pk] += one.amount_minor
        elif one.key in outside.calls:
            disputed = [each.call.key for each in outside.disputes.values()]
            excused = outside.calls[one.key].outcome != "declined" or charge.key in disputed
            must(excused, f"{one} was more than is left of its charge")
    for charge in outside.operations:
        gone = back[charge.pk]
        must(gone <= charge.amount_minor, f"{gone} of {charge} were sent back")


def counted_on(sent: GatewayOperation, outside: Outside) -> list[GatewayOperation]:
    """The client's charges of that currency that were open when credit left by itself."""
    account = left_from(sent).pk
    return [
        one
        for one in outside.operations
        if one.kind == "charge"
        and one.pk < sent.pk
        and one.book is not None
        and one.book.credit_account_id == account
        and (one.settled_at is None or one.settled_at > sent.started_at)
    ]


def was_disputed(charge: GatewayOperation, sent: GatewayOperation, outside: Outside) -> bool:
    """Whether we knew that the bank had taken a charge, and had not got it back, when credit left.

    The ledger says what came first: several deeds may be of one moment.
    """
    left = sent.entry_id or 0
    return any(
        one.entry_id < left and not (one.back_entry_id is not None and one.back_entry_id < left)
        for one in outside.chargebacks.values()
        if one.operation_id == charge.pk
    )


# Disputes at the bank ----------------------------------------------------------------------------


def check_chargeback(chargeback: Chargeback, outside: Outside, kept: Kept) -> None:
    """Credit bears what it can, the operator the rest; decided for us, each gets its part back."""
    dispute = outside.disputes.get(chargeback.reference)
    must(dispute is not None, f"{chargeback} is of no dispute")
    assert dispute is not None
    charge = chargeback.operation
    must(dispute.call.key == charge.key, f"{chargeback} is of {charge}, not {dispute.call.key}")
    must(chargeback.amount_minor == charge.amount_minor, f"{chargeback} of {charge}")
    of_credit, of_operator = chargeback.from_credit_minor, chargeback.from_operator_minor
    taken = outside.legs[chargeback.entry_id]
    expected = ways({("credit", "outside"): of_credit, ("fees", "outside"): of_operator})
    must(moves(taken) == expected, f"{chargeback} moved {moves(taken)}, not {expected}")
    if of_operator:
        left = [leg.debit_after for leg in taken if leg.debit.kind == "credit"]
        must(not any(left), f"{chargeback}: the operator bears what credit could")
    back = outside.legs[chargeback.back_entry_id or 0]
    expected = ways({("outside", "credit"): of_credit, ("outside", "fees"): of_operator})
    if chargeback.state != "won":
        expected = {}
    must(moves(back) == expected, f"{chargeback} is {chargeback.state}; back came {moves(back)}")
    believed = {
        "open": ("open", "won", "lost"),
        "won": ("won",),
        "lost": ("lost",),
        "written_off": ("lost",),
    }[chargeback.state]
    must(dispute.outcome in believed, f"{chargeback} is {chargeback.state}: {dispute.outcome}")
    parts = (charge.pk, chargeback.amount_minor, of_credit, of_operator, chargeback.entry_id)
    kept.same("chargeback", chargeback.pk, parts)
    moved = outside.moved.get((charge.key, chargeback.reference), [])
    there = [-charge.amount_minor]
    if dispute.outcome == "won":
        there.append(charge.amount_minor)
    must(moved == there, f"of {dispute} the sandbox moved {moved}")


def check_posted_once(outside: Outside) -> None:
    """Each entry from or to the outside world is one deed's."""
    known = {
        pk
        for one in outside.operations
        for pk in (one.entry_id, one.back_entry_id)
        if pk is not None
    }
    known |= {
        pk
        for one in outside.chargebacks.values()
        for pk in (one.entry_id, one.back_entry_id)
        if pk is not None
    }
    stray = set(outside.legs) - known - {0}
    stray = {pk for pk in stray if outside.legs[pk]}
    must(not stray, f"the entries {sorted(stray)} are of no call and no dispute")


# Told again --------------------------------------------------------------------------------------


def check_told_again(outside: Outside) -> None:
    """Every client's credit, every talent's available money and the fees, from what was done."""
    told = Tally.of_everything(outside)
    kept = Account.objects.filter(kind__in=("credit", "available"))
    for account in kept.select_related("party").order_by("pk"):
        expected = told.balance[account.pk]
        must(
            account.balance_minor == expected,
            f"{account} of {account.party} is {account.balance_minor}, was made {expected}",
        )
    for account in Account.objects.filter(kind="fees").order_by("pk"):
        expected, moved = told.balance[account.pk], moved_of(account)
        must(moved == expected, f"{account} has {moved}, was made {expected}")


class Tally:
    """Balances by account, as deeds make them."""

    def __init__(self) -> None:
        self.balance: Counter[int] = Counter()

    @classmethod
    def of_everything(cls, outside: Outside) -> Tally:
        told = cls()
        for one in outside.operations:
            told.operation(one)
        for chargeback in outside.chargebacks.values():
            told.chargeback(chargeback)
        for payment in Payment.objects.select_related("book"):
            told.payment(payment)
        for refund in Refund.objects.select_related("payment__book"):
            told.refund(refund)
        for correction in Correction.objects.filter(state="posted"):
            told.balance[correction.debit_id] -= correction.amount_minor
            told.balance[correction.credit_id] += correction.amount_minor
        in_escrow = Book.objects.values_list("credit_account", "escrow_account__balance_minor")
        for credit, minor in in_escrow.order_by("pk"):
            told.balance[credit] -= minor
        return told

    def operation(self, one: GatewayOperation) -> None:
        if one.kind not in OUTGOING:
            if one.state == "succeeded":
                assert one.book is not None
                self.balance[one.book.credit_account_id] += one.amount_minor
        elif one.state not in HERE_AGAIN:
            self.balance[left_from(one).pk] -= one.amount_minor

    def chargeback(self, one: Chargeback) -> None:
        if one.state != "won":
            self.balance[one.book.credit_account_id] -= one.from_credit_minor
            self.balance[one.book.fees_account_id] -= one.from_operator_minor

    def payment(self, one: Payment) -> None:
        """It was paid from credit; what is in escrow of that is taken off elsewhere."""
        book = one.book
        self.balance[book.credit_account_id] -= one.gross_minor
        self.balance[book.fees_account_id] += one.fee_minor
        self.balance[book.available_account_id] += one.net_minor - one.pending_left_minor

    def refund(self, one: Refund) -> None:
        book = one.payment.book
        self.balance[book.credit_account_id] += one.amount_minor
        self.balance[book.fees_account_id] -= one.fee_minor
        self.balance[book.available_account_id] -= one.amount_minor - one.fee_minor


def moved_of(account: Account) -> int:
    rows = (account.credits.all(), account.debits.all())
    came, went = (one.aggregate(minor=Sum("amount_minor"))["minor"] or 0 for one in rows)
    return int(came - went)


def check_what_went_through(outside: Outside) -> None:
    """The outside account is what the sandbox says, but for what one of both has yet to hear."""
    theirs: Counter[str] = Counter()
    for one in SandboxMovement.objects.order_by().values_list("currency", "amount_minor"):
        theirs[one[0]] += one[1]
    ours: Counter[str] = Counter()
    for account in Account.objects.filter(kind="outside"):
        ours[account.currency] -= moved_of(account)
    for one in Correction.objects.filter(state="posted").select_related("debit", "credit"):
        signs = (one.debit.kind == "outside") - (one.credit.kind == "outside")
        ours[one.currency] -= signs * one.amount_minor
    for one in outside.operations:
        ours[one.currency] += unheard(one, outside)
    for dispute in outside.disputes.values():
        ours[dispute.call.currency] += unheard_of_bank(dispute, outside)
    expected = {currency: minor for currency, minor in ours.items() if minor}
    found = {currency: minor for currency, minor in theirs.items() if minor}
    must(expected == found, f"{found} went through the sandbox, the books say {expected}")


def unheard(one: GatewayOperation, outside: Outside) -> int:
    """What moved at the sandbox for a call, less what is posted of it here."""
    posted = {
        (False, "succeeded"): one.amount_minor,
        (True, "started"): -one.amount_minor,
        (True, "unknown"): -one.amount_minor,
        (True, "succeeded"): -one.amount_minor,
    }.get((one.kind in OUTGOING, one.state), 0)
    return sum(outside.moved.get((one.key, ""), [])) - posted


def unheard_of_bank(dispute: SandboxDispute, outside: Outside) -> int:
    taken = outside.chargebacks.get(dispute.reference)
    posted = -dispute.call.amount_minor if taken is not None and taken.state != "won" else 0
    return sum(outside.moved.get((dispute.call.key, dispute.reference), [])) - posted


# After a sweep -----------------------------------------------------------------------------------


def check_told_and_swept(now: datetime) -> None:
    """Everything that was due to be asked was asked, and what the sandbox told has arrived."""
    operations = GatewayOperation.objects.order_by("pk")
    late = operations.filter(state__in=OPEN, due_at__lte=now)
    must(not late, f"{list(late)} were due to be asked")
    unwatched = operations.filter(kind__in=OUTGOING, watch_at__lte=now)
    must(not unwatched, f"{list(unwatched)} were due to be looked at")
    must(
        not SandboxCall.objects.filter(report_due_at__lte=now),
        "the sandbox told, and nobody listened",
    )
    back = SandboxCall.objects.filter(outcome="returned").values_list("key", flat=True)
    astray = operations.filter(key__in=back).exclude(state="returned")
    must(not astray, f"{list(astray)} came back, and nobody noticed")
    for dispute in SandboxDispute.objects.select_related("call"):
        check_dispute_arrived(dispute)


def check_dispute_arrived(dispute: SandboxDispute) -> None:
    told = Chargeback.objects.filter(reference=dispute.reference).first()
    must(told is not None, f"{dispute}: nobody took it in")
    assert told is not None
    must(
        dispute.call.report_due_at is not None
        or (told.state == "open") == (dispute.outcome == "open"),
        f"{dispute} was decided, here it is {told.state}",
    )


# In other words ----------------------------------------------------------------------------------


def can_be_withdrawn(party: Any, currency: str, now: datetime) -> int:
    """What is available, or is by now."""
    accounts = Account.objects.filter(party=party, currency=currency, kind="available")
    held = sum(accounts.values_list("balance_minor", flat=True))
    return held + sum(due_of(party, currency, now).values_list("pending_left_minor", flat=True))


def is_in_debt(account: Account, outside: Outside) -> bool:
    """Whether the operator bears a part of a client's standing chargeback, of any currency."""
    return any(
        one.state in ("open", "lost")
        and one.from_operator_minor
        and one.book.client_id == account.party_id
        for one in outside.chargebacks.values()
    )


def due_of(party: Any, currency: str, now: datetime) -> Any:
    """Payments that waited long enough and are not available yet."""
    return Payment.objects.filter(
        book__talent=party,
        currency=currency,
        matured_at=None,
        held=False,
        available_at__lte=now,
    )


def ways(moved: Way) -> Way:
    return {way: minor for way, minor in moved.items() if minor}


def went_out() -> dict[str, int]:
    """By currency: outgoing money that is not here again, and what banks took."""
    out: Counter[str] = Counter()
    gone = GatewayOperation.objects.filter(kind__in=OUTGOING).exclude(state__in=HERE_AGAIN)
    for rows in (gone, Chargeback.objects.exclude(state="won")):
        for currency, minor in rows.order_by().values_list("currency", "amount_minor"):
            out[currency] += minor
    return dict(out)


def can_be_sent_back(account: Account, now: datetime) -> int:
    """What of some credit fits the client's twenty newest charges that can take it.

    Nothing does while the operator bears a part of what the bank took from the client.
    """
    outside = Outside.read()
    if is_in_debt(account, outside):
        return 0
    back: Counter[int] = Counter()
    for one in outside.operations:
        if one.of_id is not None and one.state not in HERE_AGAIN:
            back[one.of_id] += one.amount_minor
    charges = [
        one
        for one in outside.operations
        if one.kind == "charge"
        and one.state == "succeeded"
        and one.book is not None
        and one.book.credit_account_id == account.pk
        and one.settled_at is not None
        and now - one.settled_at <= GOES_BACK_WITHIN
        and one.amount_minor > back[one.pk]
        and not any(
            each.operation_id == one.pk and each.state != "won"
            for each in outside.chargebacks.values()
        )
    ]
    newest = sorted(charges, key=lambda one: (one.settled_at, one.pk), reverse=True)
    fits = sum(one.amount_minor - back[one.pk] for one in newest[:AT_ONCE])
    held = Account.objects.get(pk=account.pk).balance_minor or 0
    return min(held, fits)
