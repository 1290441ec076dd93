"""The site's addresses, and one that renders a page's templates from a frozen context."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.urls import path

from marketplace.urls import urlpatterns as site

FROZEN: Final = "bench/frozen/"

frozen: dict[str, Callable[[], str]] = {}
"""What is rendered, under ``page``."""


def render(_: HttpRequest) -> HttpResponse:
    """Answer like a page that has read everything already."""
    return HttpResponse(frozen["page"]())


urlpatterns = [path(FROZEN, render), *site]
