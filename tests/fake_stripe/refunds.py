"""Refunds, never more than the charge; and disputes."""

from __future__ import annotations

from tests.fake_stripe import balances, listing, shapes
from tests.fake_stripe.refusals import Json, Refusal, missing, wrong
from tests.fake_stripe.routing import Request, route
from tests.fake_stripe.state import State

DISPUTE_FEE = 1500


@route("POST", "/v1/refunds", "RefundCreateParams")
def create(request: Request) -> Json:
    state, params = request.state, request.params
    charge = _charge(request)
    left = charge["amount"] - charge["amount_refunded"]
    amount = params.number("amount") if "amount" in params else left
    if amount < 1 and left:
        raise wrong("Invalid positive integer", "amount", "parameter_invalid_integer")
    _check(charge, amount, left)
    made = shapes.refund(state.now(), charge, amount)
    made |= {"metadata": params.metadata(), "reason": params.text("reason") or None}
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    if state.secret.pop("slow", False):
        made["status"] = "pending"
    made["balance_transaction"] = balances.post(state, "refund", -amount, made)["id"]
    state.put(made)
    state.tell("charge.refunded", charge, key=request.key)
    state.tell("refund.created", made, key=request.key)
    return made


@route("GET", "/v1/refunds/{}", "RefundRetrieveParams")
def retrieve(request: Request) -> Json:
    return request.state.find("refund", request.ids[0])


@route("GET", "/v1/refunds", "RefundListParams")
def list_refunds(request: Request) -> Json:
    params = request.params
    rows = [
        one
        for one in request.state.all("refund")
        if all(params.text(name, one[name]) == one[name] for name in ("charge", "payment_intent"))
    ]
    return listing.page(rows, params, "/v1/refunds")


@route("POST", "/v1/refunds/{}/cancel", "RefundCancelParams")
def cancel(request: Request) -> Json:
    """Only one that waits for its customer can be called off; a card's never does."""
    found = request.state.find("refund", request.ids[0])
    raise Refusal(f"A refund with status {found['status']} cannot be canceled.")


def fail(state: State, identifier: str, reason: str = "lost_or_stolen_card") -> Json:
    """The card's bank did not take it: the money is here again."""
    found = state.find("refund", identifier)
    assert found["status"] in ("pending", "succeeded"), found["status"]
    line = balances.post(state, "refund_failure", found["amount"], found)
    found |= {"status": "failed", "failure_reason": reason}
    found["failure_balance_transaction"] = line["id"]
    charge = state.find("charge", found["charge"])
    charge["amount_refunded"] -= found["amount"]
    charge["refunded"] = False
    state.tell("refund.failed", found)
    state.tell("charge.refund.updated", found)
    return found


def arrive(state: State, identifier: str) -> Json:
    """One that was pending arrives."""
    found = state.find("refund", identifier)
    assert found["status"] == "pending", found["status"]
    found["status"] = "succeeded"
    state.tell("refund.updated", found)
    return found


@route("GET", "/v1/disputes/{}", "DisputeRetrieveParams")
def retrieve_dispute(request: Request) -> Json:
    return request.state.find("dispute", request.ids[0])


@route("GET", "/v1/disputes", "DisputeListParams")
def list_disputes(request: Request) -> Json:
    params = request.params
    rows = [
        one
        for one in request.state.all("dispute")
        if all(params.text(name, one[name]) == one[name] for name in ("charge", "payment_intent"))
    ]
    return listing.page(rows, params, "/v1/disputes")


def open_dispute(state: State, charge: Json, reason: str = "fraudulent") -> Json:
    """The card's bank takes the money back until it has decided."""
    assert charge["paid"], "only what was paid can be disputed"
    assert not charge["disputed"], "it is disputed already"
    made = shapes.dispute(state.now(), charge)
    made |= {"reason": reason, "amount": charge["amount"] - charge["amount_refunded"]}
    line = balances.post(
        state, "adjustment", -made["amount"], made, fee=DISPUTE_FEE, category="dispute"
    )
    made["balance_transactions"].append(line)
    charge["disputed"] = True
    state.put(made)
    state.tell("charge.dispute.created", made)
    state.tell("charge.dispute.funds_withdrawn", made)
    return made


def decide(state: State, identifier: str, *, won: bool) -> Json:
    """The bank decides: for us, and the money comes back, or for its customer."""
    found = state.find("dispute", identifier)
    assert found["status"] not in ("won", "lost"), found["status"]
    found["status"] = "won" if won else "lost"
    if won:
        line = balances.post(
            state, "adjustment", found["amount"], found, category="dispute_reversal"
        )
        found["balance_transactions"].append(line)
        state.tell("charge.dispute.funds_reinstated", found)
    state.tell("charge.dispute.closed", found)
    return found


def _charge(request: Request) -> Json:
    state, params = request.state, request.params
    if "charge" in params:
        return state.find("charge", params.text("charge"), param="charge")
    intent = state.find("payment_intent", params.needed("payment_intent"), param="payment_intent")
    if intent["status"] != "succeeded":
        raise Refusal(
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund."
        )
    charge = state.by_id(intent["latest_charge"])
    if charge is None:
        raise missing("charge", intent["latest_charge"], "charge", in_address=False)
    return charge


def _check(charge: Json, amount: int, left: int) -> None:
    name = charge["id"]
    if charge["disputed"]:
        raise Refusal(f"Charge {name} has been charged back.", code="charge_disputed")
    if left == 0:
        raise Refusal(f"Charge {name} has already been refunded.", code="charge_already_refunded")
    if amount > left:
        raise Refusal(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})",
            param="amount",
        )
