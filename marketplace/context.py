"""What the frame around every page shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from marketplace import clock
from marketplace.acting import Acting
from marketplace.models import Party


@dataclass(frozen=True)
class DemoBar:
    now: datetime


@dataclass(frozen=True)
class Frame:
    """The header's and footer's facts."""

    signed_in: bool
    acting: Party | None
    role: str
    parties: list[Party]
    unread: int
    demo: DemoBar | None
    zone: str


def frame(request: HttpRequest) -> dict[str, Any]:
    """The context processor."""
    chosen: Acting = getattr(request, "acting", Acting())
    membership = chosen.membership
    return {
        "frame": Frame(
            signed_in=request.user.is_authenticated if hasattr(request, "user") else False,
            acting=membership.party if membership else None,
            role=membership.role if membership else "",
            parties=[one.party for one in chosen.others],
            unread=getattr(membership, "unread", 0),
            demo=DemoBar(clock.now()) if settings.DEMO else None,
            zone=timezone.get_current_timezone_name(),
        )
    }
