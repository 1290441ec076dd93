"""The demo bar finds the other side of a contract's page."""

from __future__ import annotations

import pytest

from contracts import demo_pages, hours_disputes
from marketplace import demo_hooks
from tests.factories import (
    PartyFactory,
    approve,
    ended,
    funded,
    hourly,
    in_review,
    offered,
    owner_of,
    submitted,
)

pytestmark = pytest.mark.django_db


def test_other_side_of_a_contracts_page_is_the_other_party():
    contract = offered()
    for path in (f"/contracts/{contract.reference}/", f"/contracts/{contract.reference}/offer/"):
        assert demo_hooks.other_side(path, contract.client) == contract.talent
        assert demo_hooks.other_side(path, contract.talent) == contract.client


def test_other_side_of_an_escrow_refund_request_is_the_other_party():
    contract = ended(funded().contract)
    path = f"/escrow-refunds/{contract.book.escrow_refund_request.pk}/"

    assert demo_pages.other_side(path, contract.client) == contract.talent


@pytest.mark.parametrize("page", ["diary/", "weeks/2026-11-09/pay/", "weeks/2026-11-09/dispute/"])
def test_other_side_of_a_page_about_hours_is_the_other_party(page):
    contract = hourly()

    other = demo_pages.other_side(f"/contracts/{contract.reference}/{page}", contract.talent)

    assert other == contract.client


def test_other_side_of_a_dispute_of_hours_is_the_other_party():
    week = in_review()
    stretch, start = hours_disputes.billed_segments(week)[0]
    dispute = hours_disputes.file(
        week,
        segments=[(stretch.pk, start)],
        reason="No.",
        key="",
        by=owner_of(week.contract.client),
    )

    other = demo_pages.other_side(f"/hours-disputes/{dispute.pk}/", week.contract.client)

    assert other == week.contract.talent


@pytest.mark.parametrize("page", ["refund/", "refund/ask/"])
def test_other_side_of_a_page_about_a_payment_is_the_other_party(page):
    payment = approve(submitted())

    other = demo_pages.other_side(f"/payments/{payment.pk}/{page}", payment.book.talent)

    assert other == payment.book.client


def test_other_side_of_a_strangers_contract_is_nobody():
    contract = offered()

    assert demo_pages.other_side(f"/contracts/{contract.reference}/", PartyFactory()) is None


@pytest.mark.parametrize("path", ["/", "/jobs/", "/contracts/", "/escrow-refunds/x/", "/payments/"])
def test_page_about_no_contract_has_no_other_side(path):
    assert demo_pages.other_side(path, PartyFactory()) is None
