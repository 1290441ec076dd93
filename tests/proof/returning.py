"""Money on its way back, in every state of it, as the proofs need it at ``NOON``."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from contracts import escrow_answers
from contracts.models import Contract
from marketplace import clock, sweeping
from marketplace.actors import Actor
from payments.models import EscrowRefundRequest, SplitProposal
from tests.factories import (
    NOON,
    StaffFactory,
    ended,
    funded,
    owner_of,
    submitted,
    usd,
)

WEEK = timedelta(days=7)


def support() -> Actor:
    return Actor.support(StaffFactory())


def later(after: timedelta) -> None:
    """What is due by then is done then."""
    with clock.at(NOON + after):
        sweeping.run()


# Escrow refund requests: $500.00 ----------------------------------------------------------------


def asked(**values: Any) -> Contract:
    """The client ended with money in escrow; nothing was submitted."""
    return ended(funded(**values).contract)


def lapsed(**values: Any) -> Contract:
    contract = asked(**values)
    later(WEEK)
    return contract


def escalated(**values: Any) -> Contract:
    """Work was submitted, and the talent was silent for a week."""
    contract = ended(submitted(**values).contract)
    later(WEEK)
    return contract


def disputed(**values: Any) -> Contract:
    contract = asked(**values)
    escrow_answers.dispute(contract, text="I delivered.", by=owner_of(contract.talent))
    return contract


def mediating(**values: Any) -> Contract:
    contract = disputed(**values)
    escrow_answers.reject(contract, text="You did not.", by=owner_of(contract.client))
    return contract


def conceded_by_silence(**values: Any) -> Contract:
    contract = disputed(**values)
    later(WEEK)
    return contract


def decided(**values: Any) -> Contract:
    contract = mediating(**values)
    escrow_answers.decide(contract, to_talent=usd(1), because="So.", by=support())
    return contract


def split(**values: Any) -> Contract:
    """The talent proposed to keep $200.00."""
    contract = asked(**values)
    by = owner_of(contract.talent)
    escrow_answers.propose_split(contract, to_talent=usd(200), message="For the draft.", by=by)
    return contract


def split_by_support(**values: Any) -> Contract:
    contract = mediating(**values)
    escrow_answers.propose_in_mediation(
        contract, to_talent=usd(300), message="Most of it was done.", by=support()
    )
    return contract


def split_lapsed(**values: Any) -> Contract:
    contract = split(**values)
    later(WEEK)
    return contract


def request_of(contract: Contract) -> EscrowRefundRequest:
    return EscrowRefundRequest.objects.get(book=contract.book_id)


def split_of(contract: Contract) -> SplitProposal:
    """The last one that was proposed."""
    return request_of(contract).proposals.latest("pk")
