"""Facts frozen as JSON: amounts, moments and plain values, for notices and end figures."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from typing import Any

from marketplace.money import Money


def freeze(value: Any) -> Any:
    """Turn a fact into what a JSON column keeps.

    Raises:
        TypeError: the value is no fact (a model, for instance).
    """
    match value:
        case None | bool() | int() | str():
            return value.value if isinstance(value, Enum) else value
        case Money():
            return {"minor": value.minor, "currency": value.currency}
        case datetime():
            return {"moment": value.isoformat()}
        case date():
            return {"date": value.isoformat()}
        case dict():
            return {str(key): freeze(item) for key, item in value.items()}
        case list() | tuple():
            return [freeze(item) for item in value]
    raise TypeError(f"{type(value).__name__} is no fact")


def thaw(value: Any) -> Any:
    """Turn what a JSON column kept back into facts."""
    match value:
        case {"minor": int(minor), "currency": str(currency), **rest} if not rest:
            return Money(minor, currency)
        case {"moment": str(moment), **rest} if not rest:
            return datetime.fromisoformat(moment)
        case {"date": str(day), **rest} if not rest:
            return date.fromisoformat(day)
        case dict():
            return {key: thaw(item) for key, item in value.items()}
        case list():
            return [thaw(item) for item in value]
    return value
