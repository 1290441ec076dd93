"""The support desk in tests: who works there, and what they send."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse

from contracts import bonuses, escrow_answers, hours_disputes, messages
from contracts.models import BonusRequest, Contract, HoursDispute
from feedback import giving
from marketplace import cases, clock, policy, sweeping
from marketplace.actors import PLATFORM, Actor
from marketplace.models import SweepRun, User
from marketplace.money import Money
from marketplace.states import Side
from payments import chargebacks, corrections, refund_requests, refunds
from payments.gateways import sandbox
from payments.gateways.base import Dispute
from payments.models import (
    Correction,
    EscrowRefundRequest,
    GatewayEvent,
    GatewayOperation,
    Reconciliation,
    SplitProposal,
)
from payments.states import ChargebackState
from tests.factories import (
    NOON,
    StaffFactory,
    UserFactory,
    add_milestone,
    approve,
    ended,
    fund,
    funded,
    in_review,
    owner_of,
    submitted,
    usd,
)

REASON = "They asked us to, and nobody objects."
LINK = "https://example.com/delivery"


def support(**values: Any) -> User:
    """One of the group Support."""
    user = StaffFactory(**values)
    user.groups.add(Group.objects.get(name="Support"))
    return user


def staff_with(*permissions: str) -> User:
    """Staff outside the group, with these permissions alone."""
    user = StaffFactory()
    for one in permissions:
        label, codename = one.split(".")
        found = Permission.objects.get(content_type__app_label=label, codename=codename)
        user.user_permissions.add(found)
    return user


def superuser() -> User:
    return UserFactory(is_staff=True, is_superuser=True)


def signed_in(user: User) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


def page(row: Any) -> str:
    return reverse(f"admin:{_names(row)}_change", args=[row.pk])


def rows(model: Any) -> str:
    return reverse(f"admin:{_names(model)}_changelist")


def action(row: Any, name: str) -> str:
    return reverse(f"admin:{_names(row)}_{name}", args=[row.pk])


def confirm(browser: Client, url: str, **given: Any) -> Any:
    """Fill in the form, read what will happen, and confirm it; the last answer."""
    given = {"reason": REASON, **given}
    shown = browser.post(url, given)
    assert shown.status_code == 200, shown.status_code
    return browser.post(url, {**given, "seen": shown.context["seen"], "confirm": "1"})


def logged(row: Any) -> str:
    """What the one log entry of an action says."""
    return LogEntry.objects.get(object_id=str(row.pk)).change_message


def _names(row: Any) -> str:
    return f"{row._meta.app_label}_{row._meta.model_name}"


def busy_market() -> Contract:
    """One of everything that support looks at; returns an ended contract, its request mediated.

    A split of its escrow is open. Another contract has a payment that was refunded in part and is
    asked back, revealed feedback, a charge without an answer, a correction that waits, and there is
    a case about it. Hours of a third are disputed, those of a fourth not paid. One is dormant, and
    for one a bonus is asked.
    """
    contract = mediated().book.contract
    payment = approve(funded(usd(200)))
    second = payment.milestone.contract
    refunds.give(payment, amount=usd(50), reason="", key="", by=owner_of(second.talent))
    refund_requests.ask(
        payment, amount=usd(20), reason="Half of it.", key="", by=owner_of(second.client)
    )
    fund(add_milestone(second, usd(70)), method=sandbox.NEVER_ANSWERS)
    messages.write(second, text="Thank you!", key="", by=owner_of(second.client))
    ended(second)
    for side in Side:
        giving.give(second, stars=5, text="Well done.", by=owner_of(second.party(side)))
    cases.open_case(subject="Help", text="Where is it?", email="a@example.com", by=PLATFORM)
    correction(second)
    propose_split(contract)
    declined_dispute()
    in_review(method=sandbox.DECLINES)
    dormant()
    bonus_asked()
    from_outside(GatewayOperation.objects.get(book=contract.book_id))
    SweepRun.objects.get_or_create(name="contracts.offers", defaults={"at": clock.now()})
    return contract


def from_outside(charge: GatewayOperation) -> None:
    """A chargeback that was won, a message that was handled, and a day that agreed."""
    told = Dispute(f"dp:{charge.pk}", charge.key, charge.amount, ChargebackState.WON, "", NOON)
    chargebacks.take(told, gateway="sandbox")
    now = clock.now()
    GatewayEvent.objects.create(
        gateway="sandbox",
        event_id=f"evt:{charge.pk}",
        kind="charge.dispute.closed",
        about=told.reference,
        received_at=now,
        handled_at=now,
    )
    day = now.date() - timedelta(days=charge.pk)
    Reconciliation.objects.create(
        gateway="sandbox",
        day=day,
        currency="USD",
        ours_minor=0,
        theirs_minor=0,
        compared=2,
        different=0,
        at=now,
    )


def disputed(amount: Money | None = None) -> EscrowRefundRequest:
    """The client ended with escrow left, and the talent disputes its return."""
    contract = ended(submitted(amount).contract)
    by = owner_of(contract.talent)
    escrow_answers.dispute(contract, text="I delivered it on Monday.", links=[LINK], by=by)
    return request_of(contract)


def mediated(amount: Money | None = None) -> EscrowRefundRequest:
    """The client rejects the dispute: support mediates."""
    contract = disputed(amount).book.contract
    by = owner_of(contract.client)
    escrow_answers.reject(contract, text="Half of it is missing.", by=by)
    return request_of(contract)


def escalated(amount: Money | None = None) -> EscrowRefundRequest:
    """Work had been submitted, and the talent did not answer for a week."""
    with clock.at(clock.now() - policy.ESCROW_ANSWER_WINDOW):
        contract = ended(submitted(amount).contract)
    sweeping.run(only="contracts.escrow_requests_pass")
    return request_of(contract)


def propose_split(contract: Contract, amount: Money | None = None) -> SplitProposal:
    return escrow_answers.propose_in_mediation(
        contract, to_talent=amount or usd(100), message="Half was done.", by=staff()
    )


def staff() -> Actor:
    """Somebody of support, as who acts."""
    return Actor.support(StaffFactory())


def correction(contract: Contract, **values: Any) -> Correction:
    """$5.00 from the site's fees to the client's credit, proposed."""
    book = contract.book
    given = {
        "debit": book.fees_account,
        "credit": book.credit_account,
        "amount": usd(5),
        "reason": "Charged twice.",
        "by": values.pop("by", None) or staff(),
    }
    return corrections.propose(book, **(given | values))


def dormant() -> Contract:
    """Nobody did anything for ninety days; now the client is asked."""
    now = clock.now()
    with clock.at(now - policy.DORMANT_AFTER):
        contract = funded().contract
    for after in (*policy.IDLE_REMINDERS, *policy.DORMANT_NOTICES, policy.DORMANT_AFTER):
        with clock.at(now - policy.DORMANT_AFTER + after):
            sweeping.run(only="contracts.quiet_reminders")
    return Contract.objects.get(pk=contract.pk)


def bonus_asked() -> BonusRequest:
    contract = ended(in_review().contract)
    return bonuses.ask(
        contract,
        minutes=30,
        amount=usd(30),
        reason="The call on Friday.",
        key="",
        by=owner_of(contract.talent),
    )


def request_of(contract: Contract) -> EscrowRefundRequest:
    """The contract's escrow refund request as it is now."""
    return EscrowRefundRequest.objects.get(book=contract.book_id)


def declined_dispute(**values: Any) -> HoursDispute:
    """The first half hour of a paid week, which the talent stands by."""
    week = in_review(**values)
    dispute = hours_disputes.file(
        week,
        segments=[(one.pk, start) for one, start in hours_disputes.billed_segments(week)[:3]],
        reason="You were travelling then.",
        key="",
        by=owner_of(week.contract.client),
    )
    return hours_disputes.decline(
        dispute, because="I was at it.", by=owner_of(week.contract.talent)
    )
