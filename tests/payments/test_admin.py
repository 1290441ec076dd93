"""Support looks at the books, and asks the gateway about what is not settled."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry

from marketplace import clock
from payments.gateways import sandbox
from payments.models import Account, Book, Entry, GatewayOperation, Transfer
from payments.states import EntryKind, OperationState
from tests import desk
from tests.factories import NOON, approve, fund, funded, money_of, planned, usd

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


@pytest.fixture
def browser():
    return desk.signed_in(desk.support())


def charging(method: str) -> GatewayOperation:
    milestone = fund(planned(usd(500)), method)
    return GatewayOperation.objects.get(book=milestone.contract.book_id)


# Settling ----------------------------------------------------------------------------------------


def test_operation_is_settled_by_asking_the_gateway(browser):
    operation = charging(sandbox.TIMES_OUT)
    contract = operation.book.contract
    before = money_of(contract)

    desk.confirm(browser, desk.action(operation, "settle"))

    again = GatewayOperation.objects.get(pk=operation.pk)
    assert before == ("$0.00", "$0.00", "$0.00", "$0.00")
    assert again.state == OperationState.SUCCEEDED
    assert money_of(contract) == ("$500.00", "$0.00", "$0.00", "$0.00")
    assert desk.logged(operation).endswith(
        "Before: waiting for the gateway, asked 1 times. After: succeeded, asked 1 times."
    )


def test_operation_without_an_answer_is_asked_again_later(browser):
    operation = charging(sandbox.NEVER_ANSWERS)

    answer = desk.confirm(browser, desk.action(operation, "settle"))

    page = browser.get(answer.url).content.decode()
    assert "The gateway does not know yet." in page
    assert GatewayOperation.objects.get(pk=operation.pk).state == OperationState.UNKNOWN


def test_settled_operation_says_so(browser):
    operation = charging(sandbox.ACCEPTS)

    page = browser.get(desk.action(operation, "settle")).content.decode()

    assert "This operation is settled." in page
    assert "Show what will happen" not in page


def test_operation_is_not_settled_without_a_reason(browser):
    operation = charging(sandbox.TIMES_OUT)

    answer = browser.post(desk.action(operation, "settle"), {"confirm": "1"})

    assert "Give the reason." in answer.content.decode()
    assert unsettled(operation)


def test_operation_is_not_settled_without_the_permission():
    operation = charging(sandbox.TIMES_OUT)
    staff = desk.staff_with("payments.view_gatewayoperation", "contracts.end_contract")

    answer = desk.signed_in(staff).post(
        desk.action(operation, "settle"), {"reason": "x", "confirm": "1"}
    )

    assert answer.status_code == 403
    assert unsettled(operation)


def unsettled(operation: GatewayOperation) -> bool:
    again = GatewayOperation.objects.get(pk=operation.pk)
    nothing = money_of(operation.book.contract) == ("$0.00", "$0.00", "$0.00", "$0.00")
    return again.state == OperationState.UNKNOWN and nothing and not LogEntry.objects.exists()


# The books ---------------------------------------------------------------------------------------


def test_account_shows_its_running_balance(browser):
    payment = approve(funded(usd(500)), usd(200))
    account = Account.objects.get(escrow_of=payment.book)

    sections = browser.get(desk.page(account)).context["sections"]

    rows = [(str(row[3]), str(row[4]), str(row[5])) for row in sections[0].rows]
    assert rows == [
        ("", "$20.00", "$300.00"),
        ("", "$180.00", "$320.00"),
        ("$500.00", "", "$500.00"),
    ]


def test_entry_leads_to_what_caused_it(browser):
    payment = approve(funded(usd(500)), usd(200))
    release = Entry.objects.get(book=payment.book, kind=EntryKind.RELEASE)
    charge = Entry.objects.get(book=payment.book, kind=EntryKind.CHARGE)

    assert desk.page(payment) in browser.get(desk.page(release)).content.decode()
    assert desk.page(charge.operation) in browser.get(desk.page(charge)).content.decode()


def test_entry_of_a_decided_request_leads_to_the_request(browser):
    request = desk.mediated()
    held = request.book
    desk.confirm(browser, desk.action(request, "decide"), to_talent="100")
    returned = Entry.objects.get(book=held, kind=EntryKind.RETURN)
    funding = Entry.objects.get(book=held, kind=EntryKind.FUND)

    assert desk.page(request) in browser.get(desk.page(returned)).content.decode()
    assert desk.page(request) not in browser.get(desk.page(funding)).content.decode()


def test_book_shows_balances_and_the_way_to_its_contract(browser):
    payment = approve(funded(usd(500)), usd(200))
    page = browser.get(desk.page(payment.book)).content.decode()

    for words in ("$300.00", "$180.00", "10 %", "The contract", "Milestone 1, Draft"):
        assert words in page, words


@pytest.mark.parametrize("model", [Book, Entry, Transfer, GatewayOperation])
def test_money_is_found_by_the_contracts_reference(browser, model):
    approve(funded(usd(500)))
    reference = Book.objects.latest("pk").reference
    approve(funded(usd(500)))

    every = browser.get(desk.rows(model) + "?queue=all" * (model is GatewayOperation))
    found = browser.get(desk.rows(model), {"q": reference.lower()})

    number = len(every.context["cl"].result_list)
    assert len(found.context["cl"].result_list) == number / 2
