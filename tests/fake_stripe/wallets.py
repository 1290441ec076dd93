"""Customers and their ways to pay."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.fake_stripe import listing, shapes
from tests.fake_stripe.cards import BY_TOKEN, Card
from tests.fake_stripe.params import Params
from tests.fake_stripe.refusals import Json, Refusal, missing, wrong
from tests.fake_stripe.routing import Request, route
from tests.fake_stripe.state import State

_FREE = ("name", "email", "description", "phone")


@route("POST", "/v1/customers", "CustomerCreateParams")
def create_customer(request: Request) -> Json:
    made = shapes.customer(request.state.now())
    _describe(made, request.params)
    request.state.put(made)
    request.state.tell("customer.created", made, key=request.key)
    return made


@route("GET", "/v1/customers/{}", "CustomerRetrieveParams")
def retrieve_customer(request: Request) -> Json:
    return request.state.find("customer", request.ids[0])


@route("POST", "/v1/customers/{}", "CustomerUpdateParams")
def update_customer(request: Request) -> Json:
    found = request.state.find("customer", request.ids[0])
    _describe(found, request.params)
    default = request.params.below("invoice_settings").text("default_payment_method")
    if default:
        request.state.find("payment_method", default, param="invoice_settings")
        found["invoice_settings"]["default_payment_method"] = default
    return found


@route("GET", "/v1/customers", "CustomerListParams")
def list_customers(request: Request) -> Json:
    email = request.params.text("email")
    rows = [one for one in request.state.all("customer") if email in ("", one["email"])]
    return listing.page(rows, request.params, "/v1/customers")


@route("GET", "/v1/customers/{}/payment_methods", "CustomerPaymentMethodListParams")
def list_of_customer(request: Request) -> Json:
    (customer,) = request.ids
    request.state.find("customer", customer)
    return _of(request, customer, f"/v1/customers/{customer}/payment_methods")


@route("GET", "/v1/payment_methods", "PaymentMethodListParams")
def list_payment_methods(request: Request) -> Json:
    return _of(request, request.params.needed("customer"), "/v1/payment_methods")


@route("GET", "/v1/payment_methods/{}", "PaymentMethodRetrieveParams")
def retrieve_payment_method(request: Request) -> Json:
    return request.state.find("payment_method", request.ids[0])


@route("POST", "/v1/payment_methods/{}/attach", "PaymentMethodAttachParams")
def attach(request: Request) -> Json:
    customer = request.params.needed("customer")
    request.state.find("customer", customer, param="customer")
    method = chosen(request.state, request.ids[0])
    card = request.state.secret[method["id"]]
    if not card.saves:
        raise declined_to_save(card)
    return save(request.state, method, customer)


@route("POST", "/v1/payment_methods/{}/detach", "PaymentMethodDetachParams")
def detach(request: Request) -> Json:
    found = request.state.find("payment_method", request.ids[0])
    if found["customer"] is None:
        raise Refusal(
            "The payment method you provided is not attached to a customer so detachment is "
            "impossible."
        )
    found["customer"] = None
    request.state.secret[f"detached:{found['id']}"] = True
    request.state.tell("payment_method.detached", found, key=request.key)
    return found


def make(state: State, card: Card) -> Json:
    """A payment method with a test card, nobody's yet."""
    year = datetime.fromtimestamp(state.now(), UTC).year
    expires = (year - 1, 1) if card.code == "expired_card" else (year + 3, 12)
    return state.put(shapes.payment_method(card, state.now(), expires=expires), secret=card)


def chosen(state: State, token: str, param: str = "payment_method") -> Json:
    """A payment method by id, or a new one by the name of a test card."""
    if token in BY_TOKEN:
        return make(state, BY_TOKEN[token])
    return state.find("payment_method", token, param=param)


def save(state: State, method: Json, customer: str) -> Json:
    if state.secret.get(f"detached:{method['id']}"):
        raise wrong(
            "This PaymentMethod was previously used without being attached to a Customer or was "
            "detached from a Customer, and may not be used again.",
            "payment_method",
        )
    method["customer"] = customer
    state.tell("payment_method.attached", method)
    return method


def usable(state: State, token: str, customer: str | None) -> Json:
    """
    Raises:
        Refusal: there is none, it is another customer's, or it was removed.
    """
    method = chosen(state, token)
    if state.secret.get(f"detached:{method['id']}"):
        raise wrong(
            "The provided PaymentMethod was previously used with a PaymentIntent without Customer "
            "attachment, shared with a connected account without Customer attachment, or was "
            "detached from a Customer. It may not be used again.",
            "payment_method",
        )
    if method["customer"] not in (None, customer):
        raise wrong(
            "The customer does not have a payment method with the ID "
            f"{method['id']}. The payment method must belong to the customer.",
            "payment_method",
            "resource_missing",
        )
    return method


def declined_to_save(card: Card) -> Refusal:
    return Refusal(
        card.message,
        status=402,
        kind="card_error",
        code=card.code,
        decline_code=card.decline_code,
    )


def _describe(customer: Json, params: Params) -> None:
    for name in _FREE:
        if name in params:
            customer[name] = params.text(name)
    customer["metadata"] |= params.metadata()


def _of(request: Request, customer: str, url: str) -> Json:
    if customer not in request.state.objects.get("customer", {}):
        raise missing("customer", customer, "customer", in_address=False)
    rows = [
        one
        for one in request.state.all("payment_method")
        if one["customer"] == customer and request.params.text("type", "card") == "card"
    ]
    return listing.page(rows, request.params, url)
