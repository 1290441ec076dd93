"""Pages for what was refused."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from marketplace.refusals import FiguresChanged, Overtaken, Refused
from marketplace.views.addresses import page_before


def page(request: HttpRequest, refused: Refused) -> HttpResponse:
    """A page that says why, with the refusal's status; nothing was changed."""
    faster = isinstance(refused, Overtaken | FiguresChanged)
    template = "409.html" if faster else "refused.html"
    context = {"sentence": refused.sentence, "back_url": page_before(request)}
    return render(request, template, context, status=refused.status)
