"""Where the pages are, and what their buttons do."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from tests.fake_stripe import checkouts, connect, intents, pages
from tests.fake_stripe.cards import BY_NAME, BY_TOKEN
from tests.fake_stripe.refusals import Json, Refusal

if TYPE_CHECKING:
    from tests.fake_stripe.control import FakeStripe

Given = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Answer:
    status: int = 200
    body: str = ""
    headers: dict[str, str] = field(
        default_factory=lambda: {"Content-Type": "text/html; charset=utf-8"}
    )


def answer(fake: FakeStripe, method: str, path: str, query: str, body: str) -> Answer:
    """A page, or where to go on to."""
    asked = parse_qs(query)
    typed = parse_qs(body) if method == "POST" else {}
    found = re.fullmatch(r"/(pay|bank|connect)/(\w+)", path)
    try:
        with fake.state.lock:
            if path == "/":
                return _desk(fake, typed)
            if found is None:
                return Answer(404, pages.page("There is nothing here", ""))
            place, identifier = found.groups()
            return _PLACES[place](fake, identifier, asked, typed)
    except Refusal as refusal:
        return Answer(refusal.status, pages.page(str(refusal), ""))


def _pay(fake: FakeStripe, identifier: str, asked: Given, typed: Given) -> Answer:
    session = checkouts.as_now(fake.state, identifier)
    if not typed or session["status"] != "open":
        return Answer(body=pages.pay(session))
    try:
        return _go(checkouts.complete(fake.state, identifier, BY_TOKEN[typed["card"][0]]))
    except Refusal as refusal:
        return Answer(402, pages.pay(session, str(refusal)))


def _bank(fake: FakeStripe, identifier: str, asked: Given, typed: Given) -> Answer:
    intent = fake.state.find("payment_intent", identifier)
    if not typed or intent["status"] != "requires_action":
        return Answer(body=pages.bank(intent))
    return _go(intents.at_the_bank(fake.state, identifier, agreed=typed["do"] == ["yes"]))


def _connect(fake: FakeStripe, identifier: str, asked: Given, typed: Given) -> Answer:
    """A link can be opened once, within minutes; an old one leads back for a new one."""
    account = fake.state.find("account", identifier)
    link: Json = fake.state.secret.get(asked.get("link", [""])[0], {})
    if not link and "again" not in asked:
        return Answer(404, pages.page("This link is not one of ours", ""))
    if not typed:
        used = link and (link.get("used") or fake.state.now() >= link["expires_at"])
        link["used"] = True
        return _go(link["refresh_url"]) if used else Answer(body=pages.connect())
    connect.onboard(fake.state, account["id"], BY_NAME[typed["bank"][0]])
    return _go(link["return_url"]) if "return_url" in link else Answer(body=pages.saved())


_PLACES = {"pay": _pay, "bank": _bank, "connect": _connect}


def _desk(fake: FakeStripe, typed: Given) -> Answer:
    if typed:
        deed, _, identifier = typed["do"][0].partition(":")
        _deed(fake, deed, identifier)
        return _go("/")
    return Answer(body=pages.desk(fake.state, len(fake.held)))


def _deed(fake: FakeStripe, deed: str, identifier: str) -> None:
    match deed:
        case "dispute":
            fake.dispute(identifier)
        case "won" | "lost":
            fake.settle_dispute(identifier, won=deed == "won")
        case "fail":
            fake.fail_refund(identifier)
        case "paid" | "failed":
            fake.move_payout(identifier, deed)
        case "again":
            fake.tell_again()


def _go(address: str) -> Answer:
    return Answer(303, headers={"Location": address})
