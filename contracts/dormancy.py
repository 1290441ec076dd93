"""Quiet contracts: both sides are reminded, and money that sleeps in escrow finds its way.

Ninety days without anybody's act make a fixed-price contract with money in escrow dormant: the
client is asked what is to become of it, then the talent. Anything that somebody does wakes it, and
so does *Still working*. If the talent asks for its release, silence of the client pays it; if
nobody acts, it goes back to the client and the contract ends. Whoever is asked has all of their
days from when they were really asked, however late a sweep came (see docs/decisions).
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Max

from contracts import closing, notices, paying, positions, quiet, rules
from contracts.models import Contract, Dormancy
from contracts.paying import Paying
from contracts.states import OPEN_DORMANCIES, Side
from marketplace import clock, policy, transitions
from marketplace.actors import PLATFORM, Actor
from marketplace.refusals import InvalidInput, Overtaken
from marketplace.states import ActorKind
from payments import ledger
from payments.models import Book, BookHistory, Entry

NOT_DORMANT = "This contract is not dormant any more. Nothing of its escrow moves by itself."


@transaction.atomic
def still_working(contract: Contract, *, by: Actor) -> Contract:
    """Either side says that a quiet or dormant contract goes on (D); the count begins anew.

    Anyone who takes part can say it. Where nothing was quiet, nothing changes.

    Raises:
        NotYours: not one of the two sides.
        Overtaken: it has ended, perhaps because nobody acted, or never began.
    """
    contract = _enter(contract, by)
    rules.refuse(rules.says_still_working(contract, by))
    now, was_dormant = clock.now(), contract.is_dormant
    if not was_dormant and not contract.quiet_told:
        return contract
    quiet.wake(contract, at=now, by=by)
    positions.touch(contract, now=now)
    if not was_dormant:
        notices.contract_goes_on(contract, dormancy=None, by=by)
    return contract


@transaction.atomic
def ask_for_release(contract: Contract, *, note: str = "", by: Actor) -> Dormancy:
    """The talent asks for what is in escrow; without an answer of the client it is paid.

    Args:
        note: what the client will read, at most ``policy.NOTE_LENGTH`` characters; may be empty.

    Raises:
        NotYours: not an owner or manager of the talent.
        Overtaken: the contract is not dormant any more, or it was asked before.
        InvalidInput: on ``note``: too long.
    """
    contract = _enter(contract, by)
    rules.refuse(rules.talent_manages(contract, by))
    dormancy = _answerable(contract.open_dormancy)
    if len(note) > policy.NOTE_LENGTH:
        raise InvalidInput(f"Write at most {policy.NOTE_LENGTH} characters.", field="note")
    now = clock.now()
    book = ledger.lock(contract.book_id)
    transitions.move(dormancy, "ask_for_release", by=by, note=note.strip(), at=now)
    positions.touch(contract, now=now, wakes=False)
    notices.dormant_release_asked(contract, dormancy, book, by=by)
    return dormancy


def refuse_to_ask(contract: Contract) -> None:
    """Whether the talent can ask now, from an unlocked reading, for pages.

    Raises:
        Overtaken: as :func:`ask_for_release`.
    """
    if contract.is_ended:
        raise Overtaken(closing.ended_sentence(contract))
    _answerable(contract.dormancies.filter(state__in=OPEN_DORMANCIES).first())


# What time brings -------------------------------------------------------------------------------


def remind(contract: Contract) -> None:
    """Tell both sides that nobody did anything, or begin the sleep, and set what comes next.

    Called by the sweep while the contract is entered; does nothing when nothing is due. Of several
    steps that were missed only the latest is told.
    """
    now = clock.now()
    if contract.quiet_due_at is None or contract.quiet_due_at > now or _acted_below(contract):
        return
    book = ledger.lock(contract.book_id)
    holds = bool(book.escrow)
    told, due = contract.quiet_told, quiet.due_at(contract, contract.quiet_told, holds=holds)
    while due is not None and due <= now:
        told, since = told + 1, due
        due = quiet.due_at(contract, told, holds=holds)
    passed, contract.quiet_told, contract.quiet_due_at = contract.quiet_told, told, due
    if told == len(quiet.STEPS) > passed:
        _fall_asleep(contract, book, since=since, now=now)
        return
    contract.save(update_fields=quiet.FIELDS)
    if told > passed:
        _tell_quiet(contract, book)


def pass_unanswered(contract: Contract, now: datetime) -> None:
    """Carry out what silence decides on an entered contract that is dormant."""
    dormancy = contract.open_dormancy
    if dormancy is None or dormancy.due_at is None or dormancy.due_at > now:
        return
    if _acted_below(contract):
        return
    if dormancy.is_release_asked:
        _pay(contract, dormancy, now)
    elif dormancy.asked is Side.CLIENT:
        _ask_talent(contract, dormancy, now)
    else:
        closing.end_in_silence(contract)


def _fall_asleep(contract: Contract, book: Book, *, since: datetime, now: datetime) -> None:
    dormancy = Dormancy(contract=contract, since=since, due_at=now + policy.DORMANT_CLIENT_ANSWER)
    dormancy.save(force_insert=True)
    transitions.created(dormancy, by=PLATFORM)
    contract.open_dormancy, contract.dormant_since = dormancy, since
    positions.place_again(contract)
    contract.save(update_fields=positions.FIELDS)
    notices.contract_dormant(contract, dormancy, book)


def _ask_talent(contract: Contract, dormancy: Dormancy, now: datetime) -> None:
    transitions.move(dormancy, "ask_talent", by=PLATFORM, at=now)
    positions.touch_again(contract)
    notices.dormant_talent_asked(contract, dormancy, ledger.lock(contract.book_id))


def _pay(contract: Contract, dormancy: Dormancy, now: datetime) -> None:
    """The client did not answer the talent: all of escrow is paid, as of when it was due.

    The contract stays open, and the client is asked whether to end it, as after *Pay now*. Both
    sides are reminded again, counted from the last thing that anybody did.
    """
    assert dormancy.due_at is not None
    book = ledger.lock(contract.book_id)
    everything = Paying(contract, book, at=now, paid_at=dormancy.due_at, by=PLATFORM)
    payment = paying.pay_everything(everything)
    contract.open_milestones = [one for one in contract.open_milestones if one.is_open]
    transitions.move(dormancy, "pay", by=PLATFORM, at=now)
    contract.open_dormancy, contract.asks_to_end_since = None, now
    quiet.begin(contract)
    positions.place_again(contract)
    contract.save(update_fields=["asks_to_end_since", *positions.FIELDS])
    notices.dormant_paid(contract, dormancy, payment)


def _tell_quiet(contract: Contract, book: Book) -> None:
    if contract.quiet_told <= quiet.FRIENDLY:
        notices.contract_quiet(contract, book)
    else:
        dormant_at = quiet.idle_since(contract) + policy.DORMANT_AFTER
        notices.dormancy_comes(contract, book, dormant_at=dormant_at)


def _acted_below(contract: Contract) -> bool:
    """Whether people did something on the contract's payments since; then the count begins anew.

    Refunds and what is asked about them are not the agreement's, and do not enter the contract: so
    they are looked for when something is due (two queries).
    """
    acted = {
        "book": contract.book_id,
        "actor_kind": ActorKind.MEMBER,
        "at__gt": contract.last_activity_at,
    }
    found = [
        Entry.objects.filter(**acted).aggregate(last=Max("at"))["last"],
        BookHistory.objects.filter(**acted).aggregate(last=Max("at"))["last"],
    ]
    last = max((one for one in found if one is not None), default=None)
    if last is not None:
        positions.touch(contract, now=last)
    return last is not None


def _answerable(dormancy: Dormancy | None) -> Dormancy:
    if dormancy is None:
        raise Overtaken(NOT_DORMANT)
    if dormancy.is_release_asked:
        raise Overtaken("You asked for its release before.")
    return dormancy


def _enter(contract: Contract, by: Actor) -> Contract:
    """The entered contract; who comes after its end reads who ended it.

    Raises:
        Overtaken: it has ended.
    """
    contract = transitions.enter(contract)
    if contract.is_ended and contract.side_of(by.party_id):
        raise Overtaken(closing.ended_sentence(contract, by))
    return contract
