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

# A stretch too: a timer that has just been started.
SMALLEST_BLOCK: Final = 0.5

LANE_BLOCK: Final = 22
LOWEST_BLOCK: Final = 9
LANE_EDGE: Final = 4
"""Pixels: a block, one of several at the same time, and what is left free above and below."""

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


def lane(stretches: Sequence[Stretch], *, from_hour: int, to_hour: int) -> dict[str, Any]:
    """Place a day's stretches between two hours; what lies outside is cut off.

    Stretches at the same time, of several people, lie one below the other.

    Returns:
        The lane's ``height`` and its ``blocks``, in the picture's units.
    """
    first, last = from_hour * _MINUTES_OF_AN_HOUR, to_hour * _MINUTES_OF_AN_HOUR
    shown = [one for one in stretches if max(one.start, first) < min(one.end, last)]
    rows = _rows(shown)
    count = max(rows, default=0) + 1
    height = max(LANE_BLOCK, count * LOWEST_BLOCK) / count
    blocks = []
    for stretch, row in zip(shown, rows, strict=True):
        start, end = max(stretch.start, first), min(stretch.end, last)
        blocks.append(
            {
                "kind": stretch.kind,
                "x": _share(start - first, last - first),
                "width": percent(max(100 * (end - start) / (last - first), SMALLEST_BLOCK)),
                "y": f"{LANE_EDGE + row * height:g}",
                "height": f"{height - (count > 1):g}",
            }
        )
    return {"height": f"{height * count + 2 * LANE_EDGE:g}", "blocks": blocks}


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


def _rows(stretches: Sequence[Stretch]) -> list[int]:
    """In which row each stretch lies, so that none covers another; they come by their start."""
    ends: list[int] = []
    rows = []
    for stretch in stretches:
        free = (row for row, end in enumerate(ends) if end <= stretch.start)
        row = next(free, len(ends))
        ends[row : row + 1] = [stretch.end]
        rows.append(row)
    return rows


def _share(part: int, whole: int) -> str:
    return percent(100 * part / whole)
