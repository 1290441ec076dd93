"""Reading and using pages as people do: what they say, which forms they have, pressing a button."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from justhtml import JustHTML

from marketplace.actors import Actor

SUBMITS = "button:not([type=button]), input[type=submit]"


@dataclass
class Browser:
    """One person's browser."""

    client: Client

    @classmethod
    def of(cls, by: Actor) -> Browser:
        assert by.user is not None
        client = Client()
        client.force_login(by.user)
        return cls(client)

    def confirmed(self) -> Browser:
        """The same, of somebody who has just typed the password once more."""
        be_sure(self.client)
        return self

    def open(self, url: str, *, status: int = 200) -> Page:
        """Follow a link; redirects are followed too."""
        return self._page(self.client.get(url, follow=True), url, status)

    def send(self, url: str, data: dict[str, Any] | None = None, *, status: int = 200) -> Page:
        """Post something that need not come from a page."""
        return self._page(self.client.post(url, data or {}, follow=True), url, status)

    def count(self, url: str) -> int:
        """How many queries a page takes, all told."""
        with CaptureQueriesContext(connection) as queries:
            assert self.client.get(url).status_code == 200
        return len(queries)

    def _page(self, response: Any, url: str, status: int) -> Page:
        assert response.status_code == status, (url, response.status_code)
        chain = response.redirect_chain
        return Page(self, urljoin(url, chain[-1][0]) if chain else url, response.content.decode())


def be_sure(client: Client) -> None:
    """Leave in the session what confirming who one is leaves there."""
    session = client.session
    confirmed = {"method": "password", "at": time.time(), "reauthenticated": True}
    session["account_authentication_methods"] = [confirmed]
    session["account_authentication_methods_user"] = session["_auth_user_id"]
    session.save()


class Page:
    """A page that was opened, with its final address."""

    def __init__(self, browser: Browser, url: str, html: str) -> None:
        self.browser = browser
        self.url = url
        self.html = html
        self.dom = JustHTML(html, sanitize=False)

    @property
    def text(self) -> str:
        """What stands in the page's main part, as one line."""
        mains = self.dom.query("main")
        return _text(mains[0] if mains else self.dom.root)

    @property
    def flash(self) -> str:
        """What was said about what was just done."""
        return " ".join(_text(one) for one in self.dom.query(".flash"))

    @property
    def alerts(self) -> list[str]:
        """Every error of a form and of its fields."""
        return [_text(one) for one in self.dom.query(".invalid-feedback, [role=alert]")]

    def part(self, selector: str) -> str:
        """The text of the parts that a selector finds."""
        return " ".join(_text(one) for one in self.dom.query(selector))

    def effects(self, title: str) -> dict[str, str]:
        """The rows of a list of effects: what stands left, to what stands right."""
        for box in self.dom.query(".effects"):
            if any(_text(heading) == title for heading in box.query("h2, h3")):
                rows = [(row.query("dt")[0], row.query("dd")[0]) for row in box.query("dl > div")]
                return {_without_small(term): _text(value) for term, value in rows}
        return {}

    def details(self, title: str) -> str:
        """The whole text of a list of effects."""
        boxes = self.dom.query(".effects")
        return " ".join(_text(box) for box in boxes if title in _text(box))

    def buttons(self, within: str = "main") -> list[str]:
        """The labels of what submits, in order."""
        return [_text(one) for part in self.dom.query(within) for one in part.query(SUBMITS)]

    def links(self) -> list[str]:
        return [one.attrs.get("href", "") for one in self.dom.query("main a")]

    def form(self, button: str) -> Any:
        """The form that has this button."""
        for form in self.dom.query("form"):
            if any(_label(one) == button for one in form.query(SUBMITS)):
                return form
        raise AssertionError(f"no form has the button {button!r} on {self.url}")

    def filled_in(self, button: str) -> dict[str, str]:
        """What the form with this button would send, without the button."""
        values: dict[str, str] = {}
        for one in self.form(button).query("input, textarea, select"):
            name, kind = one.attrs.get("name"), one.attrs.get("type", "text")
            ticks = kind in ("radio", "checkbox")
            if not name or kind == "submit" or (ticks and "checked" not in one.attrs):
                continue
            values[name] = _value(one)
        values.pop("csrfmiddlewaretoken", None)
        return values

    def press(self, button: str, *, status: int = 200, **typed: str) -> Page:
        """Type into the form's fields and press its button."""
        form = self.form(button)
        pressed = next(one for one in form.query(SUBMITS) if _label(one) == button)
        data = self.filled_in(button) | typed
        if pressed.attrs.get("name"):
            data[pressed.attrs["name"]] = pressed.attrs.get("value", "")
        action = pressed.attrs.get("formaction") or form.attrs.get("action") or self.url
        return self.browser.send(urljoin(self.url, action), data, status=status)

    def press_enter(self, button: str, **typed: str) -> Page:
        """Press Enter in a field of the form that has this button: its first button submits."""
        return self.press(_label(self.form(button).query(SUBMITS)[0]), **typed)


def _value(one: Any) -> str:
    if one.name == "textarea":
        return str(one.to_text(strip=False))
    if one.name == "select":
        chosen = [option for option in one.query("option") if "selected" in option.attrs]
        options = chosen or one.query("option")
        return str(options[0].attrs.get("value", "")) if options else ""
    return str(one.attrs.get("value", "on" if one.attrs.get("type") == "checkbox" else ""))


def _label(one: Any) -> str:
    return one.attrs.get("aria-label") or _text(one) or one.attrs.get("value", "")


def _text(node: Any) -> str:
    words = " ".join(node.to_text(separator=" ").split())
    return re.sub(r" (?=[.,;:!?)])|(?<=\() ", "", words)


def _without_small(term: Any) -> str:
    whole = _text(term)
    for small in term.query("small"):
        whole = whole.replace(_text(small), "").strip()
    return whole
