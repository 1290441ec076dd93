"""The support desk in tests: who works there, and what they send."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse

from contracts import escrow_answers, hours_disputes, messages
from contracts.models import Contract, HoursDispute
from feedback import giving
from marketplace import cases, clock
from marketplace.actors import PLATFORM
from marketplace.models import SweepRun, User
from marketplace.states import Side
from payments import refunds
from payments.gateways import sandbox
from tests.factories import (
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
    """One of everything that support looks at; returns an ended contract, its request declined.

    Another contract has a payment that was refunded in part, revealed feedback, a charge without an
    answer, and there is a case about it. Hours of a third are disputed.
    """
    held = ended(submitted().contract)
    escrow_answers.decline(held, because="I delivered.", by=owner_of(held.talent))
    payment = approve(funded(usd(200)))
    second = payment.milestone.contract
    refunds.give(payment, amount=usd(50), reason="", key="", by=owner_of(second.talent))
    fund(add_milestone(second, usd(70)), method=sandbox.NEVER_ANSWERS)
    messages.write(second, text="Thank you!", key="", by=owner_of(second.client))
    ended(second)
    for side in Side:
        giving.give(second, stars=5, text="Well done.", by=owner_of(second.party(side)))
    cases.open_case(subject="Help", text="Where is it?", email="a@example.com", by=PLATFORM)
    declined_dispute()
    SweepRun.objects.get_or_create(name="contracts.offers", defaults={"at": clock.now()})
    return held


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
