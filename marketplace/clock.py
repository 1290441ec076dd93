"""The only reader of the clock.

On a demo market (``settings.DEMO``) the clock runs ahead of the world's by a stored offset, which
every process reads; the offset only grows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

from django.conf import settings

from marketplace.models import DemoClock

_stopped: ContextVar[datetime | None] = ContextVar("stopped", default=None)
_read: ContextVar[timedelta | None] = ContextVar("read", default=None)


def now() -> datetime:
    """The business time, in UTC."""
    stopped = _stopped.get()
    return _running() if stopped is None else stopped


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Stop the clock at a moment: for tests and for the demo builder."""
    token = _stopped.set(moment)
    try:
        yield
    finally:
        _stopped.reset(token)


@contextmanager
def offset_read_once() -> Iterator[None]:
    """Within one request, ask the database once how far a demo market's clock runs ahead."""
    token = _read.set(_offset())
    try:
        yield
    finally:
        _read.reset(token)


def start_at(moment: datetime) -> None:
    """Set a demo market's clock; it runs on from there.

    Raises:
        ValueError: the clock would go back.
    """
    _set(moment - datetime.now(UTC))


def forward(step: timedelta) -> datetime:
    """Move a demo market's clock forward and return its new time.

    Raises:
        ValueError: the step is negative.
    """
    if step < timedelta(0):
        raise ValueError("the clock never goes back")
    _set(_offset() + step)
    return _running()


def _set(offset: timedelta) -> None:
    stored = DemoClock.objects.filter(pk=1).first()
    if stored is not None and offset < stored.offset:
        raise ValueError("the clock never goes back")
    DemoClock.objects.update_or_create(pk=1, defaults={"offset": offset})
    if _read.get() is not None:
        _read.set(offset)


def _running() -> datetime:
    return datetime.now(UTC) + _offset()


def _offset() -> timedelta:
    if not settings.DEMO:
        return timedelta(0)
    read = _read.get()
    if read is not None:
        return read
    stored = DemoClock.objects.filter(pk=1).values_list("offset", flat=True).first()
    return stored or timedelta(0)
