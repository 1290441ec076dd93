"""The front door, and the operator's texts."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.generic import TemplateView

from marketplace.demo_accounts import ACCOUNTS


class Front(TemplateView):
    """What this is, for whoever has not signed in; the others go on to their work."""

    template_name = "marketplace/front.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return super().get(request, *args, **kwargs)
        at_the_desk = request.user.is_staff and request.acting.membership is None
        return HttpResponseRedirect(reverse("admin:index" if at_the_desk else "jobs"))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        accounts = ACCOUNTS if settings.DEMO else ()
        return super().get_context_data(demo_accounts=accounts, **kwargs)


class Terms(TemplateView):
    template_name = "marketplace/terms.html"


class Privacy(TemplateView):
    template_name = "marketplace/privacy.html"
