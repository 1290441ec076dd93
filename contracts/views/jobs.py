"""My Jobs."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from contracts import queries
from contracts.queries.jobs import TABS, Cursor
from marketplace.views.base import ActingView

LONGEST_SEARCH = 100


class Jobs(ActingView):
    """The acting party's contracts."""

    def get(self, request: HttpRequest) -> HttpResponse:
        tab = request.GET.get("tab", "active")
        page = queries.jobs_page(
            self.actor,
            tab=tab if tab in TABS else "active",
            search=request.GET.get("q", "").strip()[:LONGEST_SEARCH],
            cursor=Cursor.read(request.GET.get("after", "")),
        )
        invite = f"{reverse('new_contract')}?to={self.party.slug}"
        context = {"page": page, "party": self.party, "actor": self.actor}
        context["invite_url"] = request.build_absolute_uri(invite)
        return render(request, "contracts/jobs.html", context)
