"""Payouts from a connected account to its bank account."""

from __future__ import annotations

from tests.fake_stripe import balances, listing, shapes
from tests.fake_stripe.cards import Bank
from tests.fake_stripe.refusals import Json, Refusal, wrong
from tests.fake_stripe.routing import Request, route
from tests.fake_stripe.state import State


@route("POST", "/v1/payouts", "PayoutCreateParams")
def create(request: Request) -> Json:
    state, params, owner = request.state, request.params, request.account
    amount, currency = params.number("amount"), params.needed("currency")
    if amount < 1:
        raise wrong("Invalid positive integer", "amount", "parameter_invalid_integer")
    bank = _bank(state, owner, currency)
    balances.need(state, amount, currency, owner=owner)
    made = shapes.payout(state.now(), amount, currency, bank["id"])
    made["metadata"] = params.metadata()
    made["description"] = params.text("description") or None
    made["balance_transaction"] = balances.post(state, "payout", -amount, made, owner=owner)["id"]
    state.put(made, owner=owner, secret=list(state.secret[bank["id"]].steps))
    state.tell("payout.created", made, account=owner, key=request.key)
    return made


@route("GET", "/v1/payouts/{}", "PayoutRetrieveParams")
def retrieve(request: Request) -> Json:
    return request.state.find("payout", request.ids[0], owner=request.account)


@route("GET", "/v1/payouts", "PayoutListParams")
def list_payouts(request: Request) -> Json:
    params = request.params
    rows = [
        one
        for one in request.state.all("payout", owner=request.account)
        if all(params.text(name, one[name]) == one[name] for name in ("status", "destination"))
    ]
    return listing.page(rows, params, "/v1/payouts")


@route("POST", "/v1/payouts/{}/cancel", "PayoutCancelParams")
def cancel(request: Request) -> Json:
    found = request.state.find("payout", request.ids[0], owner=request.account)
    if found["status"] != "pending":
        raise Refusal("Only pending payouts can be canceled.", code="payout_not_allowed")
    found["status"] = "canceled"
    balances.post(request.state, "payout_cancel", found["amount"], found, owner=request.account)
    request.state.tell("payout.canceled", found, account=request.account, key=request.key)
    return found


def advance(state: State, payout: Json) -> None:
    """A payout goes one step on its way."""
    steps = state.secret[payout["id"]]
    if payout["status"] in ("failed", "canceled") or not steps:
        return
    move(state, payout, steps.pop(0))


def move(state: State, payout: Json, status: str) -> None:
    """
    Args:
        status: ``in_transit``, ``paid`` or ``failed``; the last one also after it was paid.
    """
    owner = state.owner.get(payout["id"], "")
    payout["status"] = status
    if status == "failed":
        bank: Bank = state.secret[payout["destination"]]
        line = balances.post(state, "payout_failure", payout["amount"], payout, owner=owner)
        payout |= {
            "failure_code": bank.failure_code or "could_not_process",
            "failure_message": bank.failure_message or "The bank could not process this payout.",
            "failure_balance_transaction": line["id"],
        }
    kind = "payout.updated" if status == "in_transit" else f"payout.{status}"
    state.tell(kind, payout, account=owner)


def _bank(state: State, owner: str, currency: str) -> Json:
    account = state.find("account", owner)
    if not account["payouts_enabled"]:
        raise Refusal(
            "Cannot create payouts: this account has requirements that need to be collected.",
            code="payouts_not_allowed",
        )
    held = account["external_accounts"]["data"]
    for bank in held:
        if bank["currency"] == currency:
            found: Json = bank
            return found
    raise Refusal(
        f"Sorry, you don't have any external accounts in that currency ({currency}).",
        code="no_account",
        param="currency",
    )
