"""Per request: the clock's offset, the acting party, the reader's time zone, and how we say no."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from marketplace import acting, clock, zones
from marketplace.refusals import Refused
from marketplace.views import refused

Handler = Callable[[HttpRequest], HttpResponse]

ZONE_COOKIE = "zone"


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


def reader_zone(request: HttpRequest) -> ZoneInfo:
    """The account's zone, else what the browser's cookie says, else UTC."""
    named = request.user.time_zone if request.user.is_authenticated else ""
    return zones.named(named or request.COOKIES.get(ZONE_COOKIE, ""))
