"""Pages from which money leaves, or which say where it goes: first make sure who is there.

It is allauth's own re-authentication: a password or a second factor, typed in this session within
``ACCOUNT_REAUTHENTICATION_TIMEOUT``. Two things differ on purpose. allauth would carry out a form
that was sent too late as soon as the password is right; here people come back to the page with what
they had typed, and press the button themselves. And who has neither password nor second factor is
asked to choose a password by a link in their mailbox, where allauth would let them pass.
"""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlencode

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import get_authentication_records
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.generic import View

from marketplace import typed
from marketplace.requests import SignedInRequest
from marketplace.views.addresses import page_before
from marketplace.views.base import ASKS_ONLY, ActingView, SignedInView

NOTHING_YET = "Nothing has happened yet. Confirm that it is you, then look at it once more."


class _BeSure(View):
    """Runs when it is known for whom the person acts, and before the page itself."""

    request: SignedInRequest

    def must_be_sure(self) -> bool:
        """Whether this request needs it; ``self.party`` and ``self.actor`` are known."""
        return True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if self.must_be_sure() and not is_sure(self.request):
            return confirm_first(self.request)
        return super().dispatch(request, *args, **kwargs)


class RecentlySignedInView(ActingView, _BeSure):
    """An :class:`~marketplace.views.base.ActingView` for who has shown a moment ago who they are.

    Others are asked when they open the page, and again when they send its form too late; until then
    nothing is carried out. What they typed is back on the page through :mod:`marketplace.typed`,
    which its form reads. Override :meth:`must_be_sure` where the page also has an answer for people
    who may do nothing there.
    """


class ChoosePassword(SignedInView):
    """For accounts without a password: the link to choose one goes to their mailbox.

    In place of allauth's page, which sets a first password for whoever sits at the browser.
    """

    def get(self, request: SignedInRequest) -> HttpResponse:
        if request.user.has_usable_password():
            return redirect("account_change_password")
        return render(request, "account/password_set.html")

    def post(self, request: SignedInRequest) -> HttpResponse:
        return self.get(request)


def is_sure(request: SignedInRequest) -> bool:
    """Whether the person showed in this session, a moment ago, who they are.

    allauth keeps when that was by the world's clock, which a demo market's does not move.
    """
    records = get_authentication_records(request, request.user)
    confirmed = [one["at"] for one in records if one.get("reauthenticated")]
    return bool(confirmed) and time.time() - confirmed[-1] < app_settings.REAUTHENTICATION_TIMEOUT


def confirm_first(request: SignedInRequest) -> HttpResponse:
    """To the page that asks for the password or the code, and from there back, nothing lost."""
    page = request.get_full_path()
    if request.method not in ASKS_ONLY:
        page = page_before(request, page)
        typed.keep(request, page)
        messages.info(request, NOTHING_YET)
    ways = get_adapter().get_reauthentication_methods(request.user)
    asking = ways[0]["url"] if ways else reverse("account_set_password")
    return redirect(f"{asking}?{urlencode({REDIRECT_FIELD_NAME: page})}")
