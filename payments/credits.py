"""Client credit that goes back to what was charged, on request or by wish at once.

Credit goes back only to charges it can have come from: newest first, together at most what was
charged, none that is disputed at the bank and none of long ago (docs/decisions/0028). What fits no
charge stays credit, and says why.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import BigIntegerField, Exists, F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from marketplace import clock, locks, once, policy
from marketplace.actors import PLATFORM, Actor
from marketplace.models import Party
from marketplace.models.history import Rank
from marketplace.money import Money, total
from marketplace.refusals import InvalidInput, NotYours
from payments import chargebacks, ledger, notices, operations, outgoing, rules
from payments.models import Account, Book, Chargeback, GatewayOperation
from payments.outgoing import Outgoing
from payments.states import (
    NOT_ARRIVED,
    OPEN_OPERATIONS,
    AccountKind,
    ChargebackState,
    OperationKind,
    OperationState,
)

BLOCKED: Final = (
    "While a charge of yours is disputed at the bank, and not settled here, your credit stays."
)
DISPUTED: Final = "A charge that is disputed at the bank takes nothing back."
ELSEWHERE: Final = "The rest came from no charge that can take it back."


@dataclass(frozen=True, slots=True)
class Part:
    """How much goes back to one charge; the charge with its book."""

    charge: GatewayOperation
    amount: Money


@dataclass(frozen=True, slots=True)
class Sendable:
    """What of a client's credit can go back, and where to, newest charge first.

    ``why`` says in a sentence why the rest stays; empty when all of it can go.
    """

    credit: Money
    parts: tuple[Part, ...]
    why: str = ""

    @property
    def possible(self) -> Money:
        return total([part.amount for part in self.parts], self.credit.currency)

    @property
    def stays(self) -> Money:
        return self.credit - self.possible

    def of(self, amount: Money) -> list[Part]:
        """The parts when only so much goes back: the newest charges first.

        Raises:
            InvalidInput: on ``amount``: not above zero, or more than is possible.
        """
        if self.possible and amount.minor <= 0:
            raise InvalidInput("Type an amount above zero.", field="amount")
        if not self.possible or amount > self.possible:
            raise InvalidInput(self._too_much(), field="amount")
        chosen, left = [], amount
        for part in self.parts:
            if left:
                takes = min(part.amount, left)
                chosen.append(Part(part.charge, takes))
                left -= takes
        return chosen

    def _too_much(self) -> str:
        if not self.possible:
            return f"None of your credit can be sent back now. {self.why}".strip()
        charges = "1 charge" if len(self.parts) == 1 else f"{len(self.parts)} charges"
        return f"At most {self.possible} can be sent back now, to {charges}. {self.why}".strip()


def sendable(account: Account, now: datetime) -> Sendable:
    """What of a credit account can go back now, as this account was read; at most four queries."""
    return _sendable(account, _fitting(account, now), now)


def send_back(account: Account, *, amount: Money, key: str, by: Actor) -> list[GatewayOperation]:
    """Send credit back to the charges it can have come from, newest first.

    Runs in transactions of its own, with the gateway called between them.

    Args:
        account: a client's credit.
        amount: at most what :func:`sendable` says.
        key: the form's key; the same form again reports what the first one did.

    Returns:
        One operation for each charge, as it is now: what the gateway declined is credit again.

    Raises:
        NotYours: not an owner or manager of the client.
        InvalidInput: on ``amount``: more than is possible now; nothing moved.
        KeyReused: see :mod:`marketplace.once`.
    """
    begun = _begin(account, amount=amount, key=key, by=by)
    return [operations.carry_out(pk) for pk in begun]


def sent_with(key: str, party: Party) -> list[GatewayOperation]:
    """What the client's form with this key sent back before, if anything; with the charges."""
    sent = GatewayOperation.objects.filter(key__in=_keys(key), book__client=party)
    return list(sent.select_related("of__book").order_by("pk"))


def send_back_at_once(account_id: int) -> bool:
    """Send back the credit of a client who wishes that, as far as it goes.

    While a charge of that client in that currency is open it waits: the charge may count on it.
    A charge that did not take it once is left to the client.

    Returns:
        Whether something was sent.
    """
    begun = _begin_at_once(Account.objects.get(pk=account_id))
    for pk in begun:
        operations.carry_out(pk)
    return bool(begun)


def waiting() -> QuerySet[Account]:
    """Credit that is to go back at once, by ``goes_back_at``."""
    return Account.objects.filter(kind=AccountKind.CREDIT, goes_back_at__isnull=False)


@transaction.atomic
def choose(party: Party, *, goes_back: bool, by: Actor) -> None:
    """What should happen to a client's money that comes back: kept as credit, or sent back at once.

    Credit that is there now goes along with the choice.

    Raises:
        NotYours: not an owner or manager of the client.
    """
    _refuse(party, by)
    ids = list(_accounts_of(party).values_list("pk", flat=True)) or [_first_account(party).pk]
    now, changed = clock.now(), False
    for account in ledger.lock_accounts(ids).values():
        changed |= account.goes_back != goes_back
        account.goes_back = goes_back
        account.goes_back_at = now if goes_back and account.balance_minor else None
        account.save(update_fields=["goes_back", "goes_back_at"])
    if changed:
        notices.credit_choice(party, goes_back=goes_back, by=by)


def open_charges(account: Account) -> QuerySet[GatewayOperation]:
    """Charges that may still succeed, and may count on this credit."""
    charges: QuerySet[GatewayOperation] = _charges(account).filter(state__in=OPEN_OPERATIONS)
    return charges


@transaction.atomic
def _begin(account: Account, *, amount: Money, key: str, by: Actor) -> list[int]:
    """Post the credit out and commit the intent to send it, as the locked books have it."""
    earlier = once.claim(key, credit_of=account.pk, amount=amount)
    party = account.party
    assert party is not None
    if earlier is not None:
        return [one.pk for one in sent_with(key, party)]
    _refuse(party, by)
    now = clock.now()
    locked = _lock(account, [part.charge.pk for part in sendable(account, now).parts])
    fitting = _fitting(locked.account, now).filter(pk__in=locked.charges)
    parts = _sendable(locked.account, fitting, now).of(amount)
    begun = _post(locked, parts, key=key or once.new_key(), by=by)
    notices.credit_sent_back(begun, by=by)
    once.keep(key, begun[0].pk)
    return [one.pk for one in begun]


@transaction.atomic
def _begin_at_once(account: Account) -> list[int]:
    """The same for all that can go by itself; when nothing (more) can, the wish is fulfilled."""
    now = clock.now()
    found = _sendable(account, _untried(_fitting(account, now)), now)
    locked = _lock(account, [part.charge.pk for part in found.parts])
    account = locked.account
    if account.goes_back_at is None or account.goes_back_at > now:
        return []
    if open_charges(account).exists():
        return _note(account, now + policy.CREDIT_BACK_WAITS)
    fitting = _untried(_fitting(account, now)).filter(pk__in=locked.charges)
    parts = _sendable(account, fitting, now).parts
    if not parts:
        return _note(account, None)
    begun = _post(locked, parts, key=once.new_key(), by=PLATFORM)
    notices.credit_sent_back(begun, by=PLATFORM)
    return [one.pk for one in begun]


@dataclass(frozen=True, slots=True)
class _Locked:
    account: Account
    charges: Collection[int]
    books: dict[int, Book]


def _lock(account: Account, charge_ids: Collection[int]) -> _Locked:
    """Lock charges, their books, and with those the credit they share."""
    charges = GatewayOperation.objects.filter(pk__in=charge_ids)
    locked = locks.rows(charges, Rank.OPERATION)
    books = ledger.lock_all({one.book_id for one in locked if one.book_id})
    of_books = [book.credit_account for book in books.values()]
    credit = of_books[0] if of_books else ledger.lock_accounts([account.pk])[account.pk]
    return _Locked(credit, [one.pk for one in locked], books)


def _post(locked: _Locked, parts: Sequence[Part], *, key: str, by: Actor) -> list[GatewayOperation]:
    chosen = []
    for part, of_charge in zip(parts, _keys(key), strict=False):
        charge = part.charge
        assert charge.book_id is not None
        charge.book = locked.books[charge.book_id]
        label = charge.method_label
        chosen.append(
            Outgoing(locked.account, part.amount, charge.method, label, of_charge, charge)
        )
    return outgoing.begin(chosen, ledger.kept_accounts(locked.books.values()), by=by)


def _note(account: Account, moment: datetime | None) -> list[int]:
    """When to look again, if at all; nothing is sent now."""
    account.goes_back_at = moment
    account.save(update_fields=["goes_back_at"])
    return []


def _keys(key: str) -> list[str]:
    """The keys of the calls that one form makes, one for each charge."""
    return [f"credit:{key}:{number}" for number in range(policy.CREDIT_BACK_CHARGES)]


def _refuse(party: Party, by: Actor) -> None:
    refusal = rules.has_credit(party, by)
    if refusal is not None:
        raise NotYours(refusal)


def _accounts_of(party: Party) -> QuerySet[Account]:
    return Account.objects.filter(kind=AccountKind.CREDIT, party=party).order_by("pk")


def _first_account(party: Party) -> Account:
    """A client who has no contract yet can say what it wishes; later accounts inherit it."""
    account, _ = Account.objects.get_or_create(
        kind=AccountKind.CREDIT,
        party=party,
        currency=policy.CURRENCIES[0],
        defaults={"balance_minor": 0},
    )
    return account


def _charges(account: Account) -> QuerySet[GatewayOperation]:
    return GatewayOperation.objects.filter(
        kind=OperationKind.CHARGE, book__credit_account=account.pk
    )


def _unspent(account: Account) -> QuerySet[Any]:
    """Charges that succeeded, of which something is ``left_minor``: newest first."""
    back = (
        GatewayOperation.objects.filter(of=OuterRef("pk"))
        .exclude(state__in=NOT_ARRIVED)
        .order_by()
        .values("of")
        .annotate(minor=Sum("amount_minor"))
        .values("minor")
    )
    gone = Coalesce(Subquery(back, output_field=BigIntegerField()), 0)
    succeeded = _charges(account).filter(state=OperationState.SUCCEEDED)
    unspent = succeeded.annotate(left_minor=F("amount_minor") - gone, disputed=_disputed())
    return unspent.filter(left_minor__gt=0).order_by("-settled_at", "-pk")


def _disputed() -> Exists:
    """The bank has the money, or had it and kept it."""
    of_charge = Chargeback.objects.filter(operation=OuterRef("pk"))
    return Exists(of_charge.exclude(state=ChargebackState.WON))


def _fitting(account: Account, now: datetime) -> QuerySet[Any]:
    """Charges that can take something back."""
    since = now - policy.CREDIT_BACK_WINDOW
    return _unspent(account).filter(disputed=False, settled_at__gte=since)


def _untried(charges: QuerySet[Any]) -> QuerySet[Any]:
    """Those that never gave back what was sent: else it would be sent again and again."""
    failed = GatewayOperation.objects.filter(of=OuterRef("pk"), state__in=NOT_ARRIVED)
    return charges.filter(~Exists(failed))


def _sendable(account: Account, fitting: QuerySet[Any], now: datetime) -> Sendable:
    credit: Money = account.balance
    parts, left = [], credit.minor
    assert account.party is not None
    if left and chargebacks.blocks(account.party):
        return Sendable(credit, (), BLOCKED)
    if left:
        for charge in fitting.select_related("book")[: policy.CREDIT_BACK_CHARGES]:
            takes = min(left, charge.left_minor)
            if takes:
                parts.append(Part(charge, Money(takes, credit.currency)))
                left -= takes
    return Sendable(credit, tuple(parts), _why(account, len(parts), now) if left else "")


def _why(account: Account, charges: int, now: datetime) -> str:
    """Why some credit stays, in a sentence for people."""
    if charges == policy.CREDIT_BACK_CHARGES:
        return f"Credit goes back to {charges} charges in one go; send the rest afterwards."
    unspent = _unspent(account)
    if unspent.filter(disputed=True).exists():
        return DISPUTED
    if unspent.filter(settled_at__lt=now - policy.CREDIT_BACK_WINDOW).exists():
        days = policy.CREDIT_BACK_WINDOW.days
        return f"Charges of more than {days} days ago can take nothing back."
    return ELSEWHERE
