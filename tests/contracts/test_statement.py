"""The statement of a contract: every line from the ledger, and both sides add up to the cent."""

from __future__ import annotations

import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from contracts import escrow_answers, hours_disputes, owed
from contracts.closing import Choice
from contracts.models import Contract, HoursDispute, Milestone, Week
from contracts.queries import contract_of
from contracts.queries.statement import Statement, csv_rows, statement_of
from contracts.states import Side
from marketplace import clock, sweeping
from marketplace.actors import PLATFORM, Actor
from marketplace.money import Money, total
from marketplace.refusals import Refused
from marketplace.states import Role
from payments import ledger, refunds
from payments.gateways import sandbox
from payments.ledger import Leg
from payments.models import Book, EscrowRefundRequest, Payment
from payments.queries import balances_of, kept_of, money_bar, movements
from payments.queries.closing import ClientLine, Flow
from payments.states import EntryKind
from tests.factories import (
    NOON,
    FreelancerFactory,
    PartyFactory,
    StaffFactory,
    active,
    add_milestone,
    approve,
    bonus,
    charge,
    ended,
    fund,
    funded,
    hourly,
    in_review,
    leftover,
    member_of,
    milestone_of,
    owner_of,
    recorded,
    reread,
    submitted,
    usd,
    week_of,
)
from tests.support.asserting import assert_audit_clean

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def read(contract: Contract, side: Side, *, by: Actor | None = None) -> Statement:
    found = contract_of(Contract.objects.filter(pk=contract.pk)).get()
    return statement_of(found, by or owner_of(contract.party(side)))


def client_lines(contract: Contract) -> list[tuple[str, str, str, str]]:
    money = read(contract, Side.CLIENT).client_money
    assert money is not None
    assert money.adds_up
    return [(one.what, one.detail, _cell(one), str(one.balance)) for one in money.lines]


def _cell(line: ClientLine) -> str:
    return f"+{line.came_in}" if line.came_in else f"-{line.went_out}"


def talent_lines(contract: Contract) -> list[tuple[str, str, list[str], str]]:
    money = read(contract, Side.TALENT).talent_money
    assert money is not None
    assert money.adds_up
    return [(one.what, one.detail, one.words, str(one.balance)) for one in money.lines]


def sums(contract: Contract) -> dict[str, str]:
    """What came in and went out on the client's side, by its label, and what is in escrow."""
    money = read(contract, Side.CLIENT).client_money
    assert money is not None
    found = {one.label: str(one.amount) for one in (*money.came_in, *money.went_out)}
    return found | {"in escrow": str(money.in_escrow)}


def post(book: Book, kind: EntryKind, *legs: tuple[str, str, str], memo: str = "") -> None:
    """An entry between accounts named by their kind, as other parts of the house post it."""
    with transaction.atomic():
        locked = ledger.lock(book.pk)
        ledger.post(
            kind=kind,
            book=locked,
            legs=[
                Leg(
                    getattr(locked, f"{debit}_account_id"),
                    getattr(locked, f"{credit}_account_id"),
                    usd(amount),
                )
                for debit, credit, amount in legs
            ],
            key=f"{kind}:test:{random.random()}",
            memo=memo,
            at=clock.now(),
            by=PLATFORM,
        )


# The client's side ------------------------------------------------------------------------------


def test_client_reads_what_was_charged_paid_and_is_in_escrow():
    contract = leftover(usd(300))

    assert client_lines(contract) == [
        ("Charged to Sandbox card that pays", "Milestone 1, Draft", "+$305.00", "$305.00"),
        ("Milestone paid to " + contract.talent.name, "Milestone 1, Draft", "-$5.00", "$300.00"),
    ]
    money = read(contract, Side.CLIENT).client_money
    assert money.equation == "$305.00 charged = $5.00 paid + $300.00 in escrow"
    assert money.kept_by_talent == usd(5)


def test_client_reads_credit_that_was_used_beside_what_was_charged():
    contract = active(usd(500))
    post(contract.book, EntryKind.CHARGE, ("outside", "credit", "200"))
    fund(milestone_of(contract))

    assert client_lines(contract) == [
        ("Charged to a payment method", "", "+$200.00", "$200.00"),
        ("Added to credit", "", "-$200.00", "$0.00"),
        ("Charged to Sandbox card that pays", "Milestone 1, Draft", "+$300.00", "$300.00"),
        ("Credit used", "Milestone 1, Draft", "+$200.00", "$500.00"),
    ]
    assert sums(contract) == {
        "Charged to payment methods": "$500.00",
        "Credit used": "$200.00",
        "Added to credit": "$200.00",
        "in escrow": "$500.00",
    }


def test_escrow_that_goes_back_is_returned_and_pays_the_next_contract_as_credit():
    first = ended(funded(usd(500)).contract, Side.TALENT)
    second = active(usd(500), client=first.client)
    fund(milestone_of(second))

    assert client_lines(first)[-1] == (
        "Returned from escrow to credit",
        f"{first.talent.name} ended the contract",
        "-$500.00",
        "$0.00",
    )
    assert sums(first) == {
        "Charged to payment methods": "$500.00",
        "Returned from escrow to credit": "$500.00",
        "in escrow": "$0.00",
    }
    assert sums(second) == {"Credit used": "$500.00", "in escrow": "$500.00"}


def test_refund_comes_in_and_is_added_to_credit():
    contract = refunded(usd(100))

    name = contract.talent.name
    assert client_lines(contract)[-2:] == [
        (f"Refunded by {name}", "Milestone 1, Draft", "+$100.00", "$100.00"),
        ("Added to credit", "Milestone 1, Draft", "-$100.00", "$0.00"),
    ]
    money = read(contract, Side.CLIENT).client_money
    assert money.kept_by_talent == usd(400)
    assert money.equation == (
        "$500.00 charged + $100.00 refunded = $500.00 paid + $100.00 to credit + $0.00 in escrow"
    )


def refunded(amount: Money) -> Contract:
    payment = approve(submitted(usd(500)))
    by = owner_of(payment.book.talent)
    refunds.give(payment, amount=amount, reason="", key="", by=by)
    return payment.book.contract


def test_hours_and_their_reversal_pass_through_without_escrow():
    week = in_review(120)
    give_hours_back(week, 3)

    contract = week.contract
    name, memo = contract.talent.name, "Hours, week of 9 November 2026"
    assert client_lines(contract) == [
        ("Charged to Sandbox card that pays", memo, "+$120.00", "$120.00"),
        (f"Hours paid to {name}", memo, "-$120.00", "$0.00"),
        ("Hours reversed", memo, "+$30.00", "$30.00"),
        ("Added to credit", memo, "-$30.00", "$0.00"),
    ]


def dispute(week: Week, number: int) -> HoursDispute:
    """The client disputes the first so many segments."""
    billed = hours_disputes.billed_segments(week)[:number]
    return hours_disputes.file(
        week,
        segments=[(stretch.pk, starts_at) for stretch, starts_at in billed],
        reason="Nobody worked then.",
        key="",
        by=owner_of(week.contract.client),
    )


def give_hours_back(week: Week, number: int) -> None:
    hours_disputes.accept(dispute(week, number), by=owner_of(week.contract.talent))


def test_credit_that_is_sent_back_and_comes_back_is_told_both_times():
    contract = ended(funded(usd(500)).contract, Side.TALENT)
    post(contract.book, EntryKind.CREDIT_BACK, ("credit", "outside", "500"), memo="Visa")
    post(contract.book, EntryKind.PAYOUT_FAILED, ("outside", "credit", "500"), memo="Closed")

    assert client_lines(contract)[-4:] == [
        ("Credit used", "Visa", "+$500.00", "$500.00"),
        ("Sent back to a payment method", "Visa", "-$500.00", "$0.00"),
        ("Came back instead of reaching a payment method", "Closed", "+$500.00", "$500.00"),
        ("Added to credit", "Closed", "-$500.00", "$0.00"),
    ]


def test_chargeback_names_what_the_client_and_the_operator_bore():
    contract = ended(funded(usd(500)).contract, Side.TALENT)
    post(
        contract.book,
        EntryKind.CHARGEBACK,
        ("credit", "outside", "350"),
        ("fees", "outside", "150"),
    )

    assert client_lines(contract)[-3:] == [
        ("Credit used", "", "+$350.00", "$350.00"),
        ("Borne by Closeout", "", "+$150.00", "$500.00"),
        ("Taken back by the bank", "", "-$500.00", "$0.00"),
    ]
    assert talent_lines(contract) == []


def test_won_chargeback_makes_good_what_the_operator_bore():
    contract = funded(usd(500)).contract
    post(contract.book, EntryKind.CHARGEBACK, ("fees", "outside", "500"))
    post(
        contract.book,
        EntryKind.CHARGEBACK,
        ("outside", "credit", "350"),
        ("outside", "fees", "150"),
    )

    assert client_lines(contract)[-3:] == [
        ("Given back by the bank", "", "+$500.00", "$1,000.00"),
        ("Made good to Closeout", "", "-$150.00", "$850.00"),
        ("Added to credit", "", "-$350.00", "$500.00"),
    ]


def test_corrections_are_told_to_whose_money_they_move():
    contract = leftover(usd(300))
    charge(contract.book, usd(20))
    post(contract.book, EntryKind.MATURE, ("pending", "available", "4.50"))
    post(contract.book, EntryKind.CORRECTION, ("credit", "available", "20"))
    post(contract.book, EntryKind.CORRECTION, ("available", "fees", "3"))

    name = contract.client.name
    assert client_lines(contract)[-2:] == [
        ("Credit used", "", "+$20.00", "$320.00"),
        (f"Corrections against {name}", "", "-$20.00", "$300.00"),
    ]
    assert talent_lines(contract)[-2:] == [
        ("Correction by Closeout", "", ["$20.00", "$0.00", "$20.00"], "$24.50"),
        ("Correction by Closeout", "", ["−$3.00", "$0.00", "−$3.00"], "$21.50"),
    ]
    assert read(contract, Side.TALENT).talent_money.equation == (
        "$5.00 gross − $0.50 fees + $17.00 corrections"
        " = $21.50 received = $0.00 pending + $21.50 available"
    )


def test_hours_that_the_operator_paid_are_no_charge():
    with clock.at(NOON):
        week = in_review(method=sandbox.DECLINES)
    with clock.at(NOON + 2 * DAY):
        one, two = (Actor.support(StaffFactory()) for _ in range(2))
        correction = owed.propose_settlement(week, because="Bankrupt.", by=one)
        owed.settle(correction.pk, two)

        name = week.contract.client.name
        assert sums(week.contract) == {
            f"Corrections in favor of {name}": "$120.00",
            f"Paid to {week.contract.talent.name}": "$120.00",
            "in escrow": "$0.00",
        }
        assert_audit_clean()


def test_plain_member_of_the_client_does_not_read_what_was_charged():
    contract = leftover(usd(300))

    statement = read(contract, Side.CLIENT, by=member_of(contract.client, Role.MEMBER))

    assert statement.client_money.lines[0].what == "Charged to a payment method"


# The talent's side ------------------------------------------------------------------------------


def test_talent_reads_gross_fee_and_net_with_what_it_received_so_far():
    contract = refunded(usd(100))
    name = contract.client.name

    assert talent_lines(contract) == [
        (
            f"Milestone paid by {name}",
            "Milestone 1, Draft",
            ["$500.00", "−$50.00", "$450.00"],
            "$450.00",
        ),
        (
            f"Refunded to {name}",
            "Milestone 1, Draft",
            ["−$100.00", "$10.00", "−$90.00"],
            "$360.00",
        ),
    ]
    money = read(contract, Side.TALENT).talent_money
    assert money.equation == (
        "$500.00 gross − $50.00 fees − $100.00 given back + $10.00 fees returned"
        " = $360.00 received = $360.00 pending + $0.00 available"
    )


def test_money_that_is_due_is_available_whether_or_not_a_sweep_came_by():
    contract = refunded(usd(100))

    with clock.at(NOON + 5 * DAY):
        money = read(contract, Side.TALENT).talent_money

    assert (money.pending, money.available) == (usd(0), usd(360))
    assert money.adds_up


def test_talent_reads_nothing_of_charges_and_credit():
    contract = funded(usd(500)).contract

    statement = read(contract, Side.TALENT)

    assert statement.client_money is None
    assert statement.talent_money.lines == []
    assert statement.talent_money.equation == ""
    assert statement.talent_money.adds_up


# What it is about -------------------------------------------------------------------------------


def test_milestones_stand_with_what_was_paid_of_them():
    contract = leftover(usd(300))
    add_milestone(contract, usd(120), "Second")

    first, second = read(contract, Side.CLIENT).milestones

    assert (first.number, first.title, first.amount, first.paid) == (1, "Draft", usd(305), usd(5))
    assert (second.title, second.paid, second.state) == ("Second", None, "In escrow")
    assert read(contract, Side.CLIENT).milestones_paid == usd(5)


def test_milestones_that_came_to_nothing_are_left_out():
    contract = active(usd(500))
    ended(contract)

    assert read(contract, Side.CLIENT).milestones == []


def test_weeks_stand_with_hours_rate_and_what_was_reversed():
    week = in_review(130)
    give_hours_back(week, 3)

    statement = read(week.contract, Side.TALENT)

    (line,) = statement.weeks
    assert line.title == "9 – 15 November 2026"
    assert (line.minutes, line.rate, line.amount) == (130, usd(60), usd(130))
    assert (line.reversed, line.state) == (usd(30), "")
    assert line.paid_at == datetime(2026, 11, 16, 12, tzinfo=UTC)
    assert (statement.minutes, statement.hours_amount) == (130, usd(130))
    assert statement.hours_reversed == usd(30)


@pytest.mark.parametrize(("refunded", "reversed_"), [("50", "10"), ("60", "0")])
def test_week_that_was_refunded_before_is_reversed_by_what_was_left(refunded, reversed_):
    week = in_review(60)
    payment = Payment.objects.select_related("book__talent").get(book=week.contract.book_id)
    by = owner_of(payment.book.talent)
    refunds.give(payment, amount=usd(refunded), reason="", key="", by=by)
    give_hours_back(week, 6)

    (line,) = read(week.contract, Side.TALENT).weeks

    assert (line.amount, line.reversed) == (usd(60), usd(reversed_))


def test_week_that_was_disputed_before_it_was_paid_is_reversed_off_its_invoice():
    week = in_review(60, method=sandbox.DECLINES)
    give_hours_back(week, 2)

    statement = read(week.contract, Side.CLIENT)

    assert statement.weeks[0].reversed == usd(20)
    assert statement.client_money.lines == []


def test_week_that_is_not_paid_says_so():
    week = in_review(method=sandbox.DECLINES)

    (line,) = read(week.contract, Side.TALENT).weeks

    assert (line.paid_at, line.state) == (None, "Not paid")


# Final, or not ----------------------------------------------------------------------------------


def test_contract_that_goes_on_has_a_statement_so_far():
    statement = read(leftover(usd(300)), Side.CLIENT)

    assert (statement.title, statement.still_open) == ("Statement so far", [])
    assert not statement.is_final


def test_settled_contract_has_a_closing_statement():
    contract = ended(leftover(usd(300)), choice=Choice.all())

    for side in Side:
        statement = read(contract, side)
        assert statement.title == "Closing statement"
        assert statement.is_final
        assert statement.ended_by == contract.client.name


def request_waits() -> Contract:
    return ended(leftover(usd(300)))


def hours_wait() -> Contract:
    with clock.at(NOON - DAY):
        contract = hourly()
    recorded(contract, NOON - timedelta(hours=2), 60)
    return ended(contract)


def hours_are_reviewed() -> Contract:
    return ended(in_review().contract)


def hours_are_disputed() -> Contract:
    week = in_review()
    dispute(week, 1)
    return ended(week.contract)


def hours_are_owed() -> Contract:
    contract = in_review(method=sandbox.DECLINES).contract
    return ended(contract)


STILL_OPEN = {
    "request": (request_waits, ["$300.00 in escrow: it is not decided yet to whom it goes."]),
    "unbilled": (hours_wait, ["The hours of the week of 16 November 2026 are not billed yet."]),
    "review": (
        hours_are_reviewed,
        ["The hours of the week of 9 November 2026 can still be disputed."],
    ),
    "dispute": (hours_are_disputed, ["Hours of the week of 9 November 2026 are disputed."]),
    "owed": (
        hours_are_owed,
        [
            "The hours of the week of 9 November 2026 are not paid yet.",
            "The hours of the week of 9 November 2026 can still be disputed.",
        ],
    ),
}


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("name", STILL_OPEN)
def test_ended_contract_says_what_is_still_open(name, side):
    make, said = STILL_OPEN[name]
    statement = read(make(), side)

    assert statement.title == "Closing statement, not final"
    assert not statement.is_final
    assert statement.still_open == said


def test_end_by_support_names_support_and_for_whom():
    contract = ended(active(), by=Actor.support(StaffFactory()))

    assert read(contract, Side.TALENT).ended_by == f"support, for {contract.client.name}"


# For a spreadsheet ------------------------------------------------------------------------------


def test_csv_has_the_lines_in_figures_and_their_sums():
    contract = refunded(usd(100))
    ref, client, talent = contract.reference, contract.client.name, contract.talent.name
    memo = "Milestone 1, Draft"

    heading, _charged, *rows = csv_rows(read(contract, Side.CLIENT))
    assert heading == ["date", "contract", "what", "for", "in", "out", "balance", "currency"]
    assert rows == [
        ["2026-11-19", ref, f"Milestone paid to {talent}", memo, "", "500.00", "0.00", "USD"],
        ["2026-11-19", ref, f"Refunded by {talent}", memo, "100.00", "", "100.00", "USD"],
        ["2026-11-19", ref, "Added to credit", memo, "", "100.00", "0.00", "USD"],
        ["", ref, "total", "", "600.00", "600.00", "0.00", "USD"],
    ]
    heading, paid, back, added_up = csv_rows(read(contract, Side.TALENT))
    assert heading[4:] == ["gross", "fee", "net", "balance", "currency"]
    assert paid[2:] == [
        *(f"Milestone paid by {client}", memo),
        *("500.00", "-50.00", "450.00", "450.00", "USD"),
    ]
    assert back[2:] == [
        *(f"Refunded to {client}", memo),
        *("-100.00", "10.00", "-90.00", "360.00", "USD"),
    ]
    assert added_up == ["", ref, "total", "", "400.00", "-40.00", "360.00", "360.00", "USD"]


def test_csv_leaves_no_formula_in_what_people_typed():
    contract = leftover(usd(300))
    post(contract.book, EntryKind.RETURN, ("escrow", "credit", "5"), memo="=HYPERLINK(1)")

    rows = list(csv_rows(read(contract, Side.CLIENT)))

    assert rows[-2][3] == "'=HYPERLINK(1)"


# Random histories -------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_statements_of_random_histories_agree_with_every_other_reading_of_the_ledger(seed):
    history = History(random.Random(seed))
    with clock.at(NOON + DAY):
        history.play(14)

        history.check()
        assert_audit_clean()


class History:
    """A fixed-price and an hourly contract between the same two, and what they do by chance."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.client, self.talent = PartyFactory(), FreelancerFactory()
        sides = {"client": self.client, "talent": self.talent}
        self.week = in_review(10 * chance.randint(1, 40), **sides)
        self.fixed = active(self.amount(), **sides)
        self.contracts = [self.fixed, self.week.contract]

    def play(self, steps: int) -> None:
        """What is refused does not happen, and is no part of the history."""
        does = (
            *(self.fund, self.fund, self.pay, self.pay, self.add, self.give_bonus),
            *(self.refund, self.refund, self.reverse, self.end, self.answer, self.wait),
        )
        for _ in range(steps):
            with suppress(Refused):
                self.chance.choice(does)()

    def check(self) -> None:
        """Both sides of every contract, against every other reading of the same money."""
        read_by = {side: [read(one, side) for one in self.contracts] for side in Side}
        for statement in read_by[Side.CLIENT]:
            self.check_client(statement)
        for statement in read_by[Side.TALENT]:
            self.check_talent(statement)
        self.check_balances(read_by)

    def check_client(self, statement: Statement) -> None:
        book, money = reread(statement.contract.book), statement.client_money
        assert money is not None
        assert money.adds_up
        assert money.in_escrow == book.escrow
        bar, flows = money_bar(book), _flows(money.lines)
        assert money.kept_by_talent == bar.paid
        assert flows[Flow.RETURNED] == bar.returned
        assert flows[Flow.REFUNDED] == bar.refunded
        assert flows[Flow.REVERSED] == bar.reversed == statement.hours_reversed

    def check_talent(self, statement: Statement) -> None:
        book, money = reread(statement.contract.book), statement.talent_money
        assert money is not None
        assert money.adds_up
        assert money.received == kept_of(book, movements(book))
        payments = list(Payment.objects.filter(book=book))
        assert money.gross == total([one.gross for one in payments], "USD")
        assert money.fees == total([one.fee for one in payments], "USD")
        assert money.given_back == total([one.refunded for one in payments], "USD")
        assert money.fees_back == total([one.fee_returned for one in payments], "USD")

    def check_balances(self, read_by: dict[Side, list[Statement]]) -> None:
        """What the contracts of a party come to together is what it has."""
        moneys = [one.talent_money for one in read_by[Side.TALENT] if one.talent_money]
        has = {one.label: one.amount for one in balances_of(self.talent, clock.now())}
        assert total([one.pending for one in moneys], "USD") == has["Pending"]
        assert total([one.available for one in moneys], "USD") == has["Available"]
        credit = usd(0)
        for one in read_by[Side.CLIENT]:
            assert one.client_money is not None
            flows = _flows(one.client_money.lines)
            credit += flows[Flow.RETURNED] + flows[Flow.CREDITED] - flows[Flow.CREDIT_USED]
        assert credit == reread(self.fixed.book).credit

    def amount(self) -> Money:
        return Money(self.chance.randint(500, 60_000), "USD")

    def now(self) -> Contract:
        self.fixed = Contract.objects.select_related("book", "client", "talent").get(
            pk=self.fixed.pk
        )
        return self.fixed

    def milestone(self, *states: str) -> Milestone:
        found = self.now().milestones.filter(state__in=states).first()
        if found is None:
            raise Refused("There is none.")
        return milestone_of(self.fixed, found.number)

    def payment(self) -> Payment:
        books = [one.book_id for one in self.contracts]
        found = list(Payment.objects.filter(book__in=books).select_related("book__talent"))
        return self.chance.choice(found)

    def fund(self) -> None:
        fund(self.milestone("planned"), self.chance.choice([sandbox.ACCEPTS, sandbox.DECLINES]))

    def pay(self) -> None:
        milestone = self.milestone("funded", "submitted")
        approve(milestone, Money(self.chance.randint(500, milestone.amount_minor), "USD"))

    def add(self) -> None:
        add_milestone(self.now(), self.amount())

    def give_bonus(self) -> None:
        bonus(self.now(), self.amount())

    def refund(self) -> None:
        payment = self.payment()
        amount = Money(self.chance.randint(1, payment.gross_minor), "USD")
        refunds.give(payment, amount=amount, reason="", key="", by=owner_of(self.talent))

    def reverse(self) -> None:
        give_hours_back(week_of(self.week.contract), self.chance.randint(1, 3))

    def end(self) -> None:
        if self.chance.random() < 0.6:
            raise Refused("Not yet.")
        side = self.chance.choice(list(Side))
        held = reread(self.now().book).escrow
        choice = self.chance.choice([Choice.all(), Choice.nothing()]) if held else None
        ended(self.fixed, side, choice if side is Side.CLIENT else None)

    def answer(self) -> None:
        request = EscrowRefundRequest.objects.filter(book=self.now().book).first()
        if request is None:
            raise Refused("There is none.")
        escrow_answers.let_go(request, by=owner_of(self.talent))

    def wait(self) -> None:
        sweeping.run(as_of=clock.now())


def _flows(lines: list[ClientLine]) -> dict[Flow, Money]:
    return {flow: total([one.amount for one in lines if one.flow == flow], "USD") for flow in Flow}
