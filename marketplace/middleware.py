"""Per request: the clock's offset, the acting party, the reader's time zone, and how we say no."""

from __future__ import annotations

import re
from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from marketplace import acting, clock, zones
from marketplace.refusals import Refused
from marketplace.views import refused

Handler = Callable[[HttpRequest], HttpResponse]

ZONE_COOKIE = "zone"
# What pasted text may carry unseen and no page may hold: all but tab and line ends (D).
UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef"
    + "".join(chr(plane + end) for plane in range(0, 0x110000, 0x10000) for end in (0xFFFE, 0xFFFF))
    + "]"
)


class PlainTextMiddleware:
    """Texts that were sent hold no control characters, whichever form or address they came by."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.GET = plain(request.GET)  # type: ignore[assignment]
        if request.method == "POST":
            request.POST = plain(request.POST)  # type: ignore[assignment]
        return self.get_response(request)


class ClockMiddleware:
    """Read a demo market's clock offset once per request."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with clock.offset_read_once():
            return self.get_response(request)


class ActingPartyMiddleware:
    """``request.acting``: whom the person acts for, read when first asked.

    Also shows times in the reader's zone: the account's, or the one the browser named.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.acting = SimpleLazyObject(lambda: acting.of(request))  # type: ignore[attr-defined]
        with timezone.override(reader_zone(request)):
            return self.get_response(request)


class RefusalMiddleware:
    """A refusal that no view showed beside a field becomes a page with its sentence."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, Refused):
            return refused.page(request, exception)
        return None


def plain(sent: QueryDict) -> QueryDict:
    """The same without control characters; usually the very same."""
    if not any(UNPRINTABLE.search(text) for _, texts in sent.lists() for text in texts):
        return sent
    cleaned = sent.copy()
    for name, texts in sent.lists():
        cleaned.setlist(name, [UNPRINTABLE.sub("", text) for text in texts])
    return cleaned


def reader_zone(request: HttpRequest) -> ZoneInfo:
    """The account's zone, else what the browser's cookie says, else UTC."""
    named = request.user.time_zone if request.user.is_authenticated else ""
    return zones.named(named or request.COOKIES.get(ZONE_COOKIE, ""))
