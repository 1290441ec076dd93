"""Asking for a refund, taking it back, and the talent's page with what was asked."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from contracts import hours_disputes
from marketplace import clock
from marketplace.states import Role
from payments import refund_requests, refunds
from payments.models import Refund, RefundRequest
from payments.states import RefundRequestState
from tests.factories import (
    NOON,
    MembershipFactory,
    PartyFactory,
    in_review,
    member_of,
    owner_of,
    paid_payment,
    reread,
    usd,
)
from tests.pages import Browser

pytestmark = pytest.mark.django_db

TOO_LATE = NOON + timedelta(days=180, seconds=1)


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


@pytest.fixture
def payment():
    return paid_payment(usd(500))


def to(name, payment) -> str:
    return reverse(name, args=[payment.pk])


def client_of(payment) -> Browser:
    return Browser.of(owner_of(payment.book.client))


def talent_of(payment) -> Browser:
    return Browser.of(owner_of(payment.book.talent))


def asked(payment, amount=None, reason="Half was missing.") -> RefundRequest:
    by = owner_of(payment.book.client)
    return refund_requests.ask(payment, amount=amount or usd(50), reason=reason, key="", by=by)


def state_of(request) -> str:
    return RefundRequest.objects.get(pk=request.pk).state


def post(browser, name, payment, **data):
    return browser.client.post(to(name, payment), data)


# Asking -----------------------------------------------------------------------------------------


def test_ask_page_says_who_decides_and_until_when(payment):
    page = client_of(payment).open(to("ask_refund", payment)).html

    assert f"{payment.book.talent.name} decides" in page
    assert "18 May 2027" in page
    assert "in 180 days" in page
    assert "Asking moves no money" in page
    assert "You received" not in page
    assert "checked" not in page


def test_sending_the_form_asks_once_and_shows_what_waits(payment):
    browser = client_of(payment)
    key = browser.client.get(to("ask_refund", payment)).context["form"]["key"].value()
    given = {"key": key, "choice": "part", "amount": "50", "reason": "Half was missing."}

    page = browser.send(to("ask_refund", payment), given)
    again = browser.send(to("ask_refund", payment), given)

    request = RefundRequest.objects.get()
    assert (request.amount, request.reason) == (usd(50), "Half was missing.")
    for shown in (page.html, again.html):
        assert "You asked for $50.00 back" in shown
        assert "Half was missing." in shown
        assert "Take the request back" in shown
    assert reread(payment.book).credit == usd(0)


def test_asking_for_all_of_it_asks_for_what_is_left(payment):
    by = owner_of(payment.book.talent)
    refunds.give(payment, amount=usd(200), reason="", key="", by=by)

    client_of(payment).send(
        to("ask_refund", payment), {"key": "k", "choice": "whole", "reason": "Nothing works."}
    )

    assert RefundRequest.objects.get().amount == usd(300)


@pytest.mark.parametrize(
    ("values", "field", "sentence"),
    [
        ({}, "choice", "Choose how much to ask for."),
        ({"choice": "part"}, "amount", "Type an amount."),
        ({"choice": "part", "amount": "0"}, "amount", "Type an amount above zero."),
        (
            {"choice": "part", "amount": "500.01"},
            "amount",
            "At most $500.00 of this payment can still be refunded.",
        ),
        (
            {"choice": "whole", "amount": "5"},
            "amount",
            "Leave this empty, or choose another amount.",
        ),
        ({"choice": "whole", "reason": " "}, "reason", "Say why, so that {talent} can decide."),
    ],
)
def test_bad_input_is_said_beside_the_field(payment, values, field, sentence):
    given = {"key": "k", "reason": "Half was missing.", **values}

    response = post(client_of(payment), "ask_refund", payment, **given)

    form = response.context["form"]
    assert form.errors[field] == [sentence.format(talent=payment.book.talent.name)]
    assert form["amount"].value() == values.get("amount")
    assert not RefundRequest.objects.exists()


def test_asking_while_one_waits_leads_to_what_waits(payment):
    asked(payment)

    page = client_of(payment).send(
        to("ask_refund", payment), {"key": "k", "choice": "whole", "reason": "All."}
    )

    assert "was asked for already" in page.html
    assert "You asked for $50.00 back" in page.html
    assert RefundRequest.objects.count() == 1


def test_asking_one_second_too_late_says_why_not(payment):
    browser = client_of(payment)

    with clock.at(TOO_LATE):
        page = browser.open(to("ask_refund", payment)).html
        given = {"key": "k", "choice": "whole", "reason": "All."}
        assert post(browser, "ask_refund", payment, **given).status_code == 409

    assert "more than 180 days old" in page
    assert "<form" not in page.split('id="main"')[1].split("<footer")[0]
    assert not RefundRequest.objects.exists()


def test_a_request_is_shown_until_its_last_instant_and_then_as_over(payment):
    asked(payment)
    client, talent = client_of(payment), talent_of(payment)

    with clock.at(NOON + timedelta(days=180)):
        assert "Take the request back" in client.open(to("ask_refund", payment)).html
        assert "asks for $50.00 back" in talent.open(to("give_refund", payment)).html
    with clock.at(TOO_LATE):
        assert "Take the request back" not in client.open(to("ask_refund", payment)).html
        assert "asks for $50.00 back" not in talent.open(to("give_refund", payment)).html


def test_disputed_hours_wait_for_the_dispute(payment):
    week = in_review()
    segments = [(one.pk, start) for one, start in hours_disputes.billed_segments(week)][:3]
    by = owner_of(week.contract.client)
    hours_disputes.file(week, segments=segments, reason="No.", key="", by=by)

    page = Browser.of(by).open(to("ask_refund", week.payment)).html

    assert "The hours of this payment are disputed." in page
    assert "Amount to ask for" not in page


def test_what_was_asked_before_is_listed_with_its_answer(payment):
    by = owner_of(payment.book.talent)
    refund_requests.decline(asked(payment), because="It was delivered.", by=by)

    for page in (
        client_of(payment).open(to("ask_refund", payment)).html,
        talent_of(payment).open(to("give_refund", payment)).html,
    ):
        assert "Earlier requests" in page
        assert "It was delivered." in page


def test_withdrawing_says_so_and_lets_ask_again(payment):
    request = asked(payment)

    page = client_of(payment).send(to("withdraw_refund_request", payment), {"asked": request.pk})

    assert state_of(request) == RefundRequestState.WITHDRAWN
    assert f"You took the request back, and {payment.book.talent.name} was told." in page.html
    assert "Amount to ask for" in page.html


def test_withdrawing_what_was_answered_says_what_happened(payment):
    request = asked(payment)
    refund_requests.decline(request, because="", by=owner_of(payment.book.talent))
    newer = asked(payment, usd(20))

    page = client_of(payment).send(to("withdraw_refund_request", payment), {"asked": request.pk})

    assert "the refund request is declined now" in page.html
    assert state_of(newer) == RefundRequestState.WAITING


@pytest.mark.parametrize("meant", ["0", "x", "9" * 30, "²"])
def test_withdrawing_what_was_never_asked_finds_nothing(payment, meant):
    request = asked(payment)

    response = post(client_of(payment), "withdraw_refund_request", payment, asked=meant)

    assert response.status_code == 404
    assert state_of(request) == RefundRequestState.WAITING


@pytest.mark.parametrize("name", ["withdraw_refund_request", "decline_refund_request"])
def test_answering_where_nothing_was_asked_finds_nothing(payment, name):
    browser = client_of(payment) if name.startswith("withdraw") else talent_of(payment)

    assert post(browser, name, payment).status_code == 404


@pytest.mark.parametrize(
    ("who", "status"), [("talent", 403), ("member", 403), ("stranger", 404), ("nobody", 302)]
)
@pytest.mark.parametrize("name", ["ask_refund", "withdraw_refund_request"])
def test_asking_is_the_clients_managers_alone(client, payment, name, who, status):
    request, book = asked(payment), payment.book
    people = {
        "talent": lambda: owner_of(book.talent).user,
        "member": lambda: member_of(book.client).user,
        "stranger": lambda: MembershipFactory(party=PartyFactory()).user,
    }
    if who in people:
        client.force_login(people[who]())

    assert client.post(to(name, payment), {"key": "k", "choice": "whole"}).status_code == status
    if name == "ask_refund":
        assert client.get(to(name, payment)).status_code == status
    assert state_of(request) == RefundRequestState.WAITING
    assert RefundRequest.objects.count() == 1


# Answering --------------------------------------------------------------------------------------


def figures(browser, payment, **values) -> dict[str, str]:
    """Ask for figures, and give back what the form then holds."""
    key = browser.client.get(to("give_refund", payment)).context["form"]["key"].value()
    response = post(browser, "give_refund", payment, key=key, **values)
    form = response.context["form"]
    assert not form.errors
    return {**values, **{name: form[name].value() or "" for name in ("key", "shown")}}


def test_talent_reads_what_is_asked_and_that_nothing_moves_alone(payment):
    asked(payment)

    page = talent_of(payment).open(to("give_refund", payment)).html

    assert f"{payment.book.client.name} asks for $50.00 back" in page
    assert "Half was missing." in page
    assert "nothing moves without you" in page
    assert "What was asked for" in page
    assert "checked" not in page


def test_confirming_what_was_asked_for_refunds_once_and_grants(payment):
    request, browser = asked(payment), talent_of(payment)
    values = figures(browser, payment, choice="asked", reason="You are right.")

    first = post(browser, "give_refund", payment, **values, confirm="yes")
    second = post(browser, "give_refund", payment, **values, confirm="yes")

    assert first.url == second.url == reverse("payments")
    refund = Refund.objects.get()
    assert (refund.amount, refund.request) == (usd(50), request)
    assert state_of(request) == RefundRequestState.GRANTED


def test_a_request_for_all_that_is_left_needs_no_choice_of_its_own(payment):
    asked(payment, usd(500))
    browser = talent_of(payment)

    assert "What was asked for" not in browser.open(to("give_refund", payment)).html
    values = figures(browser, payment, choice="whole")
    post(browser, "give_refund", payment, **values, confirm="yes")

    assert Refund.objects.get().amount == usd(500)


def test_confirming_after_it_was_taken_back_asks_anew(payment):
    request, browser = asked(payment), talent_of(payment)
    values = figures(browser, payment, choice="part", amount="50")
    refund_requests.withdraw(request, by=owner_of(payment.book.client))

    response = post(browser, "give_refund", payment, **values, confirm="yes")

    assert "Refund $50.00" in response.content.decode()
    assert not Refund.objects.exists()


def test_choosing_what_was_asked_for_after_it_was_taken_back_says_so(payment):
    request, browser = asked(payment), talent_of(payment)
    values = figures(browser, payment, choice="asked")
    refund_requests.withdraw(request, by=owner_of(payment.book.client))

    response = post(browser, "give_refund", payment, **values, confirm="yes")

    name = payment.book.client.name
    assert response.context["form"].errors["choice"] == [f"{name} does not ask for that any more."]
    assert not Refund.objects.exists()


def test_confirming_figures_that_did_not_show_a_new_request_shows_it_first(payment):
    browser = talent_of(payment)
    values = figures(browser, payment, choice="part", amount="40")
    request = asked(payment)

    response = post(browser, "give_refund", payment, **values, confirm="yes")

    assert "asks for $50.00 back" in response.content.decode()
    assert not Refund.objects.exists()
    assert state_of(request) == RefundRequestState.WAITING


def test_declining_with_a_reason_says_so_and_keeps_the_page(payment):
    request = asked(payment)

    page = talent_of(payment).send(
        to("decline_refund_request", payment),
        {"asked": request.pk, "because": "All was delivered."},
    )

    assert state_of(request) == RefundRequestState.DECLINED
    assert f"You declined, and {payment.book.client.name} was told." in page.html
    assert "All was delivered." in page.html
    assert "Show what happens" in page.html


def test_declining_without_a_reason_is_possible(payment):
    request = asked(payment)

    talent_of(payment).send(to("decline_refund_request", payment))

    assert RefundRequest.objects.get().declined_because == ""
    assert state_of(request) == RefundRequestState.DECLINED


def test_declining_with_too_long_a_reason_keeps_what_was_typed(payment):
    request = asked(payment)

    response = post(talent_of(payment), "decline_refund_request", payment, because="x" * 2001)

    assert "at most 2000 characters" in response.content.decode()
    assert response.context["decline"]["because"].value() == "x" * 2001
    assert state_of(request) == RefundRequestState.WAITING


def test_declining_what_was_taken_back_says_what_happened(payment):
    request = asked(payment)
    refund_requests.withdraw(request, by=owner_of(payment.book.client))

    page = talent_of(payment).send(to("decline_refund_request", payment), {"asked": request.pk})

    assert "the refund request is taken back now" in page.html
    assert state_of(request) == RefundRequestState.WITHDRAWN


@pytest.mark.parametrize(
    ("who", "status"), [("client", 403), ("member", 403), ("stranger", 404), ("nobody", 302)]
)
def test_declining_is_the_talents_managers_alone(client, payment, who, status):
    request, book = asked(payment), payment.book
    people = {
        "client": lambda: owner_of(book.client).user,
        "member": lambda: member_of(book.talent).user,
        "stranger": lambda: MembershipFactory(party=PartyFactory()).user,
    }
    if who in people:
        client.force_login(people[who]())

    assert client.post(to("decline_refund_request", payment)).status_code == status
    assert state_of(request) == RefundRequestState.WAITING


def test_a_manager_answers_as_an_owner_does(payment):
    request = asked(payment)

    Browser.of(member_of(payment.book.talent, Role.MANAGER)).send(
        to("decline_refund_request", payment)
    )

    assert state_of(request) == RefundRequestState.DECLINED


# Cost -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("earlier", [1, 3])
def test_pages_take_as_many_queries_for_one_request_as_for_three(payment, earlier):
    for number in range(earlier):
        if number:
            client_of(payment).send(to("withdraw_refund_request", payment))
        asked(payment)

    assert client_of(payment).count(to("ask_refund", payment)) == 5
    assert talent_of(payment).count(to("give_refund", payment)) == 7
