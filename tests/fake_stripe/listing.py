"""Lists, a page at a time, the newest first."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from itertools import islice

from tests.fake_stripe.params import Params
from tests.fake_stripe.refusals import Json, wrong

_COMPARED = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}


def page(rows: Iterable[Json], params: Params, url: str) -> Json:
    """
    Args:
        rows: all of them, in order.
    """
    limit = params.number("limit") if "limit" in params else 10
    if not 1 <= limit <= 100:
        raise wrong("Limit must be between 1 and 100.", "limit", "parameter_invalid_integer")
    chosen = [one for one in rows if _in_time(one, params)]
    if "starting_after" in params:
        chosen = chosen[_place(chosen, params, "starting_after") + 1 :]
    if "ending_before" in params:
        before = chosen[: _place(chosen, params, "ending_before")]
        data, more = before[-limit:], len(before) > limit
    else:
        data, more = list(islice(chosen, limit)), len(chosen) > limit
    return {"object": "list", "data": data, "has_more": more, "url": url}


def _in_time(one: Json, params: Params) -> bool:
    wanted = params.values.get("created")
    if wanted is None:
        return True
    if isinstance(wanted, str):
        return bool(one["created"] == int(wanted))
    return all(_COMPARED[how](one["created"], int(value)) for how, value in wanted.items())


def _place(rows: list[Json], params: Params, name: str) -> int:
    for place, one in enumerate(rows):
        if one["id"] == params.text(name):
            return place
    raise wrong(f"No such object: '{params.text(name)}'", name, "resource_missing")
