"""The refund page: figures first, then once and for good."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from contracts import hours_disputes
from marketplace import clock
from marketplace.models import User
from payments.models import Refund
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

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


@pytest.fixture
def payment():
    return paid_payment(usd(500))


@pytest.fixture
def url(payment):
    return reverse("give_refund", args=[payment.pk])


def sign_in(client, who: User) -> None:
    client.force_login(who)


@pytest.fixture
def talent(client, payment):
    sign_in(client, owner_of(payment.book.talent).user)
    return client


def shown_in(response) -> dict[str, str]:
    form = response.context["form"]
    return {name: form[name].value() or "" for name in ("key", "shown")}


def figures_for(talent, url, **values) -> dict[str, str]:
    """Open the page, ask for figures, and give back what the form then holds."""
    key = talent.get(url).context["form"]["key"].value()
    response = talent.post(url, {"key": key, **values})
    assert not response.context["form"].errors
    return {**values, **shown_in(response)}


def test_get_says_until_when_and_offers_figures(talent, url, payment):
    page = talent.get(url).content.decode()

    assert "18 May 2027" in page
    assert "in 180 days" in page
    assert "Show what happens" in page
    assert "hidden from the public" in page
    assert "checked" not in page


def test_post_shows_figures_and_moves_nothing(talent, url, payment):
    key = talent.get(url).context["form"]["key"].value()

    response = talent.post(url, {"key": key, "choice": "part", "amount": "40"})

    page = response.content.decode()
    assert "$414.00 after" in page
    assert "Refund $40.00" in page
    assert "$36.00" in page
    assert not Refund.objects.exists()


def test_confirm_of_shown_figures_refunds_once(talent, url, payment):
    values = figures_for(talent, url, choice="part", amount="40", reason="Half a day less.")

    first = talent.post(url, {**values, "confirm": "yes"}, follow=True)
    second = talent.post(url, {**values, "confirm": "yes"})

    refund = Refund.objects.get()
    assert (refund.amount, refund.reason) == (usd(40), "Half a day less.")
    assert first.redirect_chain == [(reverse("payments"), 302)]
    assert "You refunded $40.00" in first.content.decode()
    assert reread(payment.book).credit == usd(40)
    assert second.url == reverse("payments")


def test_confirm_of_figures_that_were_not_shown_shows_them_first(talent, url):
    values = figures_for(talent, url, choice="part", amount="40")

    response = talent.post(url, {**values, "amount": "50", "confirm": "yes"})

    assert "Refund $50.00" in response.content.decode()
    assert not Refund.objects.exists()


def test_confirm_of_the_same_form_with_another_amount_is_refused(talent, url):
    values = figures_for(talent, url, choice="part", amount="40")
    talent.post(url, {**values, "confirm": "yes"})
    changed = talent.post(url, {**values, "amount": "50"})

    response = talent.post(url, {**values, **shown_in(changed), "amount": "50", "confirm": "yes"})

    assert response.status_code == 409
    assert "sent before with other values" in response.content.decode()
    assert Refund.objects.get().amount == usd(40)


def test_confirm_of_the_whole_payment(talent, url, payment):
    values = figures_for(talent, url, choice="whole")

    first = talent.post(url, {**values, "confirm": "yes"})
    second = talent.post(url, {**values, "confirm": "yes"})

    assert first.url == second.url == reverse("payments")
    assert Refund.objects.get().amount == usd(500)
    page = talent.get(url).content.decode()
    assert "refunded in full already" in page
    assert "<form method" not in page.split('id="main"')[1].split("<footer")[0]


@pytest.mark.parametrize(
    ("values", "field", "sentence"),
    [
        ({}, "choice", "Choose how much to refund."),
        ({"choice": "part"}, "amount", "Type an amount."),
        ({"choice": "part", "amount": "0"}, "amount", "Type an amount above zero."),
        ({"choice": "part", "amount": "-5"}, "amount", "Type an amount above zero."),
        ({"choice": "part", "amount": "1.234"}, "amount", "Use at most 2 decimals."),
        ({"choice": "part", "amount": "9" * 20}, "amount", "This amount is too large."),
        (
            {"choice": "part", "amount": "ten"},
            "amount",
            "Type an amount in figures, such as 25.00.",
        ),
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
        (
            {"choice": "part", "amount": "5", "reason": "x" * 2001},
            "reason",
            "Ensure this value has at most 2000 characters (it has 2001).",
        ),
    ],
)
def test_post_of_bad_input_says_so_beside_the_field(talent, url, values, field, sentence):
    response = talent.post(url, {"key": "k", "confirm": "yes", **values})

    form = response.context["form"]
    assert form.errors[field] == [sentence]
    assert form["amount"].value() == values.get("amount")
    assert not Refund.objects.exists()


def test_get_one_second_after_the_window_says_why_not(talent, url):
    with clock.at(NOON + timedelta(days=180, seconds=1)):
        page = talent.get(url).content.decode()

    assert "more than 180 days old" in page
    assert "Show what happens" not in page


def test_post_after_the_window_changes_nothing(talent, url):
    values = figures_for(talent, url, choice="part", amount="40")

    with clock.at(NOON + timedelta(days=180, seconds=1)):
        response = talent.post(url, {**values, "confirm": "yes"})

    assert response.status_code in (200, 409)
    assert not Refund.objects.exists()


@pytest.mark.parametrize(
    ("who", "status"), [("client", 403), ("member", 403), ("stranger", 404), ("nobody", 302)]
)
def test_refund_is_the_talents_managers_alone(client, url, payment, who, status):
    book = payment.book
    people = {
        "client": lambda: owner_of(book.client).user,
        "member": lambda: member_of(book.talent).user,
        "stranger": lambda: MembershipFactory(party=PartyFactory()).user,
    }
    if who in people:
        sign_in(client, people[who]())

    assert client.get(url).status_code == status
    posted = client.post(url, {"key": "k", "choice": "whole", "confirm": "yes"})
    assert posted.status_code == status
    assert not Refund.objects.exists()


# Hours ------------------------------------------------------------------------------------------


def disputed(week):
    segments = [(one.pk, start) for one, start in hours_disputes.billed_segments(week)][:3]
    return hours_disputes.file(
        week, segments=segments, reason="No.", key="", by=owner_of(week.contract.client)
    )


def open_for(client, week):
    sign_in(client, owner_of(week.contract.talent).user)
    return client.get(reverse("give_refund", args=[week.payment_id]))


def test_hours_are_refunded_as_any_payment(client):
    week = in_review()
    sign_in(client, owner_of(week.contract.talent).user)
    url = reverse("give_refund", args=[week.payment_id])

    shown = figures_for(client, url, choice="part", amount="20")
    client.post(url, {"choice": "part", "amount": "20", "confirm": "yes", **shown})

    refund = Refund.objects.get()
    assert (refund.amount, refund.fee, refund.kind) == (usd(20), usd(2), "refund")


def test_refund_page_tells_reversed_hours_from_refunds(client):
    week = in_review()
    hours_disputes.accept(disputed(week), by=owner_of(week.contract.talent))

    page = open_for(client, week).content.decode()

    assert "<dt>Hours reversed</dt><dd>" in page
    assert "Refunded so far" not in page
    assert "$90.00" in page


def test_disputed_hours_cannot_be_refunded_and_the_page_says_why(client):
    week = in_review()
    disputed(week)

    page = open_for(client, week).content.decode()

    assert "The hours of this payment are disputed." in page
    assert not Refund.objects.exists()
