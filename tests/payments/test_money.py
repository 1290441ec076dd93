"""A party's money as events, page by page, with the balance after each."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import transaction

from marketplace import bulk, clock
from marketplace.actors import PLATFORM
from marketplace.money import Money, zero
from payments import hours, ledger, maturing, payouts, queries, refunds
from payments.gateways import sandbox
from payments.hours import HoursToPay
from payments.ledger import Leg, Posting
from payments.models import Account, Book, Entry, Transfer
from payments.queries import Asked, money
from payments.queries.running import balances_after
from payments.states import AccountKind, EntryKind
from tests.factories import (
    NOON,
    FreelancerFactory,
    PartyFactory,
    charge,
    funded,
    funded_book,
    owner_of,
    paid,
    reread,
    usd,
)

pytestmark = pytest.mark.django_db

ALL = Asked()


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


@pytest.fixture
def small(monkeypatch):
    """Pages of three actions, found in windows of six entries."""
    monkeypatch.setattr(money, "PAGE", 3)
    monkeypatch.setattr(money, "WINDOW", 6)


def eur(whole):
    return Money(whole * 100, "EUR")


def returned(*steps):
    """Escrow goes back, one entry a step: the event, the book, the amount; in this order."""
    with transaction.atomic():
        locked = ledger.lock_all({book.pk for _, book, _ in steps})
        kept = ledger.kept_accounts(locked.values())
        for number, (event, book, amount) in enumerate(steps):
            own = locked[book.pk]
            leg = Leg(own.escrow_account_id, own.credit_account_id, amount)
            posting = Posting(EntryKind.RETURN, own, [leg], f"back:{book.pk}:{event}:{number}")
            drafted = ledger.draft([posting], kept, at=clock.now(), by=PLATFORM, event=event)
            entries, transfers = drafted
            Entry.objects.bulk_create(entries)
            for one in transfers:
                one.entry_id = one.entry.pk
            Transfer.objects.bulk_create(transfers)
        bulk.update([kept[pk] for pk in sorted(kept)], ["balance_minor"])


def events_of(party, asked=ALL, **where):
    return queries.payments_page(party, asked, **where).events


def told(events):
    return [
        (
            event.title,
            [(one.words, one.signed or str(one.gross)) for one in event.lines],
            str(event.balance),
        )
        for event in events
    ]


def walk(party, asked=ALL):
    """Every page, by the links from one to the next."""
    pages, query = [], {}
    while True:
        page = queries.payments_page(party, asked, **query)
        pages.append(page)
        if not page.older:
            return pages
        query = cursor(page.older)


def cursor(link):
    name, _, number = link.rpartition("&")[-1].lstrip("?").partition("=")
    return {name: int(number)}


def numbers(page):
    """The entries of a page, event by event."""
    return [[line.number for line in event.lines] for event in page.events]


# Events ------------------------------------------------------------------------------------------


def test_funding_with_a_charge_is_one_event_of_two_lines():
    milestone = funded(usd(300))

    [event] = events_of(milestone.contract.client)

    assert (event.title, event.detail) == ("Escrow funded", f"Milestone 1, {milestone.title}")
    assert event.book == milestone.contract.book
    assert told([event])[0][1:] == (
        [("Charged to Sandbox card that pays", "+$300.00"), ("Into escrow", "−$300.00")],
        "$0.00",
    )


@pytest.fixture
def run():
    """A weekly run: hours of two contracts of one client and one talent, in one transaction."""
    client, talent = PartyFactory(), FreelancerFactory()
    books = [funded_book(usd(50), client=client, talent=talent) for _ in range(2)]
    for book in books:
        charge(book, usd(100))
    with transaction.atomic():
        locked = ledger.lock_all([one.pk for one in books])
        chosen = [
            HoursToPay(
                locked[book.pk],
                usd(100 - 40 * number),
                key=f"hours:{book.pk}",
                title="Hours, week of 9 November 2026",
                paid_at=NOON,
                available_at=NOON + timedelta(days=5),
            )
            for number, book in enumerate(books)
        ]
        hours.pay_all(chosen, at=NOON, by=PLATFORM)
    return [reread(book) for book in books]


def test_hours_of_several_contracts_are_one_event_with_what_they_come_to(run):
    name = run[0].talent.name

    event = events_of(run[0].client)[0]

    assert told([event]) == [
        (
            "Hours of 2 contracts",
            [(f"Hours, to {name}", "−$100.00"), (f"Hours, to {name}", "−$60.00")],
            "$40.00",
        )
    ]
    assert (event.book, event.total) == (None, "−$160.00")


def test_payments_that_mature_together_are_one_event(run):
    talent = run[0].talent
    with clock.at(NOON + timedelta(days=5)):
        maturing.mature([one.pk for book in run for one in book.payments.all()])
        event, earlier = events_of(talent)

    assert (event.title, event.total) == ("2 payments became available", "$144.00")
    assert (str(event.balance), str(earlier.balance)) == ("$144.00", "$144.00")


def test_refund_and_payment_tell_the_talent_gross_and_fee():
    book = funded_book(usd(300))
    payment = paid(book, usd(300))
    refunds.give(payment, amount=usd(100), reason="", key="", by=owner_of(book.talent))

    (back,), (first,) = (event.lines for event in events_of(book.talent))

    assert (back.gross, back.fee, back.effect) == (usd(100), usd(10), usd(-90))
    assert (first.gross, first.fee, first.effect) == (usd(300), usd(30), usd(270))


@pytest.fixture
def rich():
    """A talent with $270.00 available."""
    with clock.at(NOON - timedelta(days=6)):
        book = funded_book(usd(300))
        paid(book, usd(300))
    return book.talent


def withdrawn(talent, destination):
    return payouts.withdraw(
        talent, amount=usd(200), destination=destination, key="w", by=owner_of(talent)
    )


@pytest.mark.django_db(transaction=True)
def test_withdrawal_is_one_event_with_what_it_made_available(rich):
    withdrawn(rich, sandbox.RECEIVES)

    event = events_of(rich)[0]

    bank = "Sandbox bank account that receives"
    assert told([event]) == [
        (
            f"Withdrawal to {bank}",
            [("Became available", "$270.00"), (f"Withdrawn to {bank}", "−$200.00")],
            "$70.00",
        )
    ]
    assert event.lines[-1].notes.startswith("Sent")
    assert (event.book, event.lines[-1].book) == (None, None)


@pytest.mark.django_db(transaction=True)
def test_withdrawal_that_fails_says_so_and_comes_back_with_its_reason(rich):
    with pytest.raises(payouts.Refused):
        withdrawn(rich, sandbox.REFUSES)

    back, left, _ = events_of(rich)

    assert told([back])[0][0::2] == ("Withdrawal came back", "$270.00")
    assert back.lines[0].memo
    assert left.lines[-1].notes == "It did not arrive and came back"
    assert str(left.balance) == "$70.00"


def test_words_tell_both_ways_of_a_chargeback():
    given = {"for_client": True, "method": "Visa ending 4242", "other": "Ann"}

    taken = money.words.of(EntryKind.CHARGEBACK, gained=False, **given)
    back = money.words.of(EntryKind.CHARGEBACK, gained=True, **given)

    assert taken == ("Charge disputed at your bank", "Taken back by your bank")
    assert back == ("Your bank gave the charge back", "Given back by your bank")


@pytest.mark.parametrize("for_client", [True, False])
def test_every_kind_has_words_on_each_side_that_reads_it(for_client):
    chosen = money.words.CLIENT_KINDS if for_client else money.words.TALENT_KINDS
    for _, kinds in chosen.values():
        for kind in kinds:
            alone, beside = money.words.of(
                kind, for_client=for_client, gained=False, method="", other="Ann"
            )
            assert alone
            assert beside
            assert money.words.rank(kind) >= 0


# The balance -------------------------------------------------------------------------------------


def replayed(party):
    """What the party has after each of its transfers, counted from the first."""
    kinds = (
        {AccountKind.CREDIT} if party.is_client else {AccountKind.PENDING, AccountKind.AVAILABLE}
    )
    own = set(Account.objects.filter(party=party, kind__in=kinds).values_list("pk", flat=True))
    side = "client" if party.is_client else "talent"
    found, now = {}, {}
    for one in Transfer.objects.filter(**{f"entry__{side}": party}).order_by("pk"):
        held = now.get(one.currency, zero(one.currency))
        held += one.amount if one.credit_id in own else zero(one.currency)
        held -= one.amount if one.debit_id in own else zero(one.currency)
        now[one.currency] = found[one.pk] = held
    return found


@pytest.fixture
def mixed():
    """A client and a talent with contracts in dollars and in euros, and all sorts of movements."""
    client, talent = PartyFactory(), FreelancerFactory()
    books = [
        funded_book(amount, client=client, talent=talent)
        for amount in (usd(900), eur(700), usd(80))
    ]
    for step in range(3):
        with clock.at(NOON + timedelta(days=step)):
            for book in books:
                payment = paid(book, Money(1_111 + step, book.currency))
                cost = Money(500, book.currency)
                refunds.give(payment, amount=cost, reason="", key="", by=owner_of(talent))
            returned((step + 1, books[0], usd(3)), (step + 1, books[1], eur(4)))
    with clock.at(NOON + timedelta(days=6)):
        maturing.mature(list(books[0].payments.values_list("pk", flat=True)))
    return client, talent, books


@pytest.mark.parametrize("side", [0, 1])
def test_balance_after_each_event_is_what_the_books_come_to(mixed, side):
    party = mixed[side]
    expected = replayed(party)

    events = [event for page in walk(party) for event in page.events]

    assert balances_after(party, list(expected)) == expected
    assert [event.balance for event in events] == [expected[one.lines[-1].last] for one in events]


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize(
    "asked",
    [
        {"kind": "payments"},
        {"kind": "refunds"},
        {"since": date(2026, 11, 20), "until": date(2026, 11, 20)},
        {"book": 2},
    ],
)
def test_balance_under_a_filter_is_the_true_one(mixed, side, asked, small):
    party = mixed[side]
    if "book" in asked:
        asked = {"book": mixed[2][asked["book"]]}
    expected = replayed(party)

    events = [event for page in walk(party, Asked(**asked)) for event in page.events]

    assert events
    assert [event.balance for event in events] == [expected[one.lines[-1].last] for one in events]
    assert sum(len(event.lines) for event in events) == Asked(**asked).of(party).count()


def test_currencies_of_one_action_are_events_of_their_own(mixed):
    client, _, books = mixed

    first, second = events_of(client)[:2]

    assert told([first, second]) == [
        ("Returned from escrow", [("From escrow to your credit", "+€4.00")], "€27.00"),
        ("Returned from escrow", [("From escrow to your credit", "+$3.00")], "$39.00"),
    ]
    assert (first.book, second.book) == (books[1], books[0])


def test_events_of_one_currency_lead_from_balance_to_balance(mixed):
    _, talent, _ = mixed

    before = {}
    for event in reversed([event for page in walk(talent) for event in page.events]):
        currency = event.balance.currency
        effect = sum((line.effect for line in event.lines), zero(currency))
        assert before.get(currency, zero(currency)) + effect == event.balance
        before[currency] = event.balance


# Pages -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [[1] * 9, [2] * 8, [1, 5, 1, 5, 1, 5], [3, 20, 2, 20, 1]])
def test_no_page_cuts_an_event(small, sizes):
    book = funded_book(usd(1_000))
    for event, size in enumerate(sizes, start=1):
        returned(*[(event, book, usd(1))] * size)

    pages = [numbers(page) for page in walk(book.client)]

    *events, funded_, charged = [event for page in pages for event in page]
    assert [len(event) for event in events] == sizes[::-1]
    assert sorted(n for event in [*events, funded_, charged] for n in event) == list(
        Entry.objects.filter(client=book.client).order_by("pk").values_list("pk", flat=True)
    )
    assert all(len(page) <= 3 for page in pages)


def test_no_page_cuts_events_of_two_currencies_that_were_posted_at_once(small):
    dollars = funded_book(usd(1_000))
    euros = funded_book(eur(1_000), client=dollars.client)
    order = "aabbab bbcac dcdcdd efef ghgh"
    books = {letter: euros if letter in "bdfh" else dollars for letter in "abcdefgh"}
    returned(
        *(
            (ord(letter), books[letter], Money(100, books[letter].currency))
            for letter in order.replace(" ", "")
        )
    )

    events = [event for page in walk(dollars.client) for event in page.events]

    sizes = {chr(one.lines[0].event): len(one.lines) for one in events[:8]}
    assert sizes == {letter: order.count(letter) for letter in "abcdefgh"}
    assert len(events) == 8 + 4


def test_page_that_begins_inside_an_event_leaves_its_rest_out(small):
    book = funded_book(usd(100))
    for event in (1, 2, 3):
        returned(*[(event, book, usd(1))] * 4)
    middle = numbers(queries.payments_page(book.client, ALL))[0][1]

    page = queries.payments_page(book.client, ALL, before=middle)

    assert [[line.event for line in event.lines] for event in page.events] == [[2] * 4]


def test_entries_without_an_event_are_events_of_their_own(small):
    book = funded_book(usd(100))
    returned(*[(None, book, usd(1))] * 7)

    pages = [numbers(page) for page in walk(book.client)]

    assert [len(page) for page in pages] == [3, 3, 3]
    assert all(len(event) == 1 for page in pages for event in page)


@pytest.mark.parametrize("sizes", [[1] * 9, [2] * 8, [1, 5, 1, 5, 1, 5], [3, 20, 2, 20, 1]])
def test_pages_lead_back_without_losing_an_event(small, sizes):
    book = funded_book(usd(1_000))
    for event, size in enumerate(sizes, start=1):
        returned(*[(event, book, usd(1))] * size)
    pages = walk(book.client)

    back = [pages[-1]]
    while back[-1].newer:
        back.append(queries.payments_page(book.client, ALL, **cursor(back[-1].newer)))

    seen = {tuple(event) for page in back for event in numbers(page)}
    assert seen == {tuple(event) for page in pages for event in numbers(page)}
    assert numbers(back[-1]) == numbers(pages[0])
    assert pages[0].newer == ""


def test_event_with_very_many_lines_shows_some_and_counts_the_rest():
    book = funded_book(usd(1_000))
    returned(*[(7, book, usd(1))] * 130)

    event = events_of(book.client)[0]

    assert (len(event.lines), event.more, event.total) == (30, 100, "+$130.00")
    assert str(event.balance) == "$130.00"


def test_filters_are_kept_in_the_links(small):
    book = funded_book(usd(1_000))
    for event in range(1, 6):
        returned((event, book, usd(1)))
    asked = Asked(book=book, kind="returns", since=date(2026, 11, 1), until=date(2026, 11, 30))

    page = queries.payments_page(book.client, asked)

    start = f"?contract={book.reference}&kind=returns&since=2026-11-01&until=2026-11-30&before="
    assert page.older == f"{start}{page.events[-1].lines[-1].number}"


def test_days_are_whole_days_of_utc():
    book = funded_book(usd(100))
    moments = [(19, 23, 59), (20, 0, 0), (20, 23, 59), (21, 0, 0)]
    for event, (day, hour, minute) in enumerate(moments, start=1):
        with clock.at(NOON.replace(day=day, hour=hour, minute=minute)):
            returned((event, book, usd(event)))
    day = date(2026, 11, 20)

    events = events_of(book.client, Asked(kind="returns", since=day, until=day))

    assert [event.total or event.lines[0].signed for event in events] == ["+$3.00", "+$2.00"]


def test_party_sees_only_its_own_side_of_a_contract():
    book = funded_book(usd(100))
    charge(book, usd(5))

    assert [event.title for event in events_of(book.talent)] == []
    assert Book.objects.count() == 1


@pytest.mark.parametrize("number", [1, 30])
def test_number_of_queries_is_the_same_for_few_and_many(number, django_assert_num_queries):
    book = funded_book(usd(1_000))
    for event in range(1, number + 1):
        returned(*[(event, book, usd(1))] * 3)
    last = Entry.objects.filter(client=book.client).order_by("pk").last()

    with django_assert_num_queries(4):
        queries.payments_page(book.client, ALL)
    with django_assert_num_queries(4):
        queries.payments_page(book.client, ALL, before=last.pk)
