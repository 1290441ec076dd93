"""How Stripe says no."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

ADVICE = "https://stripe.com/docs/error-codes/"


class Refusal(Exception):
    """An answer that is an error.

    Attributes:
        begun: the endpoint had begun its work, so that the answer is kept for the same key. What
            is wrong with the parameters, or meets a call under way, is found before.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str = "",
        param: str = "",
        begun: bool = True,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.begun = begun
        error: Json = {"message": message, "type": kind}
        if code:
            error |= {"code": code, "doc_url": ADVICE + code.replace("_", "-")}
        if param:
            error["param"] = param
        self.body: Json = {"error": error | {name: value for name, value in more.items() if value}}


def wrong(message: str, param: str = "", code: str = "") -> Refusal:
    """A parameter that cannot be right."""
    return Refusal(message, param=param, code=code, begun=False)


def missing(kind: str, identifier: str, param: str = "id", *, in_address: bool = True) -> Refusal:
    """No such object: 404 when the address names it, 400 when a parameter does."""
    message = f"No such {kind}: '{identifier}'"
    status = 404 if in_address else 400
    return Refusal(message, status=status, code="resource_missing", param=param, begun=False)


def unauthorized(message: str) -> Refusal:
    return Refusal(message, status=401, begun=False)


def misused_key(message: str) -> Refusal:
    return Refusal(message, kind="idempotency_error", begun=False)


def under_way(key: str) -> Refusal:
    message = (
        "There is currently another in-progress request using this Idempotent Key "
        f"(that probably means you submitted twice, and the other request is still going): {key}"
    )
    return Refusal(
        message, status=409, kind="idempotency_error", code="idempotency_key_in_use", begun=False
    )


def broken() -> Refusal:
    return Refusal("Something went wrong on our side.", status=500, kind="api_error")


def poor(message: str) -> Refusal:
    return Refusal(message, code="balance_insufficient")


def unexpected_state(message: str, intent: Json) -> Refusal:
    return Refusal(message, code="payment_intent_unexpected_state", payment_intent=intent)
