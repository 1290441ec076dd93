"""The HTTP of it: who asks, under which key, and what is answered or lost."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.fake_stripe import hosted, params, routing
from tests.fake_stripe.faults import Fault, What
from tests.fake_stripe.params import Params
from tests.fake_stripe.refusals import Json, Refusal, broken, unauthorized
from tests.fake_stripe.routing import Request
from tests.fake_stripe.state import new_id

if TYPE_CHECKING:
    from tests.fake_stripe.control import FakeStripe


@dataclass(frozen=True, slots=True)
class Called:
    """A call of the API that came."""

    method: str
    path: str
    params: dict[str, Any]
    key: str
    account: str
    version: str


class Lost(Exception):
    """No answer comes."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.what.value)
        self.fault = fault


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asked has gone away meanwhile, as tests do."""


class Server:
    """Threads around one :class:`FakeStripe`."""

    def __init__(self, fake: FakeStripe, port: int) -> None:
        handler = type("BoundHandler", (_Handler,), {"fake": fake})
        self._http = _Http(("127.0.0.1", port), handler)
        self.port = self._http.server_address[1]
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    fake: FakeStripe

    def do_GET(self) -> None:
        self._respond("GET")

    def do_POST(self) -> None:
        self._respond("POST")

    def do_DELETE(self) -> None:
        self._respond("DELETE")

    def log_message(self, *args: object) -> None:
        """Quiet."""

    def _respond(self, method: str) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        address = urlsplit(self.path)
        if not address.path.startswith("/v1/"):
            answer = hosted.answer(self.fake, method, address.path, address.query, body)
            self._send(answer.status, answer.body.encode(), answer.headers)
            return
        try:
            given = params.decoded(address.query if method == "GET" else body)
            status, made, more = self._answer(method, address.path, given)
        except Lost as lost:
            self._hang_up(lost.fault)
            return
        self._send(status, json.dumps(made, indent=2).encode(), more)

    def _answer(
        self, method: str, path: str, given: dict[str, Any]
    ) -> tuple[int, Json, dict[str, str]]:
        """Status, body and headers.

        Raises:
            Lost: a test wanted it so.
        """
        key = self.headers.get("Idempotency-Key", "") if method == "POST" else ""
        account = self.headers.get("Stripe-Account", "")
        called = Called(method, path, given, key, account, self.headers.get("Stripe-Version", ""))
        more = {"Content-Type": "application/json", "Request-Id": new_id("req")}
        more |= {"Stripe-Version": called.version} | ({"Idempotency-Key": key} if key else {})
        fault = self.fake.faults.of(f"{method} {path}")
        try:
            self._check_who()
            if fault and not fault.acted and fault.what is not What.BROKEN:
                raise Lost(fault)
            status, made, replayed = self._act(called, fault)
        except Refusal as refusal:
            return refusal.status, refusal.body, more
        if fault and fault.what is not What.BROKEN:
            raise Lost(fault)
        return status, made, more | ({"Idempotent-Replayed": "true"} if replayed else {})

    def _check_who(self) -> None:
        given = self.headers.get("Authorization", "")
        if not given:
            raise unauthorized(
                "You did not provide an API key. You need to provide your API key in the "
                "Authorization header, using Bearer auth."
            )
        if given != f"Bearer {self.fake.key}":
            raise unauthorized(f"Invalid API Key provided: {given[-4:]:*>16}")

    def _act(self, called: Called, fault: Fault | None) -> tuple[int, Json, bool]:
        """Do it, or say again what was said to the same key."""
        fake, asked = self.fake, f"{called.method} {called.path}"
        with fake.state.lock:
            fake.calls.append(called)
            if called.key:
                now = fake.state.now()
                kept = fake.keys.begin(called.account, called.key, asked, called.params, now)
                if kept is not None and kept.body is not None:
                    return kept.status, kept.body, True
        fake.faults.wait(asked)
        with fake.state.lock:
            status, made, begun = self._do(called, fault)
            if called.key and begun:
                fake.keys.keep(called.account, called.key, status, made)
            elif called.key:
                fake.keys.forget(called.account, called.key)
        return status, made, False

    def _do(self, called: Called, fault: Fault | None) -> tuple[int, Json, bool]:
        """Status, body, and whether the endpoint began its work."""
        breaks = fault is not None and fault.what is What.BROKEN
        try:
            if fault and breaks and not fault.acted:
                raise broken()
            kind, handler, ids = routing.find(called.method, called.path)
            host = self.headers.get("Host", self.fake.base)
            request = Request(
                state=self.fake.state,
                params=Params(called.params),
                ids=ids,
                account=called.account,
                base=f"http://{host}",
                key=called.key,
            )
            made = routing.answer(handler, kind, request)
            if breaks:
                raise broken()
        except Refusal as refusal:
            return refusal.status, _as_said(refusal.body), refusal.begun
        return 200, _as_said(made), True

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _hang_up(self, fault: Fault) -> None:
        time.sleep(fault.seconds)
        if fault.what is What.RESET:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True


def _as_said(body: Json) -> Json:
    """A copy, which stays as it is when the objects in it change."""
    copied: Json = json.loads(json.dumps(body))
    return copied
