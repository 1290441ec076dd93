"""A market of many contracts, for trying scale: inserted in sets, and clean before the audit."""

from __future__ import annotations

import gc
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Max

from contracts.models import Contract
from marketplace.management.demo.lives import SCENES, Scene, Story
from marketplace.management.demo.rows import reserve
from marketplace.management.demo.town import Town

BATCH: Final = 1_000
"""Contracts that are held in memory and committed together."""


def build(
    number: int,
    *,
    now: datetime,
    scenes: Sequence[Scene] = SCENES,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Add a market of ``number`` contracts to whatever there is.

    The same every time on the same database and at the same moment. Most parties have up to 50
    contracts; a large client and a large talent have 2 % each, at most 20,000. Nothing is due at
    ``now``. Each batch is a transaction of its own: one that is interrupted leaves a clean market.

    Args:
        now: the present of the market, UTC.
        scenes: the lives that its contracts lead.
        progress: is told how many contracts are there, now and then.
    """
    before = Contract.objects.aggregate(last=Max("pk"))["last"] or 0
    town = Town(random.Random(before), now)  # noqa: S311 - the same every time is the point
    for start in range(0, number, BATCH):
        size = min(BATCH, number - start)
        with _nothing_is_garbage():
            _batch(town, start, size, now, scenes)
        if progress:
            progress(start + size)


@transaction.atomic
def _batch(town: Town, start: int, number: int, now: datetime, chosen: Sequence[Scene]) -> None:
    reserve()
    town.begin()
    story = Story()
    scenes = _scenes(town.chooser, chosen)
    for client, talent in town.pairs(start, number):
        scene = next(scenes)
        deal = scene.deal(town, client, talent, story.add)
        minutes = town.chooser.randint(scene.began[0] * 1440, scene.began[1] * 1440)
        story.begin(scene.life(deal), now - timedelta(minutes=minutes))
    story.tell(until=now)
    town.save()


@contextmanager
def _nothing_is_garbage() -> Iterator[None]:
    """A batch keeps all that it makes to its end; looking for garbage meanwhile takes a fifth."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.collect()


def _scenes(chooser: random.Random, chosen: Sequence[Scene]) -> Iterator[Scene]:
    """Each as often as every other, in no order that a party's turn could follow."""
    while True:
        yield from chooser.sample(chosen, len(chosen))
