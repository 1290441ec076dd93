"""What both sides are told while nobody does anything, and when a dormant contract goes on."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from contracts.models import Contract, Dormancy
from contracts.notices.telling import tell
from marketplace import clock, notices, policy
from marketplace.actors import PLATFORM, Actor
from payments.models import Book, Payment

QUIET: Final = notices.kind("contracts.contract_quiet")
COMES: Final = notices.kind("contracts.dormancy_comes", money=True)
DORMANT: Final = notices.kind("contracts.contract_dormant", money=True)
TALENT_ASKED: Final = notices.kind("contracts.dormant_talent_asked", money=True)
RELEASE_ASKED: Final = notices.kind("contracts.dormant_release_asked", money=True)
GOES_ON: Final = notices.kind("contracts.contract_goes_on")
PAID: Final = notices.kind("contracts.dormant_paid", money=True)


def contract_quiet(contract: Contract, book: Book) -> None:
    """A friendly reminder on either kind of contract."""
    tell(
        QUIET,
        contract,
        by=PLATFORM,
        **_idle(contract),
        escrow=book.escrow or None,
        hourly=contract.is_hourly,
        paused=contract.is_paused,
        on_hold=contract.is_on_hold,
    )


def dormancy_comes(contract: Contract, book: Book, *, dormant_at: datetime) -> None:
    """What will be asked, and when, if nobody does anything."""
    tell(
        COMES,
        contract,
        by=PLATFORM,
        **_idle(contract),
        escrow=book.escrow,
        dormant_at=dormant_at,
        quiet_days=policy.DORMANT_AFTER.days,
    )


def contract_dormant(contract: Contract, dormancy: Dormancy, book: Book) -> None:
    """The client is asked, and the talent reads what it can do."""
    talent_days = policy.DORMANT_TALENT_ANSWER.days
    _tell(DORMANT, contract, dormancy, book, by=PLATFORM, talent_days=talent_days)


def dormant_talent_asked(contract: Contract, dormancy: Dormancy, book: Book) -> None:
    _tell(TALENT_ASKED, contract, dormancy, book, by=PLATFORM)


def dormant_release_asked(contract: Contract, dormancy: Dormancy, book: Book, *, by: Actor) -> None:
    _tell(RELEASE_ASKED, contract, dormancy, book, by=by, note=dormancy.release_note)


def contract_goes_on(contract: Contract, *, dormancy: Dormancy | None, by: Actor) -> None:
    """Somebody said so, or something happened on a dormant contract.

    Args:
        dormancy: what is over with it; None where the contract was only quiet.
    """
    tell(
        GOES_ON,
        contract,
        by=by,
        said=not by.is_platform,
        dormant=dormancy is not None,
        asked_for=dormancy is not None and dormancy.release_asked_at is not None,
    )


def dormant_paid(contract: Contract, dormancy: Dormancy, payment: Payment) -> None:
    """Silence of the client paid what the talent asked for."""
    tell(
        PAID,
        contract,
        by=PLATFORM,
        asked_at=dormancy.release_asked_at,
        paid=payment.gross,
        received=payment.net,
        available_at=payment.available_at,
    )


def _idle(contract: Contract) -> dict[str, Any]:
    last = contract.last_activity_at
    return {"last": last, "days": (clock.now() - last).days}


def _tell(
    kind: notices.Kind,
    contract: Contract,
    dormancy: Dormancy,
    book: Book,
    *,
    by: Actor,
    **facts: Any,
) -> None:
    """What sleeps, what the talent would receive of it, and when silence takes the next step."""
    tell(
        kind,
        contract,
        by=by,
        escrow=book.escrow,
        receives=book.net_of(book.escrow),
        until=dormancy.due_at,
        release_days=policy.DORMANT_RELEASE_ANSWER.days,
        **facts,
    )
