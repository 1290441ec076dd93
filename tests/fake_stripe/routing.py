"""Which function answers which address of the API."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tests.fake_stripe import params as parameters
from tests.fake_stripe.params import Params
from tests.fake_stripe.refusals import Json, Refusal, wrong
from tests.fake_stripe.state import State


@dataclass(frozen=True, slots=True)
class Request:
    """One call of the API.

    Attributes:
        ids: those in the address, in order.
        account: the connected account it is made for; empty: our own.
        base: where the hosted pages are.
        key: its idempotency key.
    """

    state: State
    params: Params
    ids: tuple[str, ...]
    account: str
    base: str
    key: str


Handler = Callable[[Request], Json]
_routes: list[tuple[str, re.Pattern[str], str, Handler]] = []


def route(method: str, address: str, kind: str) -> Callable[[Handler], Handler]:
    """Register what answers an address.

    Args:
        address: with ``{}`` for each id.
        kind: the client's type of the parameters.
    """
    pattern = re.compile(re.escape(address).replace(r"\{\}", r"([A-Za-z0-9_]+)"))

    def register(handler: Handler) -> Handler:
        _routes.append((method, pattern, kind, handler))
        return handler

    return register


def find(method: str, address: str) -> tuple[str, Handler, tuple[str, ...]]:
    """
    Raises:
        Refusal: 404, nothing is there.
    """
    for its_method, pattern, kind, handler in _routes:
        found = pattern.fullmatch(address)
        if found and its_method == method:
            return kind, handler, found.groups()
    raise Refusal(
        f"Unrecognized request URL ({method}: {address}).",
        status=404,
        code="url_invalid",
        begun=False,
    )


def answer(handler: Handler, kind: str, request: Request) -> Json:
    """The answer, with what was asked to be expanded."""
    parameters.check(request.params, kind)
    made = handler(request)
    for path in request.params.list("expand"):
        made = _expanded(made, path.split("."), path, request.state)
    return made


def _expanded(one: Json, path: list[str], whole: str, state: State) -> Json:
    name, rest = path[0], path[1:]
    if name not in one:
        raise wrong(f"This property cannot be expanded ({whole}).", "expand")
    value = one[name]
    if isinstance(value, list):
        inner = [_inside(each, rest, whole, state) for each in value]
    else:
        inner = _inside(value, rest, whole, state)
    return {**one, name: inner}


def _inside(value: object, rest: list[str], whole: str, state: State) -> object:
    """An id as its object; and further down."""
    if isinstance(value, str):
        value = state.by_id(value) or value
    if rest and isinstance(value, dict):
        return _expanded(value, rest, whole, state)
    return value
