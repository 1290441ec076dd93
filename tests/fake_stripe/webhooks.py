"""What is told unasked: signed as Stripe signs, in whatever order a test wants."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable

from tests.fake_stripe.refusals import Json

Send = Callable[[bytes, dict[str, str]], int]
"""Brings a body with its headers to the site; the status it answered."""


def signed(event: Json, secret: str, *, at: float | None = None) -> tuple[bytes, dict[str, str]]:
    """An event as it is posted: ``t=…,v1=…``, an HMAC over the moment and the body."""
    body = json.dumps(event, indent=2).encode()
    moment = int(time.time() if at is None else at)
    over = str(moment).encode() + b"." + body
    mac = hmac.new(secret.encode(), over, hashlib.sha256).hexdigest()
    return body, {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": f"t={moment},v1={mac}",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    }


def by_http(address: str) -> Send:
    """
    Raises:
        OSError: nobody is there.
    """

    def send(body: bytes, headers: dict[str, str]) -> int:
        request = urllib.request.Request(address, body, headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code

    return send
