"""Payment intents, and the charges they make."""

from __future__ import annotations

from urllib.parse import urlencode

from tests.fake_stripe import balances, listing, shapes, wallets
from tests.fake_stripe.cards import Card
from tests.fake_stripe.params import Params
from tests.fake_stripe.refusals import Json, Refusal, unexpected_state, wrong
from tests.fake_stripe.routing import Request, route
from tests.fake_stripe.state import State, new_id

LEAST = {"usd": 50, "eur": 50, "gbp": 30, "jpy": 50}
MOST = 99_999_999
OPEN = ("requires_payment_method", "requires_confirmation", "requires_action", "processing")


@route("POST", "/v1/payment_intents", "PaymentIntentCreateParams")
def create(request: Request) -> Json:
    state, params = request.state, request.params
    confirm = params.flag("confirm")
    _check_create(params, confirm=confirm)
    made = shapes.payment_intent(state.now(), _amount(params), _currency(params))
    _fill(made, params, state)
    method = params.text("payment_method")
    if method:
        made["payment_method"] = wallets.usable(state, method, made["customer"])["id"]
        made["status"] = "requires_confirmation"
    if confirm:
        _check_confirm(made, params)
    state.put(made)
    state.tell("payment_intent.created", made, key=request.key)
    return _confirm(request, made) if confirm else made


@route("POST", "/v1/payment_intents/{}/confirm", "PaymentIntentConfirmParams")
def confirm_intent(request: Request) -> Json:
    state, params = request.state, request.params
    found = state.find("payment_intent", request.ids[0])
    if found["status"] not in OPEN[:3]:
        raise unexpected_state(
            f"This PaymentIntent's status is {found['status']}; it cannot be confirmed.", found
        )
    method = params.text("payment_method")
    if method:
        found["payment_method"] = wallets.usable(state, method, found["customer"])["id"]
    _check_confirm(found, params)
    return _confirm(request, found)


@route("POST", "/v1/payment_intents/{}/cancel", "PaymentIntentCancelParams")
def cancel(request: Request) -> Json:
    found = request.state.find("payment_intent", request.ids[0])
    if found["status"] not in OPEN[:3]:
        raise unexpected_state(
            f"You cannot cancel this PaymentIntent because it has a status of {found['status']}.",
            found,
        )
    reason = request.params.text("cancellation_reason") or None
    found |= {"status": "canceled", "next_action": None, "canceled_at": request.state.now()}
    found["cancellation_reason"] = reason
    request.state.tell("payment_intent.canceled", found, key=request.key)
    return found


@route("GET", "/v1/payment_intents/{}", "PaymentIntentRetrieveParams")
def retrieve(request: Request) -> Json:
    return request.state.find("payment_intent", request.ids[0])


@route("GET", "/v1/payment_intents", "PaymentIntentListParams")
def list_intents(request: Request) -> Json:
    wanted = request.params.text("customer")
    rows = [one for one in request.state.all("payment_intent") if wanted in ("", one["customer"])]
    return listing.page(rows, request.params, "/v1/payment_intents")


@route("GET", "/v1/charges/{}", "ChargeRetrieveParams")
def retrieve_charge(request: Request) -> Json:
    return request.state.find("charge", request.ids[0], owner=request.account)


@route("GET", "/v1/charges", "ChargeListParams")
def list_charges(request: Request) -> Json:
    params = request.params
    rows = [
        one
        for one in request.state.all("charge", owner=request.account)
        if all(
            params.text(name, one[name] or "") == (one[name] or "")
            for name in ("payment_intent", "customer", "transfer_group")
        )
    ]
    return listing.page(rows, params, "/v1/charges")


def succeed(state: State, intent: Json) -> None:
    """The card pays."""
    method = state.find("payment_method", intent["payment_method"])
    card: Card = state.secret[method["id"]]
    charge = _charge(state, intent, method, card)
    charge |= {"status": "succeeded", "paid": True, "captured": True}
    charge["amount_captured"] = intent["amount"]
    share, fixed = state.fee
    line = balances.post(
        state,
        "charge",
        intent["amount"],
        charge,
        fee=(intent["amount"] * share + 5_000) // 10_000 + fixed,
        available_on=state.now() + state.settles_after,
    )
    charge["balance_transaction"] = line["id"]
    intent |= {"status": "succeeded", "next_action": None, "amount_received": intent["amount"]}
    state.tell("charge.succeeded", charge)
    state.tell("payment_intent.succeeded", intent)


def decline(state: State, intent: Json, code: str, decline_code: str, message: str) -> Refusal:
    """The card does not pay: the intent waits for another one."""
    method = state.find("payment_method", intent["payment_method"])
    charge = _charge(state, intent, method, state.secret[method["id"]])
    charge |= {"failure_code": code, "failure_message": message}
    error = {"type": "card_error", "code": code, "message": message, "charge": charge["id"]}
    if decline_code:
        error["decline_code"] = decline_code
    intent |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "next_action": None,
        "last_payment_error": {**error, "payment_method": method},
    }
    state.tell("charge.failed", charge)
    state.tell("payment_intent.payment_failed", intent)
    return Refusal(
        message,
        status=402,
        kind="card_error",
        code=code,
        decline_code=decline_code,
        charge=charge["id"],
        payment_intent=dict(intent),
        payment_method=method,
    )


def at_the_bank(state: State, identifier: str, *, agreed: bool) -> str:
    """The owner of the card answered its bank; the address to go on to."""
    intent = state.find("payment_intent", identifier)
    if intent["status"] == "requires_action":
        if agreed:
            succeed(state, intent)
        else:
            decline(
                state,
                intent,
                "payment_intent_authentication_failure",
                "",
                "The provided PaymentMethod has failed authentication.",
            )
    result = "succeeded" if intent["status"] == "succeeded" else "failed"
    told = urlencode(
        {
            "payment_intent": identifier,
            "payment_intent_client_secret": intent["client_secret"],
            "redirect_status": result,
        }
    )
    back_to: str = state.secret[f"return:{identifier}"]
    return f"{back_to}{'&' if '?' in back_to else '?'}{told}"


def _confirm(request: Request, intent: Json) -> Json:
    state, params = request.state, request.params
    card: Card = state.secret[intent["payment_method"]]
    off_session = params.text("off_session", "false") != "false"
    if card.code:
        raise decline(state, intent, card.code, card.decline_code, card.message)
    if card.asks and (off_session or params.flag("error_on_requires_action")):
        raise decline(
            state,
            intent,
            "authentication_required",
            "authentication_required",
            "Your card was declined. This transaction requires authentication.",
        )
    if card.asks:
        _ask(request, intent)
    elif state.secret.pop("slow", False):
        intent["status"] = "processing"
        state.tell("payment_intent.processing", intent, key=request.key)
    else:
        succeed(state, intent)
    return intent


def _ask(request: Request, intent: Json) -> None:
    """The bank wants to hear from the owner, on a page of its own."""
    back_to = request.params.text("return_url")
    intent["status"] = "requires_action"
    if back_to:
        url = f"{request.base}/bank/{intent['id']}"
        intent["next_action"] = {
            "type": "redirect_to_url",
            "redirect_to_url": {"return_url": back_to, "url": url},
        }
        request.state.secret[f"return:{intent['id']}"] = back_to
    else:
        intent["next_action"] = {"type": "use_stripe_sdk", "use_stripe_sdk": {}}
    request.state.tell("payment_intent.requires_action", intent, key=request.key)


def _charge(state: State, intent: Json, method: Json, card: Card) -> Json:
    charge = shapes.charge(state.now(), intent, method)
    charge["outcome"] = shapes.outcome(card)
    intent["latest_charge"] = charge["id"]
    return state.put(charge, secret=card)


def _check_create(params: Params, *, confirm: bool) -> None:
    for name in ("off_session", "return_url", "error_on_requires_action", "mandate"):
        if name in params and not confirm:
            raise wrong(f"{name} can only be used with confirm=true.", name)


def _check_confirm(intent: Json, params: Params) -> None:
    if intent["payment_method"] is None:
        raise unexpected_state(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can "
            "either update the PaymentIntent with a payment method and then confirm it again, or "
            "confirm it again directly with a payment method or ConfirmationToken.",
            intent,
        )
    automatic = intent["automatic_payment_methods"]
    if automatic and automatic["allow_redirects"] == "always" and "return_url" not in params:
        raise wrong(
            "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. "
            "Because some of these payment methods might redirect your customer off of your page, "
            "you must provide a `return_url`.",
            "return_url",
        )


def _fill(intent: Json, params: Params, state: State) -> None:
    if "customer" in params:
        intent["customer"] = state.find("customer", params.text("customer"), param="customer")["id"]
    for name in ("description", "transfer_group", "receipt_email", "statement_descriptor_suffix"):
        intent[name] = params.text(name) or None
    intent["metadata"] = params.metadata()
    if not params.list("allowed_payment_method_types"):
        automatic = params.below("automatic_payment_methods")
        redirects = automatic.one_of("allow_redirects", "always", "never", default="always")
        intent["automatic_payment_methods"] = {"allow_redirects": redirects, "enabled": True}
        intent["payment_method_types"] = ["card", "link"]
    intent["client_secret"] = f"{intent['id']}_secret_{new_id('x')[2:]}"


def _amount(params: Params) -> int:
    amount = params.number("amount")
    least = LEAST.get(params.text("currency"), 1)
    if amount < least:
        raise wrong(
            f"Amount must be at least {least} in the smallest unit.", "amount", "amount_too_small"
        )
    if amount > MOST:
        raise wrong(
            f"Amount must be no more than {MOST} in the smallest unit.",
            "amount",
            "amount_too_large",
        )
    return amount


def _currency(params: Params) -> str:
    currency = params.needed("currency")
    if currency not in LEAST:
        raise wrong(f"Invalid currency: {currency}.", "currency")
    return currency
