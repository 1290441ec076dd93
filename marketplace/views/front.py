"""The front door, and the operator's texts."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.generic import TemplateView, View

from marketplace.demo_accounts import ACCOUNTS
from marketplace.requests import PageRequest


class Front(View):
    """What this is, for whoever has not signed in; the others go on to their work."""

    def get(self, request: PageRequest) -> HttpResponse:
        if request.user.is_authenticated:
            at_the_desk = request.user.is_staff and request.acting.membership is None
            return redirect("admin:index" if at_the_desk else "jobs")
        accounts = ACCOUNTS if settings.DEMO else ()
        return render(request, "marketplace/front.html", {"demo_accounts": accounts})


class Terms(TemplateView):
    template_name = "marketplace/terms.html"


class Privacy(TemplateView):
    template_name = "marketplace/privacy.html"
