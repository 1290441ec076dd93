"""What addresses and hidden fields say: where a person goes on, and which row is meant."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme


def next_page(request: HttpRequest, default: str = "/") -> str:
    """The page a form or link names as ``next``, when it is one of ours; never another site."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    return wanted if wanted.startswith("/") and _is_ours(request, wanted) else default


def page_before(request: HttpRequest, default: str = "") -> str:
    """The page of ours that this request came from, without its host."""
    referer = request.headers.get("Referer", "")
    if not referer or not _is_ours(request, referer):
        return default
    parts = urlsplit(referer)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _is_ours(request: HttpRequest, address: str) -> bool:
    return url_has_allowed_host_and_scheme(
        address, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )


def whole_number(text: str) -> int | None:
    """A number in an address or a hidden field; None for what can be no row's."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
