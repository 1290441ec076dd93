"""The money at Stripe: ours, and that of each connected account, as the sum of its lines."""

from __future__ import annotations

from tests.fake_stripe import listing, shapes
from tests.fake_stripe.refusals import Json, poor
from tests.fake_stripe.routing import Request, route
from tests.fake_stripe.state import State

CATEGORIES = {
    "payment": "charge",
    "payment_refund": "refund",
    "payout_failure": "payout_reversal",
    "payout_cancel": "payout_reversal",
    "transfer_refund": "transfer_reversal",
    "refund_failure": "refund_failure",
}


def post(
    state: State,
    kind: str,
    amount: int,
    of: Json,
    *,
    owner: str = "",
    fee: int = 0,
    category: str = "",
    available_on: int = 0,
) -> Json:
    """Write a line of a balance.

    Args:
        amount: above zero when money comes in; ``fee`` is taken from it.
        of: the object it is about, with its currency.
    """
    now = state.now()
    line = shapes.balance_transaction(now, kind, amount, of["currency"], of["id"])
    line["reporting_category"] = category or CATEGORIES.get(kind, kind)
    line["available_on"] = max(available_on, now)
    if fee:
        detail = {"amount": fee, "application": None, "currency": of["currency"]}
        line["fee_details"] = [detail | {"description": "Stripe fees", "type": "stripe_fee"}]
        line |= {"fee": fee, "net": amount - fee}
    return state.put(line, owner=owner)


def available(state: State, currency: str, *, owner: str = "") -> int:
    """What can be sent on now."""
    return sum(
        line["net"]
        for line in state.all("balance_transaction", owner=owner)
        if line["currency"] == currency and line["available_on"] <= state.now()
    )


def need(state: State, amount: int, currency: str, *, owner: str = "") -> None:
    """
    Raises:
        Refusal: less is available.
    """
    if available(state, currency, owner=owner) < amount:
        raise poor("You have insufficient available funds in your Stripe account.")


@route("GET", "/v1/balance", "BalanceRetrieveParams")
def retrieve_balance(request: Request) -> Json:
    state = request.state
    lines = [_as_now(state, one) for one in state.all("balance_transaction", owner=request.account)]
    currencies = sorted({line["currency"] for line in lines}) or ["usd"]
    sums = {
        status: [
            {
                "amount": sum(
                    line["net"]
                    for line in lines
                    if line["currency"] == currency and line["status"] == status
                ),
                "currency": currency,
                "source_types": {},
            }
            for currency in currencies
        ]
        for status in ("available", "pending")
    }
    return {"object": "balance", "livemode": False, **sums}


@route("GET", "/v1/balance_transactions", "BalanceTransactionListParams")
def list_balance_transactions(request: Request) -> Json:
    params = request.params
    rows = [
        _as_now(request.state, line)
        for line in request.state.all("balance_transaction", owner=request.account)
        if all(
            params.text(name, line[name]) == line[name] for name in ("type", "currency", "source")
        )
    ]
    return listing.page(rows, params, "/v1/balance_transactions")


@route("GET", "/v1/balance_transactions/{}", "BalanceTransactionRetrieveParams")
def retrieve_balance_transaction(request: Request) -> Json:
    (identifier,) = request.ids
    line = request.state.find("balance_transaction", identifier, owner=request.account)
    return _as_now(request.state, line)


def _as_now(state: State, line: Json) -> Json:
    status = "available" if line["available_on"] <= state.now() else "pending"
    return {**line, "status": status}
