"""Connected accounts, transfers to them, and payouts from them."""

from __future__ import annotations

from tests.fake_stripe import balances, listing, shapes
from tests.fake_stripe.cards import Bank
from tests.fake_stripe.refusals import Json, Refusal, wrong
from tests.fake_stripe.routing import Request, route
from tests.fake_stripe.state import State, new_id

LINK_LASTS = 300
CURRENCIES = ("usd", "eur", "gbp")
"""A bank account is named in each, so that whatever was earned can be paid out."""


@route("POST", "/v1/accounts", "AccountCreateParams")
def create_account(request: Request) -> Json:
    state, params = request.state, request.params
    if "type" in params and "controller" in params:
        raise wrong("You may not provide both `type` and `controller`.", "type")
    kind = "none" if "controller" in params else params.one_of("type", "express", "standard")
    made = shapes.account(state.now(), kind, params.text("country", "US"))
    for name in ("email", "business_type", "default_currency"):
        made[name] = params.text(name) or made[name]
    made["metadata"] = params.metadata()
    made["capabilities"] = dict.fromkeys(params.below("capabilities").values, "inactive")
    _schedule(made, request)
    state.put(made)
    return made


@route("GET", "/v1/accounts/{}", "AccountRetrieveParams")
def retrieve_account(request: Request) -> Json:
    return request.state.find("account", request.ids[0])


@route("POST", "/v1/accounts/{}", "AccountUpdateParams")
def update_account(request: Request) -> Json:
    found = request.state.find("account", request.ids[0])
    found["metadata"] |= request.params.metadata()
    _schedule(found, request)
    return found


@route("GET", "/v1/accounts/{}/external_accounts", "AccountExternalAccountListParams")
def list_external_accounts(request: Request) -> Json:
    found = request.state.find("account", request.ids[0])
    held: Json = found["external_accounts"]
    return listing.page(held["data"], request.params, held["url"])


@route("POST", "/v1/accounts/{}/login_links", "AccountLoginLinkCreateParams")
def create_login_link(request: Request) -> Json:
    (identifier,) = request.ids
    found = request.state.find("account", identifier)
    if not found["details_submitted"]:
        raise Refusal(
            "Cannot create a login link for an account that has not completed onboarding."
        )
    url = f"{request.base}/connect/{identifier}?again=1"
    return {"object": "login_link", "created": request.state.now(), "url": url}


@route("POST", "/v1/account_links", "AccountLinkCreateParams")
def create_account_link(request: Request) -> Json:
    state, params = request.state, request.params
    found = state.find("account", params.needed("account"), param="account")
    params.one_of("type", "account_onboarding", "account_update")
    link = {
        "return_url": params.needed("return_url"),
        "refresh_url": params.needed("refresh_url"),
        "expires_at": state.now() + LINK_LASTS,
    }
    token = new_id("link")
    state.secret[token] = link
    return {
        "object": "account_link",
        "created": state.now(),
        "expires_at": link["expires_at"],
        "url": f"{request.base}/connect/{found['id']}?link={token}",
    }


def onboard(state: State, identifier: str, bank: Bank) -> Json:
    """The person named where it is paid to."""
    found = state.find("account", identifier)
    made = [shapes.bank_account(bank, identifier, currency) for currency in CURRENCIES]
    for one in made:
        state.put(one, owner=identifier, secret=bank)
    for earlier in found["external_accounts"]["data"]:
        earlier["default_for_currency"] = False
    found["external_accounts"]["data"] = [*made, *found["external_accounts"]["data"]]
    found |= {"details_submitted": True, "payouts_enabled": True, "charges_enabled": False}
    found["requirements"] = shapes.requirements([])
    found["capabilities"] = dict.fromkeys(found["capabilities"], "active")
    state.tell("account.updated", found, account=identifier)
    return found


@route("POST", "/v1/transfers", "TransferCreateParams")
def create_transfer(request: Request) -> Json:
    state, params = request.state, request.params
    amount, currency = _money(request)
    to = state.find("account", params.needed("destination"), param="destination")
    if to["capabilities"].get("transfers") != "active":
        raise Refusal(
            "Your destination account needs to have at least one of the following capabilities "
            "enabled: transfers, crypto_transfers, legacy_payments",
            code="insufficient_capabilities_for_transfer",
        )
    if "source_transaction" not in params:
        balances.need(state, amount, currency)
    made = shapes.transfer(state.now(), amount, currency, to["id"])
    for name in ("description", "transfer_group", "source_transaction"):
        made[name] = params.text(name) or None
    made["metadata"] = params.metadata()
    made["balance_transaction"] = balances.post(state, "transfer", -amount, made)["id"]
    made["destination_payment"] = new_id("py")
    arrived = {"id": made["destination_payment"], "currency": currency}
    balances.post(state, "payment", amount, arrived, owner=to["id"])
    state.put(made)
    state.tell("transfer.created", made, key=request.key)
    return made


@route("GET", "/v1/transfers/{}", "TransferRetrieveParams")
def retrieve_transfer(request: Request) -> Json:
    return request.state.find("transfer", request.ids[0])


@route("GET", "/v1/transfers", "TransferListParams")
def list_transfers(request: Request) -> Json:
    params = request.params
    rows = [
        one
        for one in request.state.all("transfer")
        if all(
            params.text(name, one[name] or "") == (one[name] or "")
            for name in ("destination", "transfer_group")
        )
    ]
    return listing.page(rows, params, "/v1/transfers")


@route("POST", "/v1/transfers/{}/reversals", "TransferReversalCreateParams")
def create_reversal(request: Request) -> Json:
    state, params = request.state, request.params
    of = state.find("transfer", request.ids[0])
    left = of["amount"] - of["amount_reversed"]
    amount = params.number("amount") if "amount" in params else left
    if not 1 <= amount <= left:
        raise Refusal(
            f"Reversal amount ({amount}) is greater than unreversed amount on transfer ({left})",
            param="amount",
        )
    balances.need(state, amount, of["currency"], owner=of["destination"])
    made = shapes.reversal(state.now(), of, amount)
    made["metadata"] = params.metadata()
    made["balance_transaction"] = balances.post(state, "transfer_refund", amount, made)["id"]
    back = {"id": of["destination_payment"], "currency": of["currency"]}
    balances.post(state, "payment_refund", -amount, back, owner=of["destination"])
    of["amount_reversed"] += amount
    of["reversed"] = of["amount_reversed"] == of["amount"]
    of["reversals"]["data"].insert(0, made)
    state.put(made)
    state.tell("transfer.reversed", of, key=request.key)
    return made


@route("GET", "/v1/transfers/{}/reversals", "TransferReversalListParams")
def list_reversals(request: Request) -> Json:
    held = request.state.find("transfer", request.ids[0])["reversals"]
    return listing.page(held["data"], request.params, held["url"])


def _schedule(account: Json, request: Request) -> None:
    """When it is paid out by itself: daily, unless told otherwise."""
    wanted = request.params.below("settings").below("payouts").below("schedule")
    if "interval" in wanted:
        interval = wanted.one_of("interval", "manual", "daily", "weekly", "monthly")
        account["settings"]["payouts"]["schedule"]["interval"] = interval


def _money(request: Request) -> tuple[int, str]:
    amount, currency = request.params.number("amount"), request.params.needed("currency")
    if amount < 1:
        raise wrong("Invalid positive integer", "amount", "parameter_invalid_integer")
    return amount, currency
