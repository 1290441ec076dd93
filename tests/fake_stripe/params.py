"""What a request carries: form-encoded, nested in brackets, of names the client knows."""

from __future__ import annotations

import re
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

import stripe.params
import stripe.params.checkout

from tests.fake_stripe.refusals import wrong

_PART = re.compile(r"\[([^\]]*)\]")
_OPTIONS = frozenset(stripe.RequestOptions.__annotations__)


class Params:
    """The parameters of one request, or one level of them."""

    def __init__(self, values: dict[str, Any], above: str = "") -> None:
        self.values = values
        self._above = above

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) not in (None, "")

    def text(self, name: str, default: str = "") -> str:
        value = self.values.get(name, default)
        if not isinstance(value, str):
            raise wrong(f"Invalid string: {value}", self._named(name))
        return value

    def needed(self, name: str) -> str:
        if name not in self:
            raise wrong(
                f"Missing required param: {self._named(name)}.",
                self._named(name),
                "parameter_missing",
            )
        return self.text(name)

    def number(self, name: str) -> int:
        value = self.needed(name)
        if not re.fullmatch(r"-?\d+", value):
            raise wrong(f"Invalid integer: {value}", self._named(name), "parameter_invalid_integer")
        return int(value)

    def flag(self, name: str) -> bool:
        value = self.text(name, "false")
        if value not in ("true", "false"):
            raise wrong(f"Invalid boolean: {value}", self._named(name))
        return value == "true"

    def one_of(self, name: str, *choices: str, default: str = "") -> str:
        value = self.text(name, default)
        if value not in choices:
            allowed = " or ".join(choices)
            raise wrong(f"Invalid {name}: must be one of {allowed}", self._named(name))
        return value

    def below(self, name: str) -> Params:
        """What is nested under a name."""
        value = self.values.get(name, {})
        if not isinstance(value, dict):
            raise wrong("Invalid object", self._named(name))
        return Params(value, self._named(name))

    def list(self, name: str) -> list[Any]:
        value = self.values.get(name, [])
        if not isinstance(value, list):
            raise wrong("Invalid array", self._named(name))
        return value

    def metadata(self) -> dict[str, str]:
        """At most 50 pairs, names of at most 40 and values of at most 500 characters."""
        pairs: dict[str, str] = self.below("metadata").values
        if len(pairs) > 50:
            raise wrong("Metadata may have at most 50 keys.", "metadata")
        for name, value in pairs.items():
            if len(name) > 40 or len(value) > 500:
                raise wrong("Metadata keys or values are too long.", f"metadata[{name}]")
        return {name: value for name, value in pairs.items() if value}

    def _named(self, name: str) -> str:
        return f"{self._above}[{name}]" if self._above else name


def decoded(text: str) -> dict[str, Any]:
    """``a[b][0]=c`` and its like as nested dictionaries and lists."""
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        head = name.split("[", 1)[0]
        _place(tree, [head, *_PART.findall(name)], value)
    return {name: _with_lists(value) for name, value in tree.items()}


def check(params: Params, kind: str) -> None:
    """Every parameter is one that the official client knows for this call; none is left out.

    Args:
        kind: name of the client's type of the parameters.
    """
    known, required = _known(kind)
    for name in params.values:
        if name not in known:
            raise wrong(f"Received unknown parameter: {name}", name, "parameter_unknown")
    for name in sorted(required):
        if name not in params.values:
            raise wrong(f"Missing required param: {name}.", name, "parameter_missing")


@cache
def _known(kind: str) -> tuple[frozenset[str], frozenset[str]]:
    module = stripe.params.checkout if kind.startswith("Session") else stripe.params
    client_type = getattr(module, kind)
    known = frozenset(client_type.__annotations__) - _OPTIONS | {"expand"}
    return known, frozenset(client_type.__required_keys__) & known


def _place(tree: dict[str, Any], path: list[str], value: str) -> None:
    for part in path[:-1]:
        tree = tree.setdefault(part, {})
    last = path[-1]
    tree[str(len(tree)) if last == "" else last] = value


def _with_lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _with_lists(one) for name, one in value.items()}
    if inner and all(name.isdigit() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner
