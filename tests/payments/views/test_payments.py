"""The Payments page of either side."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from contracts import hours_disputes
from marketplace import clock
from marketplace.actors import Actor
from payments import corrections, maturing, refunds
from tests.factories import (
    NOON,
    FreelancerFactory,
    PartyFactory,
    StaffFactory,
    charge,
    funded_book,
    in_review,
    member_of,
    owner_of,
    paid,
    reread,
    usd,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


@pytest.fixture
def book():
    """$500 funded, $300 paid, $100 of that refunded."""
    book = funded_book(usd(500))
    payment = paid(book, usd(300))
    refunds.give(payment, amount=usd(100), reason="", key="", by=owner_of(book.talent))
    return book


def page_for(client, actor, query=""):
    client.force_login(actor.user)
    return client.get(reverse("payments") + query)


def events_of(response):
    """Each event's title, the words and amounts of its lines, and the balance after it."""
    return [
        (
            event.title,
            [(one.words, one.signed or str(one.gross)) for one in event.lines],
            str(event.balance),
        )
        for event in response.context["page"].events
    ]


def figures_of(response):
    return [(one.label, str(one.amount)) for one in response.context["page"].figures]


def test_client_reads_escrow_credit_and_each_movement(client, book):
    response = page_for(client, owner_of(book.client))

    assert figures_of(response) == [("In escrow", "$200.00"), ("Credit", "$100.00")]
    name = book.talent.name
    charged = events_of(response)[-1][0]
    assert charged.startswith("Charged to ")
    assert events_of(response) == [
        (f"Refund from {name}", [(f"Refund from {name}", "+$100.00")], "$100.00"),
        (f"Paid to {name}", [(f"From escrow to {name}", "$300.00")], "$0.00"),
        ("Escrow funded", [("Into escrow", "−$500.00")], "$0.00"),
        (charged, [(charged, "+$500.00")], "$500.00"),
    ]


@pytest.mark.parametrize("side", ["client", "talent"])
def test_each_side_is_led_to_what_it_can_do_about_a_payment(client, book, side):
    name = {"client": "ask_refund", "talent": "give_refund"}[side]
    url = reverse(name, args=[book.payments.get().pk])
    by = owner_of(getattr(book, side))

    with clock.at(NOON + timedelta(days=180)):
        assert url in page_for(client, by).content.decode()
    with clock.at(NOON + timedelta(days=180, seconds=1)):
        assert url not in page_for(client, by).content.decode()


def test_talent_reads_what_it_received_beside_the_gross(client, book):
    response = page_for(client, owner_of(book.talent))

    assert figures_of(response) == [("Available", "$0.00"), ("Pending", "$180.00")]
    name = book.client.name
    assert events_of(response) == [
        (f"Refund to {name}", [(f"Refund to {name}", "−$90.00")], "$180.00"),
        (f"Payment from {name}", [(f"From {name}", "+$270.00")], "$270.00"),
    ]
    page = response.content.decode()
    assert "$300.00 less $30.00 fee" in page
    assert "$100.00 refunded, $10.00 of it from the fee" in page
    assert "Give a refund" in page


def test_talent_reads_money_that_is_due_as_available_before_any_sweep(client, book):
    with clock.at(NOON + timedelta(days=5)):
        response = page_for(client, owner_of(book.talent))

    assert figures_of(response) == [("Available", "$180.00"), ("Pending", "$0.00")]


def test_talent_is_offered_no_refund_after_the_window(client, book):
    with clock.at(NOON + timedelta(days=181)):
        response = page_for(client, owner_of(book.talent))

    assert "Give a refund" not in response.content.decode()


def test_plain_member_reads_why_not(client, book):
    response = page_for(client, member_of(book.talent))

    assert response.status_code == 403
    assert f"Only an owner or manager of {book.talent.name}" in response.content.decode()


def test_party_without_movements_reads_what_would_fill_the_list(client):
    response = page_for(client, owner_of(PartyFactory()))

    assert "No money has moved yet." in response.content.decode()


def test_other_parties_movements_are_not_shown(client, book):
    response = page_for(client, owner_of(FreelancerFactory()))

    assert events_of(response) == []
    assert book.reference not in response.content.decode()


def test_pages_lead_back_and_forth_without_losing_a_line(client):
    book = funded_book(usd(1))
    for number in range(2, 61):
        charge(book, usd(number))
    owner = owner_of(book.client)

    seen, query, pages = [], "", []
    while True:
        page = page_for(client, owner, query).context["page"]
        seen += [str(event.balance) for event in page.events]
        pages.append(page)
        if not page.older:
            break
        query = page.older
    back = page_for(client, owner, pages[-1].newer).context["page"]

    assert [len(page.events) for page in pages] == [25, 25, 11]
    assert len(set(seen)) == len(seen) == 61
    assert (pages[0].newer, back.events) == ("", pages[1].events)


@pytest.mark.parametrize("typed", ["x", "-1", "9" * 30, ""])
def test_nonsense_in_a_page_link_shows_the_first_page(client, book, typed):
    response = page_for(client, owner_of(book.client), f"?before={typed}")

    assert len(events_of(response)) == 4


@pytest.mark.parametrize("number", [1, 3])
def test_number_of_queries_does_not_grow(client, number, django_assert_num_queries):
    talent = FreelancerFactory()
    for _ in range(number):
        paid(funded_book(usd(10), talent=talent), usd(10))
    owner = owner_of(talent)
    client.force_login(owner.user)
    client.get(reverse("payments"))

    with django_assert_num_queries(8):
        client.get(reverse("payments"))


# Hours ------------------------------------------------------------------------------------------


@pytest.fixture
def week():
    """Two hours at $60.00, paid on Monday and in review; half an hour of it was reversed."""
    return in_review()


def dispute(week):
    segments = [(one.pk, start) for one, start in hours_disputes.billed_segments(week)][:3]
    return hours_disputes.file(
        week, segments=segments, reason="No.", key="", by=owner_of(week.contract.client)
    )


def details_of(response):
    return [line.detail for one in response.context["page"].events for line in one.lines]


def test_client_reads_the_charge_the_hours_and_what_was_reversed(client, week):
    hours_disputes.accept(dispute(week), by=owner_of(week.contract.talent))

    response = page_for(client, owner_of(week.contract.client))

    name = week.contract.talent.name
    assert events_of(response) == [
        (f"Hours of {name} reversed", [("Reversed, back to your credit", "+$30.00")], "$30.00"),
        (
            f"Hours paid to {name}",
            [("Charged to Sandbox card that pays", "+$120.00"), (f"Hours, to {name}", "−$120.00")],
            "$0.00",
        ),
    ]
    words = [one.title for one in response.context["page"].events] + details_of(response)
    assert not any("refund" in one.lower() for one in words)


@pytest.mark.parametrize(
    ("side", "told"),
    [("client", []), ("talent", [("Correction", [("Correction", "−$90.00")], "$0.00")])],
)
def test_a_correction_is_read_by_the_side_whose_money_it_moved(client, side, told):
    with clock.at(NOON - timedelta(days=6)):
        book = funded_book(usd(100))
        paid(book, usd(100))
    maturing.mature([book.payments.get().pk])
    book = reread(book)
    first, second = (Actor.support(StaffFactory()) for _ in range(2))
    correction = corrections.propose(
        book,
        debit=book.available_account,
        credit=book.fees_account,
        amount=usd(90),
        reason="Paid out by bank transfer.",
        by=first,
    )
    corrections.approve(correction, by=second)

    events = events_of(page_for(client, owner_of(getattr(book, side))))

    assert [one for one in events if one[0] == "Correction"] == told


def test_talent_reads_hours_after_the_fee_and_until_when_they_are_pending(client, week):
    response = page_for(client, owner_of(week.contract.talent))

    name = week.contract.client.name
    assert events_of(response) == [
        (f"Hours paid by {name}", [(f"Hours, from {name}", "+$108.00")], "$108.00")
    ]
    assert details_of(response) == [
        "Hours, week of 9 November 2026. $120.00 less $12.00 fee. Pending until 25 November 2026"
    ]
    assert "Give a refund" in response.content.decode()


def test_talent_reads_that_disputed_hours_are_held(client, week):
    dispute(week)

    response = page_for(client, owner_of(week.contract.talent))

    assert details_of(response)[0].endswith("Held: its hours are disputed")
    assert "Give a refund" not in response.content.decode()


def test_talent_reads_what_was_reversed_and_what_of_it_was_the_fee(client, week):
    hours_disputes.accept(dispute(week), by=owner_of(week.contract.talent))

    response = page_for(client, owner_of(week.contract.talent))

    back = f"Hours reversed, back to {week.contract.client.name}"
    assert events_of(response)[0] == (
        back,
        [(back.replace("Hours reversed", "Reversed"), "−$27.00")],
        "$81.00",
    )
    assert details_of(response)[0] == (
        "Hours, week of 9 November 2026. $30.00 reversed, $3.00 of it from the fee"
    )


def test_payment_that_is_available_is_no_longer_called_pending(client, week):
    with clock.at(week.payment.available_at):
        response = page_for(client, owner_of(week.contract.talent))

    assert details_of(response)[0].endswith("fee")


# Filters -----------------------------------------------------------------------------------------


def test_filters_choose_and_keep_what_was_typed(client, book):
    query = f"?contract={book.reference.lower()}&kind=payments&since=2026-11-19&until=2026-11-19"

    response = page_for(client, owner_of(book.client), query)

    assert [one[0] for one in events_of(response)] == [f"Paid to {book.talent.name}"]
    page = response.content.decode()
    assert f'value="{book.reference.lower()}"' in page
    assert '<option value="payments" selected>' in page
    assert page.count('value="2026-11-19"') == 2


@pytest.mark.parametrize(
    ("query", "field", "sentence"),
    [
        ("?contract=C-NOBODYS", "contract", "No contract of yours has this reference."),
        ("?kind=matured", "kind", "Choose one of the kinds."),
        ("?since=2026-02-30", "since", "Type a day such as 2026-11-19."),
        (
            "?since=2026-11-19&until=2026-11-18",
            "until",
            "Choose a day that is not before the first one.",
        ),
    ],
)
def test_what_makes_no_sense_is_said_beside_its_field(client, book, query, field, sentence):
    response = page_for(client, owner_of(book.client), query)

    assert response.context["form"].errors == {field: [sentence]}
    assert events_of(response) == []
    assert f'id="id_{field}_error"' in response.content.decode()


def test_contract_of_somebody_else_is_none_of_yours(client, book):
    other = funded_book(usd(5))

    response = page_for(client, owner_of(book.client), f"?contract={other.reference}")

    assert "No contract of yours has this reference." in response.content.decode()
    assert other.title not in response.content.decode()


def test_filter_that_fits_nothing_says_so_and_leads_back(client, book):
    page = page_for(client, owner_of(book.client), "?kind=bank").content.decode()

    assert "No transactions like that." in page
    assert "Show all" in page


# The file ----------------------------------------------------------------------------------------


def file_for(client, actor, query=""):
    client.force_login(actor.user)
    return client.get(reverse("payments_csv") + query)


def test_file_is_streamed_named_and_never_kept(client, book):
    response = file_for(client, owner_of(book.client))

    assert response.streaming
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == (
        'attachment; filename="closeout-payments-2026-11-19.csv"'
    )
    assert response["Cache-Control"] == "private, no-store"
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    assert len(text.splitlines()) == 1 + 4


def test_file_has_what_the_page_was_asked_for(client, book):
    page = page_for(client, owner_of(book.client), "?kind=payments")
    url = page.context["file_url"]

    text = b"".join(client.get(url).streaming_content).decode("utf-8-sig")

    assert url == f"{reverse('payments_csv')}?kind=payments"
    assert url in page.content.decode()
    assert len(text.splitlines()) == 2


def test_file_that_makes_no_sense_leads_to_the_page_that_says_why(client, book):
    response = file_for(client, owner_of(book.client), "?since=nonsense")

    assert (response.status_code, response.url) == (302, "/payments/?since=nonsense")


def test_file_is_not_for_a_plain_member(client, book):
    assert file_for(client, member_of(book.talent)).status_code == 403
