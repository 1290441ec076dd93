"""Credit goes back only to charges it can have come from, and never more than was charged."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from marketplace import clock, policy, sweeping
from marketplace.actors import PLATFORM
from marketplace.models import Notice
from marketplace.money import Money
from marketplace.notices import text_of
from marketplace.refusals import InvalidInput, KeyReused, NotYours
from marketplace.states import Role
from payments import (
    chargebacks,
    credits,
    escrow,
    gateways,
    ledger,
    operations,
    outgoing,
)
from payments.credits import BLOCKED, DISPUTED, ELSEWHERE
from payments.gateways import sandbox
from payments.gateways.base import declined
from payments.models import Account, Entry, GatewayOperation
from payments.states import (
    NOT_ARRIVED,
    AccountKind,
    ChargebackState,
    EntryKind,
    OperationKind,
    OperationState,
)
from tests.factories import (
    NOON,
    FreelancerFactory,
    PartyFactory,
    member_of,
    open_book,
    owner_of,
    reread,
    usd,
)
from tests.payments.crediting import (
    PURPOSE,
    another_book,
    charged,
    credit_of,
    disputed_at_the_sandbox,
    from_nowhere,
    keep_as_credit,
)
from tests.support.asserting import assert_audit_clean

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
LATER = NOON + 3 * DAY


@pytest.fixture(autouse=True)
def _a_purpose(monkeypatch):
    monkeypatch.setitem(operations._purposes, PURPOSE, keep_as_credit)


@pytest.fixture
def book():
    """$100 charged at noon, $200 a day later: $300 of credit."""
    book = open_book()
    with clock.at(NOON):
        charged(book, usd(100))
    with clock.at(NOON + DAY):
        charged(another_book(book.client, title="Logo refresh"), usd(200))
    return book


def found(book, *, at=LATER) -> credits.Sendable:
    return credits.sendable(credit_of(book.client), at)


def parts(book, *, at=LATER) -> list[Money]:
    return [part.amount for part in found(book, at=at).parts]


def send(book, amount, *, at=LATER, key="", by=None) -> list[GatewayOperation]:
    with clock.at(at):
        account = credit_of(book.client)
        return credits.send_back(account, amount=amount, key=key, by=by or owner_of(book.client))


def sweep(moment, name="payments.credit_goes_back") -> int:
    return sum(outcome.done for outcome in sweeping.run(as_of=moment, only=name))


def wish(book, *, at=LATER, goes_back=True) -> None:
    with clock.at(at):
        credits.choose(book.client, goes_back=goes_back, by=owner_of(book.client))


def chargeback(operation, *, at):
    """The bank has disputed this charge, and it is known here."""
    disputed_at_the_sandbox(operation)
    with clock.at(at):
        dispute = gateways.gateway().dispute(f"dispute:{operation.key}")
        return chargebacks.take(dispute, gateway="sandbox")


# How much, and where to -------------------------------------------------------------------------


def test_sendable_is_newest_first_and_at_most_each_charge(book):
    assert parts(book) == [usd(200), usd(100)]
    assert (found(book).possible, found(book).stays, found(book).why) == (usd(300), usd(0), "")


def test_send_back_takes_the_newest_charge_first(book):
    sent = send(book, usd(250))

    assert [(one.of.amount, one.amount) for one in sent] == [
        (usd(200), usd(200)),
        (usd(100), usd(50)),
    ]
    assert {one.state for one in sent} == {OperationState.SUCCEEDED}
    assert {one.arrives_on for one in sent} == {(LATER + sandbox.ARRIVES_AFTER).date()}
    assert reread(book).credit == usd(50)
    assert parts(book) == [usd(50)]
    assert_audit_clean()


def test_charge_takes_back_only_what_is_left_of_it(book):
    send(book, usd(50))

    assert parts(book) == [usd(150), usd(100)]


def test_send_back_more_than_possible_says_how_much_and_moves_nothing(book):
    with pytest.raises(InvalidInput, match=r"At most \$300.00 can be sent back now, to 2") as no:
        send(book, usd("300.01"))

    assert no.value.field == "amount"
    assert not GatewayOperation.objects.filter(kind=OperationKind.CREDIT_BACK).exists()
    assert reread(book).credit == usd(300)


@pytest.mark.parametrize("minor", [0, -1])
def test_send_back_nothing_is_refused(book, minor):
    with pytest.raises(InvalidInput, match="above zero"):
        send(book, Money(minor, "USD"))


def test_send_back_of_one_charge_says_so():
    book = open_book()
    with clock.at(NOON):
        charged(book, usd(40))

    with pytest.raises(InvalidInput, match=r"\$40.00 can be sent back now, to 1 charge\."):
        send(book, usd(41))


def test_credit_that_came_from_no_charge_stays():
    book = open_book()
    with clock.at(NOON):
        from_nowhere(book, usd(30))

    assert (found(book).possible, found(book).stays) == (usd(0), usd(30))
    with pytest.raises(InvalidInput, match=ELSEWHERE):
        send(book, usd(30))


def test_credit_beyond_the_charges_stays_and_says_why(book):
    with clock.at(NOON):
        from_nowhere(book, usd(30))

    assert (found(book).possible, found(book).stays) == (usd(300), usd(30))
    assert found(book).why == ELSEWHERE


def test_charge_takes_something_back_until_its_window_closes(book):
    last = NOON + policy.CREDIT_BACK_WINDOW

    assert parts(book, at=last) == [usd(200), usd(100)]
    late = found(book, at=last + timedelta(microseconds=1))
    assert [part.amount for part in late.parts] == [usd(200)]
    assert "more than 365 days ago" in late.why


def test_charge_that_is_open_or_declined_takes_nothing_back(book):
    with clock.at(NOON):
        charged(book, usd(500), sandbox.DECLINES)
        charged(book, usd(500), sandbox.NEVER_ANSWERS)

    assert parts(book) == [usd(200), usd(100)]


def test_disputed_charge_takes_nothing_back(book):
    with clock.at(NOON):
        disputed = charged(book, usd(50), sandbox.DISPUTED)
    chargeback(disputed, at=LATER)
    with clock.at(LATER):
        from_nowhere(book, usd(50))

    assert parts(book) == [usd(200), usd(100)]
    assert found(book).why == DISPUTED


def test_charge_whose_dispute_was_won_takes_something_back(book):
    with clock.at(NOON):
        disputed = charged(book, usd(50), sandbox.DISPUTED)
    taken = chargeback(disputed, at=LATER)
    with clock.at(LATER):
        told = gateways.gateway().dispute(taken.reference)
        chargebacks.take(
            told.__class__(
                told.reference,
                told.key,
                told.amount,
                ChargebackState.WON,
                told.because,
                told.opened_at,
            ),
            gateway="sandbox",
        )

    assert parts(book) == [usd(200), usd(50), usd(100)]


def test_credit_stays_while_the_operator_bears_a_chargeback(book):
    with clock.at(NOON):
        disputed = charged(book, usd(1000), sandbox.DISPUTED)
    send(book, usd(1300))
    chargeback(disputed, at=LATER)
    with clock.at(LATER):
        charged(book, usd(70))

    assert (found(book).possible, found(book).why) == (usd(0), BLOCKED)
    with pytest.raises(InvalidInput, match="disputed at the bank"):
        send(book, usd(1))
    assert reread(book).credit == usd(70)


def test_credit_of_other_currencies_and_clients_is_apart(book):
    euro = open_book(client=book.client, currency="EUR")
    other = open_book()
    with clock.at(NOON):
        charged(euro, Money(7_000, "EUR"))
        charged(other, usd(900))

    assert parts(book) == [usd(200), usd(100)]
    assert credits.sendable(credit_of(book.client, "EUR"), LATER).possible == Money(7_000, "EUR")


def test_send_back_goes_to_twenty_charges_in_one_go():
    book = open_book()
    with clock.at(NOON):
        for _ in range(policy.CREDIT_BACK_CHARGES + 1):
            charged(book, usd(10))

    assert found(book).possible == usd(200)
    assert "20 charges in one go" in found(book).why
    assert len(send(book, usd(200))) == 20
    assert (parts(book), found(book).why) == ([usd(10)], "")


# Once, and by whom ------------------------------------------------------------------------------


def test_same_form_again_gives_the_first_answer(book):
    first = send(book, usd(250), key="form")
    second = send(book, usd(250), key="form")

    assert [one.pk for one in first] == [one.pk for one in second]
    assert reread(book).credit == usd(50)
    with pytest.raises(KeyReused):
        send(book, usd(20), key="form")


@pytest.mark.parametrize("who", ["member", "talent", "stranger", "platform"])
def test_send_back_is_for_owners_and_managers_of_the_client(book, who):
    actors = {
        "member": lambda: member_of(book.client),
        "talent": lambda: owner_of(book.talent),
        "stranger": lambda: owner_of(PartyFactory()),
        "platform": lambda: PLATFORM,
    }
    with pytest.raises(NotYours):
        send(book, usd(10), by=actors[who]())

    assert reread(book).credit == usd(300)
    assert send(book, usd(10), by=member_of(book.client, Role.MANAGER))


def test_one_deed_is_told_once(book):
    owner_of(book.client)
    send(book, usd(250))

    (notice,) = Notice.objects.filter(kind__startswith="payments.")
    text = text_of(notice)
    assert text.title == "$250.00 of your credit is on its way back"
    assert text.paragraphs[1:3] == [
        "$200.00 to Sandbox card that pays, charged on 20 November 2026 for Logo refresh",
        f"$50.00 to Sandbox card that pays, charged on 19 November 2026 for {book.title}",
    ]


# What does not arrive ---------------------------------------------------------------------------


def test_what_the_gateway_declines_is_credit_again(book):
    with clock.at(NOON + 2 * DAY):
        disputed_at_the_sandbox(charged(book, usd(60), sandbox.DISPUTED))

    sent = send(book, usd(160))

    assert [one.state for one in sent] == [OperationState.DECLINED, OperationState.SUCCEEDED]
    assert reread(book).credit == usd(260)
    back = Entry.objects.get(kind=EntryKind.PAYOUT_FAILED)
    assert back.pk == sent[0].back_entry_id
    titles = [text_of(one).title for one in Notice.objects.order_by("pk")]
    assert titles[-2:] == [
        "$160.00 of your credit is on its way back",
        "$60.00 came back to your credit",
    ]
    assert_audit_clean()


def test_what_comes_back_days_later_can_be_sent_again(book):
    (sent,) = send(book, usd(200))
    with clock.at(LATER + 3 * DAY):
        outgoing.settle(sent.pk, declined("The card was closed."))
        outgoing.settle(sent.pk, declined("The card was closed."))

    assert GatewayOperation.objects.get(pk=sent.pk).state == OperationState.RETURNED
    assert reread(book).credit == usd(300)
    assert parts(book) == [usd(200), usd(100)]


def test_what_is_not_answered_yet_is_gone_from_the_credit(book):
    with clock.at(NOON + 2 * DAY):
        charged(book, usd(80), sandbox.TIMES_OUT)
        sweep(NOON + 2 * DAY + timedelta(minutes=1), "payments.charges")

    (sent,) = send(book, usd(80))

    assert sent.state == OperationState.UNKNOWN
    assert (reread(book).credit, parts(book)) == (usd(300), [usd(200), usd(100)])
    sweep(LATER + timedelta(minutes=5), "payments.charges")
    assert GatewayOperation.objects.get(pk=sent.pk).state == OperationState.SUCCEEDED


# At once ----------------------------------------------------------------------------------------


def test_wish_sends_what_is_there_and_what_comes(book):
    wish(book)

    assert sweep(LATER) == 1
    assert reread(book).credit == usd(0)
    with clock.at(LATER + DAY):
        charged(book, usd(25))
    assert credit_of(book.client).goes_back_at == LATER + DAY
    assert sweep(LATER + DAY) == 1
    account = credit_of(book.client)
    assert (account.balance, account.goes_back_at) == (usd(0), None)
    assert sweep(LATER + 2 * DAY) == 0
    assert_audit_clean()


def test_wish_waits_while_a_charge_is_open(book):
    with clock.at(LATER):
        charged(book, usd(500), sandbox.NEVER_ANSWERS)
    wish(book)

    assert sweep(LATER) == 0
    assert reread(book).credit == usd(300)
    assert credit_of(book.client).goes_back_at == LATER + policy.CREDIT_BACK_WAITS
    sweep(LATER + DAY, "payments.charges")
    assert sweep(LATER + DAY) == 1
    assert reread(book).credit == usd(0)


def test_wish_waits_for_no_charge_of_somebody_else(book):
    with clock.at(LATER):
        charged(open_book(), usd(500), sandbox.NEVER_ANSWERS)
        charged(open_book(client=book.client, currency="EUR"), Money(50, "EUR"), "never_answers")
    wish(book)

    assert sweep(LATER) == 1
    assert reread(book).credit == usd(0)


def test_wish_does_not_try_a_charge_again_that_did_not_take_it(book):
    with clock.at(NOON + 2 * DAY):
        disputed_at_the_sandbox(charged(book, usd(60), sandbox.DISPUTED))
    wish(book)

    sweep(LATER)

    failed = GatewayOperation.objects.filter(state__in=NOT_ARRIVED)
    assert [one.amount for one in failed] == [usd(60)]
    account = credit_of(book.client)
    assert (account.balance, account.goes_back_at) == (usd(60), None)
    assert parts(book) == [usd(60)]


def test_wish_goes_on_until_all_charges_are_through():
    book = open_book()
    with clock.at(NOON):
        for _ in range(policy.CREDIT_BACK_CHARGES + 2):
            charged(book, usd(10))
    wish(book)

    assert sweep(LATER) == 2
    assert reread(book).credit == usd(0)


def test_wish_that_cannot_be_fulfilled_is_put_away():
    book = open_book()
    with clock.at(NOON):
        from_nowhere(book, usd(30))
    wish(book)

    assert sweep(LATER) == 0
    account = credit_of(book.client)
    assert (account.balance, account.goes_back, account.goes_back_at) == (usd(30), True, None)


def test_at_once_before_it_is_due_does_nothing(book):
    wish(book)

    with clock.at(LATER - timedelta(seconds=1)):
        assert not credits.send_back_at_once(credit_of(book.client).pk)
    assert reread(book).credit == usd(300)


def test_at_once_is_told_as_what_the_platform_does(book):
    wish(book)
    sweep(LATER)

    notice = Notice.objects.filter(kind="payments.credit_sent_back").get()
    assert text_of(notice).paragraphs[0].startswith("You chose to have money")


# The choice -------------------------------------------------------------------------------------


def test_choose_marks_what_is_there_in_every_currency(book):
    open_book(client=book.client, currency="EUR")
    wish(book)

    marked = Account.objects.filter(kind=AccountKind.CREDIT, party=book.client)
    assert {(one.currency, one.goes_back, one.goes_back_at) for one in marked} == {
        ("USD", True, LATER),
        ("EUR", True, None),
    }


def test_choose_to_keep_takes_the_mark_away(book):
    wish(book)
    wish(book, goes_back=False)

    account = credit_of(book.client)
    assert (account.goes_back, account.goes_back_at) == (False, None)
    assert sweep(LATER) == 0
    titles = [text_of(one).title for one in Notice.objects.order_by("pk")]
    assert titles == [
        "Money that comes back to you is now sent back at once",
        "Money that comes back to you now stays as credit",
    ]


def test_choose_the_same_again_tells_nobody(book):
    wish(book)
    wish(book)

    assert Notice.objects.count() == 1


def test_choice_of_a_client_without_contracts_is_kept_for_them():
    client = PartyFactory()
    with clock.at(NOON):
        credits.choose(client, goes_back=True, by=owner_of(client))

    open_book(client=client)
    open_book(client=client, currency="EUR")
    open_book(currency="EUR")

    wishes = Account.objects.filter(kind=AccountKind.CREDIT, goes_back=True)
    assert {(one.party_id, one.currency) for one in wishes} == {
        (client.pk, "USD"),
        (client.pk, "EUR"),
    }


@pytest.mark.parametrize("who", ["member", "talent"])
def test_choose_is_for_owners_and_managers_of_the_client(book, who):
    talent = FreelancerFactory()
    party = book.client if who == "member" else talent
    with pytest.raises(NotYours):
        credits.choose(party, goes_back=True, by=member_of(party, Role.MEMBER))
    with pytest.raises(NotYours):
        credits.choose(talent, goes_back=True, by=owner_of(talent))

    assert not Account.objects.filter(goes_back=True).exists()


# Always -----------------------------------------------------------------------------------------

CENTS = st.integers(min_value=1, max_value=40_000)
DEEDS = st.lists(
    st.one_of(
        st.tuples(st.just("charge"), st.integers(min_value=50, max_value=30_000)),
        st.tuples(st.just("unanswered"), st.integers(min_value=50, max_value=30_000)),
        st.tuples(st.just("refuses later"), st.integers(min_value=50, max_value=30_000)),
        st.tuples(st.just("spend"), CENTS),
        st.tuples(st.just("return"), CENTS),
        st.tuples(st.just("send"), CENTS),
        st.tuples(st.just("come back"), st.integers(min_value=0, max_value=5)),
        st.tuples(st.just("wish"), st.integers(min_value=0, max_value=1)),
    ),
    max_size=12,
)


class Life:
    """A client's money in deeds at random; one that is not possible now is left out."""

    def __init__(self) -> None:
        self.books = [open_book()]
        self.books.append(another_book(self.books[0].client))
        self.client, self.owner = self.books[0].client, owner_of(self.books[0].client)
        self.at = NOON
        self.does = {
            "charge": lambda number: self.charge(number, sandbox.ACCEPTS),
            "unanswered": lambda number: self.charge(number, sandbox.TIMES_OUT),
            "refuses later": lambda number: self.charge(number, sandbox.DISPUTED),
            "spend": self.spend,
            "return": self.give_back,
            "send": self.send,
            "come back": self.come_back,
            "wish": self.wish,
        }

    def play(self, name: str, number: int) -> None:
        self.at += timedelta(hours=1)
        with clock.at(self.at):
            self.does[name](number)

    def charge(self, number: int, method: str) -> None:
        one = charged(self.books[number % 2], Money(number, "USD"), method)
        if method == sandbox.DISPUTED and one.state == OperationState.SUCCEEDED:
            disputed_at_the_sandbox(one)
        operations.ask_again(one.pk)

    def spend(self, number: int) -> None:
        self._move(number, lambda book: book.credit, escrow.fund)

    def give_back(self, number: int) -> None:
        self._move(number, lambda book: book.escrow, escrow.give_back)

    def send(self, number: int) -> None:
        account = credit_of(self.client)
        try:
            credits.send_back(account, amount=Money(number, "USD"), key="", by=self.owner)
        except InvalidInput:
            assert number > credits.sendable(account, self.at).possible.minor

    def come_back(self, number: int) -> None:
        sent = self.sent.filter(state=OperationState.SUCCEEDED).order_by("pk")[number:].first()
        if sent is not None:
            outgoing.settle(sent.pk, declined("It came back."))

    def wish(self, number: int) -> None:
        credits.choose(self.client, goes_back=bool(number), by=self.owner)
        account = credit_of(self.client)
        while credits.send_back_at_once(account.pk):
            pass

    @property
    def charges(self):
        mine = GatewayOperation.objects.filter(book__client=self.client)
        return mine.filter(kind=OperationKind.CHARGE, state=OperationState.SUCCEEDED)

    @property
    def sent(self):
        mine = GatewayOperation.objects.filter(book__client=self.client)
        return mine.filter(kind=OperationKind.CREDIT_BACK)

    def check(self) -> None:
        gone = 0
        offered = credits.sendable(credit_of(self.client), self.at).parts
        offers = {part.charge.pk: part.amount.minor for part in offered}
        for one in self.charges:
            went = self.sent.filter(of=one).exclude(state__in=NOT_ARRIVED)
            back = sum(went.values_list("amount_minor", flat=True))
            assert back + offers.get(one.pk, 0) <= one.amount_minor
            gone += back
        held = sum(reread(book).escrow.minor for book in self.books)
        came = sum(self.charges.values_list("amount_minor", flat=True))
        assert credit_of(self.client).balance.minor + held + gone == came

    def _move(self, number, of, move) -> None:
        with transaction.atomic():
            book = ledger.lock(self.books[number % 2].pk)
            amount = min(of(book), Money(number, "USD"))
            if amount:
                key = f"life:{self.client.pk}:{self.at:%d%H}:{number}"
                move(book, amount, key=key, memo="", at=self.at, by=PLATFORM)


@given(DEEDS)
def test_no_charge_gets_back_more_than_it_was_and_no_cent_is_lost(deeds):
    life = Life()
    for name, number in deeds:
        life.play(name, number)
        life.check()
