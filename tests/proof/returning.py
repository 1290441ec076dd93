"""Money on its way back, in every state of it, as the proofs need it at ``NOON``."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.db.transaction import atomic

from contracts import bonuses, dormancy, escrow_answers, owed
from contracts.models import BonusRequest, Contract
from marketplace import clock, policy, sweeping, transitions
from marketplace.actors import Actor
from marketplace.refusals import Refused
from payments import corrections, refund_requests
from payments.gateways import sandbox
from payments.models import (
    Correction,
    EscrowRefundRequest,
    Payment,
    RefundRequest,
    SplitProposal,
)
from tests.factories import (
    NOON,
    StaffFactory,
    active,
    approve,
    ended,
    funded,
    owner_of,
    submitted,
    usd,
)
from tests.proof import scenes

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


# Payments asked back: $500.00 -------------------------------------------------------------------


def refund_asked(**values: Any) -> Contract:
    """The client asks for $80.00 of a payment of $500.00."""
    contract = approve(funded(**values)).book.contract
    by = owner_of(contract.client)
    refund_requests.ask(payment_of(contract), amount=usd(80), reason="Late.", key="", by=by)
    return contract


def refund_request_over(**values: Any) -> Contract:
    contract = refund_asked(**values)
    later(policy.REFUND_WINDOW + timedelta(minutes=1))
    return contract


def payment_of(contract: Contract) -> Payment:
    return Payment.objects.select_related("book__client", "book__talent").get(book=contract.book_id)


def refund_request_of(contract: Contract) -> RefundRequest:
    related = ("payment__book__client", "payment__book__talent")
    return RefundRequest.objects.select_related(*related).get(payment__book=contract.book_id)


# Bonuses ----------------------------------------------------------------------------------------


def bonus(method: str = sandbox.ACCEPTS, **values: Any) -> Contract:
    """The client gave $20.00, or tried to."""
    contract = active(**values)
    given = {"amount": usd(20), "note": "", "method": method, "key": ""}
    with suppress(Refused):
        bonuses.give(contract, **given, by=owner_of(contract.client))
    return contract


def bonus_asked(**values: Any) -> Contract:
    """The talent of an hourly contract that has ended asks for $60.00."""
    contract = ended(scenes.in_review(**values))
    given = {"minutes": 60, "amount": usd(60), "reason": "A call.", "key": ""}
    bonuses.ask(contract, **given, by=owner_of(contract.talent))
    return contract


def bonus_granted(**values: Any) -> Contract:
    contract = bonus_asked(**values)
    asked = bonus_request_of(contract)
    given = {"amount": asked.amount, "note": "", "method": sandbox.ACCEPTS, "key": ""}
    bonuses.give(contract, **given, request=asked, by=owner_of(contract.client))
    return contract


def bonus_request_over(**values: Any) -> Contract:
    contract = bonus_asked(**values)
    later(policy.BONUS_WINDOW + timedelta(minutes=1))
    with clock.at(NOON + policy.BONUS_WINDOW + timedelta(minutes=1)), atomic():
        transitions.enter(contract)
    return contract


def bonus_request_of(contract: Contract) -> BonusRequest:
    return contract.bonus_requests.select_related("contract__client", "contract__talent").get()


# Money that sleeps: $500.00 ---------------------------------------------------------------------


def dormant(**values: Any) -> Contract:
    """Nobody has done anything for ninety days, and the client is asked."""
    with clock.at(NOON - policy.DORMANT_AFTER):
        contract = funded(**values).contract
    sweeping.run()
    return Contract.objects.get(pk=contract.pk)


def talent_asked(**values: Any) -> Contract:
    contract = dormant(**values)
    later(WEEK)
    return contract


def release_asked(**values: Any) -> Contract:
    contract = dormant(**values)
    dormancy.ask_for_release(contract, note="", by=owner_of(contract.talent))
    return contract


def release_paid(**values: Any) -> Contract:
    contract = release_asked(**values)
    later(2 * WEEK)
    return contract


def returned_in_silence(**values: Any) -> Contract:
    contract = talent_asked(**values)
    later(2 * WEEK)
    return contract


# The desk ---------------------------------------------------------------------------------------


def written_off(**values: Any) -> Contract:
    contract = scenes.unpaid(**values)
    owed.write_off(scenes.week_of(contract), because="It is not worth it.", by=support())
    return contract


def corrected(**values: Any) -> Contract:
    """Somebody of support proposes that the operator credits $5.00."""
    contract = active(**values)
    book = contract.book
    corrections.propose(
        book,
        debit=book.fees_account,
        credit=book.credit_account,
        amount=usd(5),
        reason="A mistake.",
        by=support(),
    )
    return contract


def correction_of(contract: Contract) -> Correction:
    return Correction.objects.select_related("book", "proposed_by").get(book=contract.book_id)
