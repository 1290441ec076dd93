"""The demo bar finds the other side of a contract's page."""

from __future__ import annotations

import pytest

from contracts import demo_pages
from marketplace import demo_hooks
from tests.factories import PartyFactory, ended, funded, offered

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


def test_other_side_of_a_strangers_contract_is_nobody():
    contract = offered()

    assert demo_pages.other_side(f"/contracts/{contract.reference}/", PartyFactory()) is None


@pytest.mark.parametrize("path", ["/", "/jobs/", "/contracts/", "/escrow-refunds/x/"])
def test_page_about_no_contract_has_no_other_side(path):
    assert demo_pages.other_side(path, PartyFactory()) is None
