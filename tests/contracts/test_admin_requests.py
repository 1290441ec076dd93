"""Support mediates escrow refund requests: opens, writes, proposes a split, decides."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry

from contracts import escrow_answers
from marketplace import clock
from marketplace.models import Notice
from payments.models import EscrowRefundRequest, RefundRequest, RequestStatement, SplitProposal
from payments.states import RequestState, SplitState, StatementKind
from tests import desk
from tests.factories import NOON, ended, funded, money_of, owner_of, usd
from tests.support.asserting import assert_audit_clean

pytestmark = pytest.mark.django_db

UNTOUCHED = ("$500.00", "$0.00", "$0.00", "$0.00")
ACTIONS = ("mediate", "write", "propose-split", "take-back-split", "decide")


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


@pytest.fixture
def browser():
    return desk.signed_in(desk.support(name="Sam Cole"))


def pending(amount=None) -> EscrowRefundRequest:
    return desk.request_of(ended(funded(amount or usd(500)).contract))


def split_of(request: EscrowRefundRequest) -> SplitProposal:
    return SplitProposal.objects.get(request=request)


def now(request: EscrowRefundRequest) -> EscrowRefundRequest:
    return EscrowRefundRequest.objects.get(pk=request.pk)


def terms(answer) -> list[tuple[str, str]]:
    return [(one.term, str(one.value)) for one in answer.context["effects"]]


def post(browser, request, name, **given):
    return browser.post(desk.action(request, name), {"reason": "x", "confirm": "1", **given})


def untouched(request: EscrowRefundRequest) -> bool:
    same = (now(request).state, money_of(request.book.contract)) == (request.state, UNTOUCHED)
    return same and not LogEntry.objects.exists()


# Who may, and when -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ACTIONS)
def test_action_without_its_permission_is_forbidden(name):
    request = desk.mediated(usd(500))
    mine = "decide" if name == "decide" else "mediate"
    others = {"decide", "mediate"} - {mine}
    staff = desk.staff_with(
        "payments.view_escrowrefundrequest",
        "contracts.end_contract",
        *(f"payments.{one}_escrowrefundrequest" for one in others),
    )

    answer = post(desk.signed_in(staff), request, name, to_talent="200")

    assert answer.status_code == 403
    assert untouched(request)


@pytest.mark.parametrize("name", ACTIONS)
def test_action_without_a_reason_changes_nothing(browser, name):
    request = desk.escalated(usd(500)) if name == "mediate" else desk.mediated(usd(500))
    if name == "take-back-split":
        desk.propose_split(request.book.contract)

    answer = post(browser, request, name, reason=" ", to_talent="200")

    assert "Give the reason." in answer.content.decode()
    assert untouched(request)


@pytest.mark.parametrize(
    ("make", "refused"),
    [
        (pending, ACTIONS),
        (lambda: desk.disputed(usd(500)), ACTIONS),
        (lambda: desk.escalated(usd(500)), ("propose-split", "take-back-split", "decide")),
        (lambda: desk.mediated(usd(500)), ("mediate", "take-back-split")),
    ],
)
def test_action_out_of_turn_changes_nothing_and_is_no_link(browser, make, refused):
    request = make()

    page = browser.get(desk.page(request)).content.decode()
    answers = [post(browser, request, name, to_talent="200") for name in refused]

    assert {one.status_code for one in answers} <= {403, 409}
    assert untouched(request)
    for name in ACTIONS:
        assert (f'href="{desk.action(request, name)}"' in page) is (name not in refused)


def test_settled_request_takes_no_action(browser):
    request = desk.mediated(usd(500))
    contract = request.book.contract
    escrow_answers.let_go(contract, by=owner_of(contract.talent))

    answers = [post(browser, request, name, to_talent="200") for name in ACTIONS]

    assert {one.status_code for one in answers} <= {403, 409}
    assert now(request).state == RequestState.ACCEPTED
    assert money_of(contract) == ("$0.00", "$500.00", "$0.00", "$0.00")
    assert not LogEntry.objects.exists()


# Mediation ---------------------------------------------------------------------------------------


def test_mediation_opens_with_a_note_to_both_sides(browser):
    request = desk.escalated(usd(500))
    url = desk.action(request, "mediate")

    shown = browser.post(url, {"reason": "Please send the drafts."})
    assert now(request).state == RequestState.ESCALATED
    answer = desk.confirm(browser, url, reason="Please send the drafts.")

    assert terms(shown) == [
        ("Support mediates", "and decides by Saturday 12 December 2026, 12:00 (UTC)"),
        ("Both sides read", "Please send the drafts."),
    ]
    assert answer.url == desk.page(request)
    assert now(request).state == RequestState.MEDIATING
    said = RequestStatement.objects.get(request=request)
    assert (said.kind, said.text) == (StatementKind.NOTE, "Please send the drafts.")
    told = Notice.objects.filter(kind="contracts.escrow_refund_mediation")
    assert {one.facts["side"] for one in told} == {"client", "talent"}
    assert desk.logged(request) == (
        "Open mediation. Reason: Please send the drafts. Before: with support. After: in mediation."
    )


@pytest.mark.parametrize("make", [desk.escalated, desk.mediated])
def test_note_is_read_by_both_sides_and_moves_nothing(browser, make):
    request = make(usd(500))

    desk.confirm(browser, desk.action(request, "write"), reason="Which drafts?")

    said = RequestStatement.objects.filter(request=request).latest("pk")
    assert (said.kind, said.text, said.actor_staff.name) == ("note", "Which drafts?", "Sam Cole")
    told = Notice.objects.filter(kind="contracts.escrow_refund_statement")
    assert {one.facts["side"] for one in told} == {"client", "talent"}
    assert now(request).state == request.state
    assert money_of(request.book.contract) == UNTOUCHED


# Splits ------------------------------------------------------------------------------------------


def test_split_shows_both_parts_after_the_fee_and_moves_nothing(browser):
    request = desk.mediated(usd(500))
    book, url = request.book, desk.action(request, "propose-split")

    shown = browser.post(url, {"to_talent": "200", "reason": "Half was done."})
    assert not SplitProposal.objects.exists()
    desk.confirm(browser, url, to_talent="200", reason="Half was done.")

    until = "Saturday 21 November 2026, 12:00 (UTC)"
    assert terms(shown) == [
        ("Nothing is moved yet", f"both sides can accept it until {until}"),
        (f"{book.talent.name} is paid", "$200.00"),
        (f"{book.client.name} gets back", "$300.00"),
        ("Together", "$500.00"),
        ("Both sides read", "Half was done."),
    ]
    assert "$180.00 after the fee" in shown.content.decode()
    split = split_of(request)
    assert (split.state, split.to_talent, split.message) == ("open", usd(200), "Half was done.")
    assert money_of(book.contract) == UNTOUCHED
    assert desk.logged(request).endswith(
        "Before: in mediation. After: in mediation, $200.00 of $500.00 to the talent proposed."
    )


def test_one_split_at_a_time_and_no_decision_meanwhile(browser):
    request = desk.mediated(usd(500))
    desk.propose_split(request.book.contract)

    second = post(browser, request, "propose-split", to_talent="50")
    decided = post(browser, request, "decide", to_talent="50")

    assert "A split is open already." in second.content.decode()
    assert "Both sides may accept your split until" in decided.content.decode()
    assert split_of(request).is_open
    assert untouched(request)


def test_split_is_taken_back_and_then_it_is_decided(browser):
    request = desk.mediated(usd(500))
    split = desk.propose_split(request.book.contract)

    desk.confirm(browser, desk.action(request, "take-back-split"))

    assert split_of(request).state == SplitState.TAKEN_BACK
    assert "After: in mediation." in desk.logged(request)
    told = Notice.objects.filter(kind="contracts.split_off")
    assert {one.facts["side"] for one in told} == {"client", "talent"}
    desk.confirm(browser, desk.action(request, "decide"), to_talent=split.to_talent.typed())
    assert now(request).state == RequestState.DECIDED


def test_split_that_was_answered_meanwhile_is_not_taken_back(browser):
    request = desk.mediated(usd(500))
    split = desk.propose_split(request.book.contract)
    escrow_answers.decline_split(split, by=owner_of(request.book.client))

    answer = post(browser, request, "take-back-split")

    assert answer.status_code == 409
    assert split_of(request).state == SplitState.DECLINED


# Deciding ----------------------------------------------------------------------------------------


def test_decision_shows_both_parts_and_moves_nothing_yet(browser):
    request = desk.mediated(usd(500))

    shown = browser.post(
        desk.action(request, "decide"), {"to_talent": "200", "reason": "Half was done."}
    )

    book = request.book
    assert terms(shown) == [
        (f"{book.talent.name} is paid", "$200.00"),
        (f"{book.client.name} gets back", "$300.00"),
        ("Together", "$500.00"),
        ("Both sides read", "Half was done."),
    ]
    assert "$180.00 after the fee" in shown.content.decode()
    assert money_of(book.contract) == UNTOUCHED


@pytest.mark.parametrize(
    ("typed", "credit", "pending_money"),
    [("200", "$300.00", "$180.00"), ("0", "$500.00", "$0.00"), ("500.00", "$0.00", "$450.00")],
)
def test_decision_posts_exactly_the_split(browser, typed, credit, pending_money):
    request = desk.mediated(usd(500))

    desk.confirm(browser, desk.action(request, "decide"), to_talent=typed)

    decided = now(request)
    assert decided.state == RequestState.DECIDED
    assert decided.decided_because == desk.REASON
    assert money_of(request.book.contract) == ("$0.00", credit, pending_money, "$0.00")
    before, after = desk.logged(request).split(" After: ")
    assert before.endswith("Before: in mediation.")
    assert after == f"decided by support, {decided.to_talent} to the talent."
    assert_audit_clean()


@pytest.mark.parametrize("name", ["decide", "propose-split"])
@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("500.01", "The talent gets from nothing to $500.00."),
        ("-1", "Type an amount above zero."),
        ("1.005", "Use at most 2 decimals."),
        ("half", "Type an amount in figures"),
        ("", "Type an amount."),
    ],
)
def test_parts_that_do_not_add_up_move_nothing(browser, name, typed, sentence):
    request = desk.mediated(usd(500))

    answer = post(browser, request, name, to_talent=typed)

    assert sentence in answer.content.decode()
    assert untouched(request)


# Pages and lists ---------------------------------------------------------------------------------


def test_page_shows_what_was_said_delivered_paid_split_and_done(browser):
    request = desk.mediated(usd(500))
    contract = request.book.contract
    desk.propose_split(contract)

    page = browser.get(desk.page(request)).content.decode()

    for words in (
        "I delivered it on Monday.",
        desk.LINK,
        "Half of it is missing.",
        "Half was done.",
        "1. Draft",
        "Here it is.",
        "$100.00",
        "$400.00",
        "reject",
        contract.client.name,
        contract.talent.name,
        desk.page(contract),
    ):
        assert words in page, words


def rows(browser, queue: str) -> list[EscrowRefundRequest]:
    answer = browser.get(desk.rows(EscrowRefundRequest), {"queue": queue})
    return list(answer.context["cl"].result_list)


def test_requests_wait_in_the_queue_of_who_must_act(browser):
    split = pending()
    talent = owner_of(split.book.talent)
    escrow_answers.propose_split(split.book.contract, to_talent=usd(200), message="", by=talent)
    with clock.at(NOON - timedelta(days=2)):
        older = desk.mediated()
    waiting, newer, disputed = pending(), desk.mediated(), desk.disputed()
    desk.propose_split(newer.book.contract)

    assert rows(browser, "held") == [older, newer]
    assert rows(browser, "pending") == [waiting]
    assert rows(browser, "client") == [split, disputed]
    assert rows(browser, "split") == [newer, split]
    assert len(rows(browser, "all")) == 5


def test_list_says_who_must_act_by_when_and_what_happens_otherwise(browser):
    held, waiting, disputed = desk.mediated(), pending(), desk.disputed()
    desk.propose_split(held.book.contract)
    support_must = desk.mediated()

    page = browser.get(desk.rows(EscrowRefundRequest), {"queue": "all"})

    shown = {
        one: page.context["cl"].model_admin.clock_of(one) for one in page.context["cl"].result_list
    }
    of = {one.pk: clock for one, clock in shown.items()}
    client, talent = disputed.book.client.name, waiting.book.talent.name
    both = f"{held.book.client.name} and {held.book.talent.name}"
    assert (of[waiting.pk].who, of[waiting.pk].silence) == (
        talent,
        "The money goes back to the client",
    )
    assert (of[disputed.pk].who, of[disputed.pk].silence) == (
        client,
        "The money goes to the talent",
    )
    assert (of[held.pk].who, of[held.pk].silence) == (both, "Support decides")
    assert (of[support_must.pk].who, of[support_must.pk].by) == (
        "Support",
        NOON + timedelta(days=30),
    )
    words = page.content.decode()
    assert "Thursday 26 November 2026, 12:00 (UTC)" in words
    assert '<span class="quiet">in 7 days</span>' in words


def test_decision_that_is_overdue_stands_out(browser):
    with clock.at(NOON - timedelta(days=33)):
        desk.mediated()

    page = browser.get(desk.rows(EscrowRefundRequest)).content.decode()

    assert '<span class="overdue">3 days late</span>' in page


def test_refund_requests_are_only_looked_at(browser):
    desk.busy_market()
    request = RefundRequest.objects.get()

    page = browser.get(desk.page(request)).content.decode()
    listed = browser.get(desk.rows(RefundRequest)).context["cl"].result_list

    assert list(listed) == [request]
    for words in ("$20.00", "Half of it.", request.book.reference):
        assert words in page, words


def test_request_is_found_by_the_reference(browser):
    request = desk.mediated()
    desk.mediated()

    found = browser.get(desk.rows(EscrowRefundRequest), {"q": request.book.reference.lower()})

    assert list(found.context["cl"].result_list) == [request]


def test_pages_take_as_many_queries_for_three_splits(browser, django_assert_num_queries):
    request = desk.mediated(usd(500))
    contract = request.book.contract
    page = desk.page(request)
    browser.get(page)
    for _ in range(2):
        split = desk.propose_split(contract)
        with django_assert_num_queries(PAGE_QUERIES):
            browser.get(page)
        escrow_answers.take_back_split(split, by=desk.staff())


PAGE_QUERIES = 15
