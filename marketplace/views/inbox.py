"""The inbox: everything that was also e-mailed."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import urlencode

from marketplace import inboxes, queries
from marketplace.actors import Actor
from marketplace.models import Notice
from marketplace.requests import SignedInRequest
from marketplace.views.addresses import whole_number
from marketplace.views.base import ActingView


class Inbox(ActingView):
    def get(self, request: SignedInRequest) -> HttpResponse:
        page = queries.inbox(
            request.user,
            self.party,
            before=whole_number(request.GET.get("before", "")),
            after=whole_number(request.GET.get("after", "")),
        )
        context = {
            "page": page,
            "party": self.party,
            "newer": page.newer and "?" + urlencode({"after": page.newer}),
            "older": page.older and "?" + urlencode({"before": page.older}),
        }
        return render(request, "marketplace/inbox.html", context)


class Open(ActingView):
    """A notice's link: it is read now, and leads to its page."""

    def get(self, request: SignedInRequest, pk: int) -> HttpResponse:
        notice = self.find(self._visible_to, pk=pk)
        inboxes.read(notice, by=request.user)
        return redirect(notice.path)

    def _visible_to(self, actor: Actor) -> QuerySet[Notice]:
        return Notice.objects.filter(recipient=self.request.user, party=actor.party)


class ReadAll(ActingView):
    def post(self, request: SignedInRequest) -> HttpResponse:
        inboxes.read_all(self.party, by=request.user)
        messages.success(request, "All notices are marked as read.")
        return redirect("inbox")
