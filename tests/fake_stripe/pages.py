"""The pages of Stripe and of a bank that a person is sent to, and a desk to make things happen."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from tests.fake_stripe.cards import BANKS, CARDS
from tests.fake_stripe.refusals import Json
from tests.fake_stripe.state import State

_FRAME = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>body{{font:1rem/1.5 sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}}
button{{font:inherit;padding:.5rem 1rem;margin:.25rem .25rem .25rem 0}}
label{{display:block;padding:.25rem 0}}td,th{{text-align:left;padding:.25rem 1rem .25rem 0}}</style>
</head>
<body><main><p><small>Fake Stripe: no card and no bank is real.</small></p>
<h1>{title}</h1>
{body}</main></body>
</html>
"""


def page(title: str, body: str) -> str:
    return _FRAME.format(title=escape(title), body=body)


def pay(session: Json, error: str = "") -> str:
    """Hosted Checkout: which card to save."""
    if session["status"] != "open":
        return page("This page cannot be used any more", "<p>Go back to where you came from.</p>")
    said = f"<p role=alert><strong>{escape(error)}</strong></p>" if error else ""
    cards = _choices("card", [(one.token, f"{one.label} (…{one.last4})") for one in CARDS])
    back = session["cancel_url"]
    leave = f'<p><a href="{escape(back)}">Back without saving</a></p>' if back else ""
    return page("Save a card", f"{said}{_form(cards, [('save', 'Save card')])}{leave}")


def bank(intent: Json) -> str:
    """The bank asks the owner of a card."""
    if intent["status"] != "requires_action":
        return page("There is nothing to confirm", "<p>Go back to where you came from.</p>")
    asked = f"<p>A charge of {_amount(intent)} from CLOSEOUT. Is it yours?</p>"
    return page("Your bank asks", asked + _form("", [("yes", "Yes"), ("no", "No")]))


def connect() -> str:
    """Onboarding: where to be paid."""
    banks = _choices("bank", [(one.name, f"{one.label} (…{one.last4})") for one in BANKS])
    return page("Where should you be paid?", _form(banks, [("save", "Use this account")]))


def saved() -> str:
    return page("Saved", "<p>Go back to where you came from.</p>")


def desk(state: State, waiting: int) -> str:
    """What a test does by a call, to be done by hand."""
    parts = [
        _table("Charges", _charges(state)),
        _table("Refunds", _refunds(state)),
        _table("Payouts", _payouts(state)),
        _table("Disputes", _disputes(state)),
        f"<h2>Webhooks</h2><p>{waiting} wait.</p>",
        _form("", [("again:last", "Send the last one again")]),
    ]
    return page("Behind the scenes", "".join(parts))


Row = tuple[str, Json, Sequence[tuple[str, str]]]


def _charges(state: State) -> list[Row]:
    return [
        (
            "disputed" if one["disputed"] else one["status"],
            one,
            [("dispute", "Its owner disputes it")] if one["paid"] and not one["disputed"] else [],
        )
        for one in state.all("charge")
    ]


def _refunds(state: State) -> list[Row]:
    return [
        (one["status"], one, [("fail", "It does not arrive")] if one["status"] != "failed" else [])
        for one in state.all("refund")
    ]


def _payouts(state: State) -> list[Row]:
    found = state.objects.get("payout", {}).values()
    return [
        (
            one["status"],
            one,
            [("paid", "It arrives"), ("failed", "It comes back")]
            if one["status"] not in ("failed", "canceled")
            else [],
        )
        for one in reversed(found)
    ]


def _disputes(state: State) -> list[Row]:
    return [
        (
            one["status"],
            one,
            [("won", "Decided for the platform"), ("lost", "Decided for the client")]
            if one["status"] not in ("won", "lost")
            else [],
        )
        for one in state.all("dispute")
    ]


def _table(title: str, rows: list[Row]) -> str:
    lines = "".join(
        f"<tr><td><code>{one['id']}</code><td>{_amount(one)}<td>{escape(status)}"
        f"<td>{_form('', [(f'{deed}:' + one['id'], label) for deed, label in deeds])}"
        for status, one, deeds in rows
    )
    return f"<h2>{title}</h2><table>{lines}</table>"


def _form(inner: str, buttons: Sequence[tuple[str, str]]) -> str:
    made = "".join(
        f'<button name="do" value="{escape(value)}">{escape(label)}</button>'
        for value, label in buttons
    )
    return f'<form method="post">{inner}{made}</form>' if buttons else ""


def _choices(name: str, choices: Sequence[tuple[str, str]]) -> str:
    return "".join(
        f'<label><input type="radio" name="{name}" value="{escape(value)}"'
        f"{' checked' if place == 0 else ''}> {escape(label)}</label>"
        for place, (value, label) in enumerate(choices)
    )


def _amount(one: Json) -> str:
    if one["currency"] == "jpy":
        return f"{one['amount']} JPY"
    return f"{one['amount'] / 100:.2f} {one['currency'].upper()}"
