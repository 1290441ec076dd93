"""A party's page for everybody who has signed in."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.views.decorators.cache import cache_control

from feedback import queries
from marketplace.models import Party
from marketplace.views.base import SignedInView


@method_decorator(cache_control(private=True, no_store=True), name="dispatch")
class WorkHistory(SignedInView):
    """Ended contracts with revealed feedback, and averages.

    A party that was only invited has no page: its name is somebody's address.
    """

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        party = get_object_or_404(Party, slug=slug, invited_email="")
        history = queries.work_history(
            party, before=request.GET.get("before", ""), after=request.GET.get("after", "")
        )
        context = {
            "history": history,
            "newer": history.newer and "?" + urlencode({"after": history.newer}),
            "older": history.older and "?" + urlencode({"before": history.older}),
        }
        return render(request, "feedback/work_history.html", context)
