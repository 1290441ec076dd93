"""Hosted Checkout in setup mode: a person saves a card on a page of Stripe's."""

from __future__ import annotations

from tests.fake_stripe import listing, shapes, wallets
from tests.fake_stripe.cards import Card
from tests.fake_stripe.refusals import Json, Refusal, wrong
from tests.fake_stripe.routing import Request, route
from tests.fake_stripe.state import State


@route("POST", "/v1/checkout/sessions", "SessionCreateParams")
def create(request: Request) -> Json:
    state, params = request.state, request.params
    params.one_of("mode", "setup")
    if "currency" not in params and not params.list("allowed_payment_method_types"):
        raise wrong(
            "currency is required in setup mode when allowed_payment_method_types is not set.",
            "currency",
            "parameter_missing",
        )
    made, intent = shapes.session(state.now()), shapes.setup_intent(state.now())
    made |= {
        "success_url": params.needed("success_url"),
        "cancel_url": params.text("cancel_url") or None,
        "client_reference_id": params.text("client_reference_id") or None,
        "currency": params.text("currency") or None,
        "metadata": params.metadata(),
        "setup_intent": intent["id"],
        "url": f"{request.base}/pay/{made['id']}",
    }
    if "customer" in params:
        customer = state.find("customer", params.text("customer"), param="customer")["id"]
        made["customer"] = intent["customer"] = customer
    intent["metadata"] = params.below("setup_intent_data").metadata()
    state.put(intent)
    state.tell("setup_intent.created", intent, key=request.key)
    return state.put(made)


@route("GET", "/v1/checkout/sessions/{}", "SessionRetrieveParams")
def retrieve(request: Request) -> Json:
    return as_now(request.state, request.ids[0])


@route("GET", "/v1/checkout/sessions", "SessionListParams")
def list_sessions(request: Request) -> Json:
    wanted = request.params.text("customer")
    found = request.state.all("checkout.session")
    rows = [one for one in found if wanted in ("", one["customer"])]
    return listing.page(rows, request.params, "/v1/checkout/sessions")


@route("POST", "/v1/checkout/sessions/{}/expire", "SessionExpireParams")
def expire(request: Request) -> Json:
    found = as_now(request.state, request.ids[0])
    if found["status"] != "open":
        raise wrong('Only Checkout Sessions with a status in ["open"] can be expired.')
    _expire(request.state, found)
    return found


@route("GET", "/v1/setup_intents/{}", "SetupIntentRetrieveParams")
def retrieve_setup_intent(request: Request) -> Json:
    return request.state.find("setup_intent", request.ids[0])


def as_now(state: State, identifier: str) -> Json:
    """A session; one that nobody finished within its day has expired."""
    found = state.find("checkout.session", identifier)
    if found["status"] == "open" and state.now() >= found["expires_at"]:
        _expire(state, found)
    return found


def complete(state: State, identifier: str, card: Card) -> str:
    """The person entered a card; the address to go on to.

    Raises:
        Refusal: the card cannot be saved, or the page is used up.
    """
    session = as_now(state, identifier)
    if session["status"] != "open":
        raise Refusal("This page has been used already, or has expired.")
    intent = state.find("setup_intent", session["setup_intent"])
    method = wallets.make(state, card)
    if not card.saves:
        refusal = wallets.declined_to_save(card)
        intent["last_setup_error"] = {**refusal.body["error"], "payment_method": method}
        state.tell("setup_intent.setup_failed", intent)
        raise refusal
    if session["customer"]:
        wallets.save(state, method, session["customer"])
    intent |= {"status": "succeeded", "payment_method": method["id"], "last_setup_error": None}
    session |= {"status": "complete", "url": None}
    state.tell("setup_intent.succeeded", intent)
    state.tell("checkout.session.completed", session)
    address: str = session["success_url"]
    return address.replace("{CHECKOUT_SESSION_ID}", identifier)


def _expire(state: State, session: Json) -> None:
    session |= {"status": "expired", "url": None}
    state.find("setup_intent", session["setup_intent"])["status"] = "canceled"
    state.tell("checkout.session.expired", session)
