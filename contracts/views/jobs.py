"""My Jobs."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from contracts import queries
from contracts.queries.jobs import TABS, Asked, Cursor
from contracts.states import ContractKind
from marketplace.views.base import ActingView

LONGEST_SEARCH = 100


class Jobs(ActingView):
    """The acting party's contracts."""

    def get(self, request: HttpRequest) -> HttpResponse:
        tab = request.GET.get("tab", "active")
        kind = request.GET.get("kind", "")
        asked = Asked(
            tab=tab if tab in TABS else "active",
            search=request.GET.get("q", "").strip()[:LONGEST_SEARCH],
            kind=kind if kind in ContractKind.values else "",
        )
        cursor = Cursor.read(request.GET.get("after", ""))
        page = queries.jobs_page(self.actor, asked, cursor=cursor)
        invite = f"{reverse('new_contract')}?to={self.party.slug}"
        context = {"page": page, "asked": asked, "party": self.party, "actor": self.actor}
        context["kinds"] = ContractKind.choices
        context["invite_url"] = request.build_absolute_uri(invite)
        return render(request, "contracts/jobs.html", context)
