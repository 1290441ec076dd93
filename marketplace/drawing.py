"""Geometry of the pictures that templates draw as SVG.

Positions and widths are percentages of the picture's width, so that nothing needs a style
attribute and stripes and corners keep their shape at every width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from marketplace.components import Part, Stretch

# A part that is there can be seen, however small its share.
SMALLEST_SHARE: Final = 1.5

_MINUTES_OF_AN_HOUR: Final = 60


def bar(parts: Sequence[Part]) -> list[dict[str, Any]]:
    """Lay amounts side by side: kind, left edge and width of each, in percent.

    Args:
        parts: amounts of one currency; parts of zero take no place.
    """
    shown = [part for part in parts if part.amount.minor > 0]
    total = sum(part.amount.minor for part in shown)
    shares = [max(100 * part.amount.minor / total, SMALLEST_SHARE) for part in shown]
    scale = 100 / sum(shares) if shares else 1
    placed, edge = [], 0.0
    for part, share in zip(shown, shares, strict=True):
        placed.append({"kind": part.kind, "x": percent(edge), "width": percent(share * scale)})
        edge += share * scale
    return placed


def lane(stretches: Sequence[Stretch], *, from_hour: int, to_hour: int) -> list[dict[str, Any]]:
    """Place a day's stretches between two hours; what lies outside is cut off."""
    first, last = from_hour * _MINUTES_OF_AN_HOUR, to_hour * _MINUTES_OF_AN_HOUR
    placed = []
    for stretch in stretches:
        start, end = max(stretch.start, first), min(stretch.end, last)
        if start < end:
            x, width = _share(start - first, last - first), _share(end - start, last - first)
            placed.append({"kind": stretch.kind, "x": x, "width": width})
    return placed


def hour_lines(*, from_hour: int, to_hour: int) -> list[dict[str, Any]]:
    """The hours between the edges; every second or, over long days, every fourth has its number."""
    step = 2 if to_hour - from_hour <= 12 else 4
    return [
        {
            "x": _share(hour - from_hour, to_hour - from_hour),
            "hour": hour,
            "named": not index % step,
        }
        for index, hour in enumerate(range(from_hour, to_hour))
    ]


def percent(number: float) -> str:
    return f"{number:.2f}%"


def _share(part: int, whole: int) -> str:
    return percent(100 * part / whole)
