"""Every form of the site and every address with whatever people, and programs, can send.

Never an error page; what is not taken changes nothing; what is taken leaves the books in order. Few
fixed examples by default, many fresh ones with ``TEST_PROFILE=deep``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.models import Contract, HoursDispute, Week
from contracts.states import Side, WeekState
from marketplace import clock
from marketplace.actors import Actor
from payments.gateways import sandbox
from payments.models import Correction, GatewayOperation
from payments.states import ChargebackState, OperationState
from tests.desk import busy_market, escalated, mediated, support
from tests.factories import (
    NOON,
    ended,
    funded,
    hourly_offer,
    leftover,
    owner_of,
    planned,
    submitted,
    usd,
)
from tests.proof import leaving, scenes
from tests.proof.sites import everything
from tests.proof.test_access import ROWS, Row, browser_of, undone
from tests.support.asserting import assert_audit_clean, everything_of
from tests.support.profile import DEEP

pytestmark = pytest.mark.django_db

few = settings(max_examples=300 if DEEP else 10)

ODD = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "\x08\x1b[31m",
    "\r\n.\r\n",
    "💸" * 60,
    "\u202eevil",
    "e\u0301" * 130,
    "\ud7ff\ufffd\U0010ffff",
    "x" * 121,
    "x" * 30_000,
    "٣٤",
    "\uff11\uff12",
    "²",
    "0",
    "-1",
    "−1",
    "4.99",
    "0.001",
    "1e9",
    "NaN",
    "Infinity",
    "0x10",
    "1_000",
    "1,00,0",
    "9" * 15,
    "9" * 400,
    "9223372036854775808",
    "2026-02-30",
    "0001-01-01",
    "9999-12-31",
    "10000-01-01",
    "yesterday",
    "on",
    "true",
    "None",
    "all",
    "part",
    "whole",
    "now",
    "<script>alert(1)</script>",
    "{{ 7|add:7 }}{% now %}",
    "'; DROP TABLE payments_entry; --",
    "%s%d%n",
    "javascript:alert(1)",
    "http://[::1",
    "https://" + "a" * 300 + ".example",
    f"{'a' * 150}@example.com",
    f"a@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}.example",
    "../../etc/passwd",
)
BREAKS = ("\x00", "-1", "9223372036854775808", "9" * 400, "http://[::1", "%00", "x" * 30_000)
"""What has broken pages of this or other sites; sent each time."""

texts = st.one_of(
    st.sampled_from(ODD),
    st.text(st.characters(codec="utf-8"), max_size=300),
    st.integers(-(10**20), 10**20).map(str),
    st.decimals(allow_nan=True, allow_infinity=True).map(str),
)


def sent(valid: Any) -> st.SearchStrategy[Any]:
    """What may stand in a field: mostly something odd, or what is valid; None leaves it out."""
    return st.one_of(
        st.just(valid),
        texts,
        texts,
        st.lists(texts, min_size=2, max_size=3),
        st.none(),
        st.just(b"a file"),
    )


def forms(fields: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({name: sent(valid) for name, valid in fields.items()})


def posted(form: dict[str, Any]) -> dict[str, Any]:
    return {
        name: SimpleUploadedFile("a.txt", value) if isinstance(value, bytes) else value
        for name, value in form.items()
        if value is not None
    }


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with clock.at(NOON):
        yield


@contextmanager
def example() -> Iterator[None]:
    """One example: nothing of it stays, and nobody has sent too much yet."""
    cache.clear()
    with undone():
        yield


def check(
    browser: Client, url: str, form: dict[str, Any], before: Any, *, script: bool = False
) -> None:
    """What is sent is answered, and what is not taken changes nothing."""
    with example():
        headers = {"HX-Request": "true"} if script else {}
        answer = browser.post(url, posted(form), headers=headers)
        assert answer.status_code < 500
        if answer.status_code == 302:
            assert_audit_clean()
        else:
            assert everything() == before


# The forms of the site --------------------------------------------------------------------------

OFFER = {
    "talent": "1",
    "email": "new@example.com",
    "title": "Poster",
    "description": "",
    "currency": "USD",
    "milestone": "Draft",
    "amount": "50",
    "due_on": "2026-12-24",
    "fund": "now",
    "method": sandbox.ACCEPTS,
}
END = {"choice": "part", "amount": "100", "reason": "", "note": "", "seen": "", "shown": ""}
FIELDS: dict[str, dict[str, Any]] = {
    "jobs/new/": OFFER,
    "contracts/<slug:reference>/end/": {**END, "gives_up": "on", "confirm": "1"},
    "contracts/<slug:reference>/end/figures/": END,
    "contracts/<slug:reference>/milestones/new/": {"title": "A", "amount": "25", "due_on": ""},
    "contracts/<slug:reference>/milestones/propose/": {"title": "A", "amount": "9", "due_on": ""},
    "contracts/<slug:reference>/milestones/<int:number>/edit/": {
        "title": "A",
        "amount": "25",
        "due_on": "",
    },
    "contracts/<slug:reference>/milestones/<int:number>/submit/": {
        "message": "Done.",
        "links": "https://example.com",
    },
    "contracts/<slug:reference>/milestones/<int:number>/approve/": {
        "choice": "part",
        "amount": "100",
        "shown": "100.00",
    },
    "contracts/<slug:reference>/people/assign/": {"membership": "1"},
    "contracts/<slug:reference>/people/release/": {"membership": "1"},
    "contracts/<slug:reference>/weeks/<isodate:week>/dispute/": {
        "e": "1",
        "s": "0",
        "reason": "We had no call.",
        "confirm": "1",
    },
    "contracts/<slug:reference>/weeks/<isodate:week>/dispute/figures/": {"e": "1", "s": "0"},
    "contracts/<slug:reference>/feedback/": {
        "stars": "5",
        "text": "Good.",
        "would_work_again": "yes",
        "private_note": "",
    },
    "contracts/<slug:reference>/feedback/edit/": {
        "stars": "5",
        "text": "Good.",
        "would_work_again": "yes",
        "private_note": "",
    },
    "payments/<int:pk>/refund/": {
        "choice": "part",
        "amount": "20",
        "reason": "",
        "shown": "2000:200:1800:0",
        "confirm": "1",
    },
    "payments/<int:pk>/refund/ask/": {
        "choice": "part",
        "amount": "80",
        "reason": "Late.",
    },
    "contracts/<slug:reference>/bonus/": {
        "amount": "20",
        "note": "",
        "method": sandbox.ACCEPTS,
        "request": "",
        "shown": "0:0:2000:0",
    },
    "contracts/<slug:reference>/bonus/ask/": {
        "hours": "1",
        "minutes": "0",
        "amount": "",
        "reason": "A call.",
        "shown": "60.00",
    },
    "payments/withdraw/": {
        "choice": "part",
        "amount": "20",
        "destination": sandbox.RECEIVES,
        "shown": f"2000:{sandbox.RECEIVES}:43000",
    },
    "payments/credit/back/": {"choice": "part", "amount": "20", "shown": "", "confirm": "1"},
    "escrow-refunds/<int:pk>/dispute/": {"text": "I worked.", "links": "https://example.com"},
    "escrow-refunds/<int:pk>/reject/": {"text": "You did not.", "links": "https://example.com"},
    "account/": {"name": "Somebody", "time_zone": "Europe/Berlin"},
    "account/switch/": {"party": "1", "next": "/jobs/"},
    "help/contact/": {
        "email": "a@example.com",
        "subject": "Help",
        "text": "Where is it?",
        "contract": "",
    },
    "help/<slug:slug>/vote/": {"helpful": "yes"},
    "accounts/login/": {"login": "a@example.com", "password": "x", "remember": "on", "next": "/"},
    "accounts/signup/": {
        "kind": "client",
        "name": "Somebody",
        "email": "new@example.com",
        "password1": "correct horse battery",
        "next": "/",
    },
    "accounts/password/change/": {
        "oldpassword": "secret",
        "password1": "correct horse battery",
        "password2": "correct horse battery",
    },
    "accounts/password/reset/": {"email": "a@example.com"},
    "accounts/reauthenticate/": {"password": "secret", "next": "/"},
    "accounts/email/": {"email": "new@example.com", "action_add": "1", "action_remove": "1"},
    "accounts/login/code/confirm/": {"code": "123456"},
    "accounts/2fa/authenticate/": {"code": "123456"},
    "accounts/2fa/totp/activate/": {"code": "123456"},
}
FIELDS |= {
    route: dict(row.data)
    for route, row in ROWS.items()
    if not callable(row.data) and row.data and route not in FIELDS
}
SIGNED_OUT = ("accounts/login/", "accounts/signup/", "accounts/password/reset/")


@pytest.mark.parametrize("route", FIELDS)
def test_form_takes_whatever_is_sent(route):
    row = ROWS[route]
    contract = row.make()
    sender = None if route in SIGNED_OUT else owner_of(contract.party(row.side))
    browser, url = browser_of(sender, sure=row.sure), row.address(contract)
    before = everything()

    @few
    @given(forms({"key": "a-key", "next": "/", **FIELDS[route]}))
    def fuzz(form: dict[str, Any]) -> None:
        check(browser, url, form, before, script=row.script)

    for odd in BREAKS:
        fuzz.hypothesis.inner_test(dict.fromkeys(["key", "next", *FIELDS[route]], odd))
    fuzz()


def test_every_form_that_posts_fields_is_fuzzed():
    buttons = {route for route, row in ROWS.items() if not row.data}
    with_forms = {"jobs/new/", "account/", "help/contact/"}

    assert set(FIELDS) >= (set(ROWS) - buttons) | with_forms


HOURLY_OFFER = {
    "talent": "1",
    "email": "new@example.com",
    "title": "Poster",
    "description": "",
    "currency": "USD",
    "rate": "60",
    "hours": "20",
    "manual_time": "on",
    "method": sandbox.ACCEPTS,
}
HOURLY: dict[str, tuple[Callable[[], Any], Side, str, dict[str, Any]]] = {
    "offer": (scenes.working, Side.CLIENT, "/jobs/new/?kind=hourly", HOURLY_OFFER),
    "accept": (hourly_offer, Side.TALENT, "offer/accept/", {"works": "1"}),
    "end": (scenes.running, Side.TALENT, "end/", {**END, "confirm": "1"}),
    "memo": (scenes.timed_hour, Side.TALENT, "diary/{stretch}/", {"memo": "Drafts"}),
}
"""Forms that hourly contracts fill in otherwise."""


@pytest.mark.parametrize("name", HOURLY)
def test_form_of_hours_takes_whatever_is_sent(name):
    make, side, path, fields = HOURLY[name]
    contract = make()
    browser = browser_of(owner_of(contract.party(side)))
    stretch = contract.stretches.first()
    url = path.format(stretch=stretch and stretch.pk)
    url = url if url.startswith("/") else f"/contracts/{contract.reference}/{url}"
    before = everything()

    @few
    @given(forms({"key": "a-key", **fields}))
    def fuzz(form: dict[str, Any]) -> None:
        check(browser, url, form, before)

    for odd in BREAKS:
        fuzz.hypothesis.inner_test(dict.fromkeys(["key", *fields], odd))
    fuzz()


def of_client(make: Callable[[], Any], path: str) -> Row:
    """A page of a contract that the client fills in."""

    def made() -> Contract:
        found = make()
        contract: Contract = found if isinstance(found, Contract) else found.contract
        return contract

    return Row(lambda contract: f"/contracts/{contract.reference}/{path}", "", "", made)


TIMES = ("07:00", "09:05", "13:00", "24:00", "25:61", "10", "09:00:59.999999", "-1:00")


@pytest.mark.parametrize("day", ["2026-11-16", "2026-11-19", "2026-11-20", "2026-02-30", "today"])
def test_odd_times_are_never_recorded(day):
    """Before the contract, off the segments, in the future, backwards, or no time at all."""
    contract = scenes.working()
    browser = browser_of(owner_of(contract.talent))
    url = f"/contracts/{contract.reference}/diary/add/"

    for time in TIMES:
        for typed in ({"starts": time, "ends": "09:00"}, {"starts": "11:00", "ends": time}):
            with example():
                answer = browser.post(url, {"day": day, "key": "k", "memo": "", **typed})
                assert answer.status_code == 200, typed
                assert not contract.stretches.exists()


SPLIT, BONUS = ROWS["escrow-refunds/<int:pk>/split/"], ROWS["contracts/<slug:reference>/bonus/"]
WITHDRAW, CREDIT = ROWS["payments/withdraw/"], ROWS["payments/credit/back/"]
BACK, ASKED = (ROWS[f"payments/<int:pk>/refund/{verb}"] for verb in ("", "ask/"))
MONEY: dict[str, tuple[Row, str, dict[str, Any]]] = {
    "end": (of_client(leftover, "end/"), "amount", {"choice": "part", "confirm": "1"}),
    "milestone": (of_client(leftover, "milestones/new/"), "amount", {"title": "More"}),
    "edit": (of_client(planned, "milestones/1/edit/"), "amount", {"title": "More"}),
    "approve": (of_client(submitted, "milestones/1/approve/"), "amount", {"choice": "part"}),
    "bonus": (BONUS, "amount", {"method": sandbox.ACCEPTS}),
    "refund": (BACK, "amount", {"choice": "part", "confirm": "1"}),
    "ask for a refund": (ASKED, "amount", {"choice": "part", "reason": "Late."}),
    "split": (SPLIT, "to_talent", {}),
    "withdraw": (WITHDRAW, "amount", {"choice": "part", "destination": sandbox.RECEIVES}),
    "credit": (CREDIT, "amount", {"choice": "part", "confirm": "1"}),
}


A_LITTLE = "4.99"
ANY_AMOUNT = ("ask for a refund", "split")
"""Where a little is an amount like any other."""


@pytest.mark.parametrize("name", MONEY)
def test_odd_amounts_never_move_money(name):
    """Not even when they were shown as they are."""
    row, field, form = MONEY[name]
    contract = row.make()
    sender, url = owner_of(contract.party(row.side)), row.address(contract)
    browser = browser_of(sender, sure=row.sure)
    before = everything_of(contract)

    for amount in ODD:
        if amount == A_LITTLE and name in ANY_AMOUNT:
            continue
        with example():
            answer = browser.post(url, {"key": "k", **form, field: amount, "shown": amount})
            assert answer.status_code == 200, amount
            assert everything_of(contract) == before, amount


# Addresses --------------------------------------------------------------------------------------

QUERIES: dict[str, tuple[str, ...]] = {
    "/jobs/": ("tab", "q", "after"),
    "/jobs/new/": ("to", "again", "kind"),
    "/inbox/": ("before", "after"),
    "/payments/": ("before", "after", "contract", "kind", "since", "until"),
    "/payments/export.csv": ("contract", "kind", "since", "until"),
    "/payments/withdraw/": ("currency",),
    "/payments/credit/back/": ("currency",),
    "/payments/methods/added/": ("session",),
    "/help/contact/": ("contract",),
    "/people/{slug}/": ("before", "after"),
    "/contracts/{reference}/": ("end",),
    "/contracts/{reference}/milestones/new/": ("amount",),
    "/accounts/login/": ("next",),
    "/accounts/signup/": ("next",),
}


@pytest.mark.parametrize("pattern", QUERIES)
def test_address_takes_any_query(pattern):
    contract = leftover()
    reader = contract.talent if "withdraw" in pattern else contract.client
    browser = browser_of(owner_of(reader), sure=True)
    url = pattern.format(reference=contract.reference, slug=contract.talent.slug)

    @few
    @given(forms(dict.fromkeys(QUERIES[pattern], "1.1")))
    def fuzz(query: dict[str, Any]) -> None:
        asked = {name: value for name, value in query.items() if not isinstance(value, bytes)}
        with example():
            answer = browser.get(url, {k: v for k, v in asked.items() if v is not None})
            assert answer.status_code < 500

    for odd in BREAKS:
        fuzz.hypothesis.inner_test(dict.fromkeys(QUERIES[pattern], odd))
    fuzz()


@pytest.mark.parametrize("side", Side)
def test_diary_takes_any_week(side):
    contract = scenes.in_review()
    browser = browser_of(owner_of(contract.party(side)))

    @few
    @given(texts)
    def fuzz(week: str) -> None:
        with example():
            url = f"/contracts/{contract.reference}/diary/"
            assert browser.get(url, {"week": week}).status_code < 500

    for odd in (*ODD, "2026-11-16", "2026-W47", "20261116", "2026-11-18", "0001-01-01"):
        fuzz.hypothesis.inner_test(odd)
    fuzz()


PATHS = (
    "/contracts/{}/",
    "/contracts/{}/feedback/",
    "/contracts/{}/end/",
    "/contracts/{reference}/milestones/{}/edit/",
    "/contracts/{reference}/checklist/{}/{}/",
    "/contracts/{hourly}/diary/{}/",
    "/contracts/{hourly}/diary/{}/remove/",
    "/contracts/{hourly}/weeks/{}/pay/",
    "/contracts/{hourly}/weeks/{}/dispute/",
    "/hours-disputes/{}/",
    "/contracts/{hourly}/bonus/requests/{}/decline/",
    "/escrow-refunds/{}/",
    "/escrow-refunds/{request}/split/{}/agree/",
    "/payments/{}/refund/",
    "/payments/{}/refund/ask/",
    "/payments/methods/{}/remove/",
    "/payments/charges/{}/confirm/",
    "/contracts/{}/statement/",
    "/inbox/{}/",
    "/people/{}/",
    "/help/{}/",
    "/{}",
)


OF_CLIENT = ("/weeks/", "/ask/", "/bonus/", "/split/", "/methods/", "/charges/")


@pytest.mark.parametrize("pattern", PATHS)
def test_path_takes_anything_for_a_name_or_number(pattern):
    contract = ended(funded().contract)
    sides = {"client": contract.client, "talent": contract.talent}
    hourly = scenes.in_review(**sides)
    own = pattern.replace("{reference}", contract.reference).replace("{hourly}", hourly.reference)
    own = own.replace("{request}", str(contract.book.escrow_refund_request.pk))
    is_of_client = any(part in pattern for part in OF_CLIENT)
    reader = contract.client if is_of_client else contract.talent
    browser = browser_of(owner_of(reader), sure=True)

    @few
    @given(texts)
    def fuzz(text: str) -> None:
        url = own.replace("{}", quote(text[:2_000], safe=""))
        with example():
            for answer in (browser.get(url), browser.post(url)):
                assert answer.status_code < 500

    for odd in (*BREAKS, "2026-02-30", "0001-01-01", "9999-12-31"):
        fuzz.hypothesis.inner_test(odd)
    fuzz()


def test_webhook_takes_whatever_is_sent():
    """Unsigned, nothing of it is taken in."""
    browser, url = browser_of(None), "/payments/webhooks/stripe/"
    before = everything()

    @few
    @given(st.binary(max_size=300), st.text(st.characters(min_codepoint=32, max_codepoint=255)))
    def fuzz(body: bytes, signature: str) -> None:
        for kind in ("application/json", "text/plain", "multipart/form-data; boundary=x"):
            answer = browser.generic(
                "POST", url, body, kind, headers={"Stripe-Signature": signature}
            )
            assert answer.status_code == 400
        assert everything() == before

    for signature in ("t=1,v1=0", "t=,v1=", "t=9" * 40, "v1"):
        fuzz.hypothesis.inner_test(b'{"id": "evt_1"}', signature)
    fuzz()


@pytest.mark.parametrize("header", ["referer", "cookie", "user-agent", "accept-language"])
def test_headers_may_hold_anything(header):
    contract = leftover()
    browser = browser_of(owner_of(contract.client))

    @few
    @given(st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=100))
    def fuzz(text: str) -> None:
        headers = {header: f"zone={text}" if header == "cookie" else text}
        with example():
            assert browser.get("/jobs/", headers=headers).status_code < 500

    fuzz()


# The support desk -------------------------------------------------------------------------------


@dataclass(frozen=True)
class DeskForm:
    path: str
    fields: dict[str, Any]


DESK = {
    "decide": DeskForm(
        "payments/escrowrefundrequest/{mediated}/support/decide/", {"to_talent": "100"}
    ),
    "mediate": DeskForm("payments/escrowrefundrequest/{escalated}/support/mediate/", {}),
    "write": DeskForm("payments/escrowrefundrequest/{request}/support/write/", {}),
    "propose-split": DeskForm(
        "payments/escrowrefundrequest/{mediated}/support/propose-split/", {"to_talent": "100"}
    ),
    "take-back-split": DeskForm(
        "payments/escrowrefundrequest/{request}/support/take-back-split/", {}
    ),
    "write-off": DeskForm("contracts/week/{unpaid}/support/write-off/", {}),
    "settle": DeskForm("contracts/week/{unpaid}/support/settle/", {}),
    "propose-correction": DeskForm(
        "payments/book/{book}/support/propose-correction/",
        {"debit": "fees", "credit": "credit", "amount": "5"},
    ),
    "approve-correction": DeskForm("payments/correction/{correction}/support/approve/", {}),
    "reject-correction": DeskForm("payments/correction/{correction}/support/reject/", {}),
    "write-off-chargeback": DeskForm("payments/chargeback/{lost}/support/write-off/", {}),
    "settle-operation": DeskForm("payments/gatewayoperation/{open}/support/settle/", {}),
    "decide-hours": DeskForm(
        "contracts/hoursdispute/{dispute}/support/decide/", {"reversed_segments": "1"}
    ),
    "end-client": DeskForm("contracts/contract/{active}/support/end-client/", {}),
    "end-talent": DeskForm("contracts/contract/{active}/support/end-talent/", {}),
    "extend-feedback": DeskForm(
        "contracts/contract/{ended}/support/extend-feedback/", {"last_day": "2026-12-12"}
    ),
    "answer": DeskForm("marketplace/case/{case}/support/answer/", {"text": "Hello."}),
    "assign": DeskForm("marketplace/case/{case}/support/assign/", {}),
    "close": DeskForm("marketplace/case/{case}/support/close/", {}),
}


def held_open() -> GatewayOperation:
    """A charge that the gateway has not answered."""
    return GatewayOperation.objects.filter(state=OperationState.UNKNOWN).latest("pk")


@pytest.mark.parametrize("name", DESK)
def test_forms_of_the_desk_take_whatever_is_sent(name):
    held = busy_market()
    desk = browser_of(Actor.support(support()))
    form = DESK[name]
    rows = {
        "request": held.book.escrow_refund_request.pk,
        "dispute": HoursDispute.objects.get().pk,
        "mediated": mediated(usd(300)).pk,
        "escalated": escalated(usd(200)).pk,
        "unpaid": Week.objects.get(state=WeekState.UNPAID).pk,
        "book": held.book_id,
        "correction": Correction.objects.get().pk,
        "open": held_open().pk,
        "lost": leaving.chargeback_of(leaving.charged_back_and(ChargebackState.LOST)).pk,
        "ended": held.pk,
        "active": leftover().pk,
        "case": 1,
    }
    url = f"/admin/{form.path.format(**rows)}"
    before = everything()

    @few
    @given(forms({"reason": "Because.", "seen": "", "confirm": "1", **form.fields}))
    def fuzz(typed: dict[str, Any]) -> None:
        check(desk, url, typed, before)

    fuzz()
