"""The demo bar: try the market as anybody and at any time. Not there on a real site."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.core.management import call_command
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.generic import View

from marketplace import acting, clock, demo_hooks, moments, sweeping
from marketplace.demo_accounts import ACCOUNTS, CLIENT, FREELANCER
from marketplace.models import Membership, Party, User
from marketplace.requests import PageRequest
from marketplace.views.addresses import next_page

A_MOMENT: Final = timedelta(seconds=1)
A_DAY: Final = timedelta(days=1)


class DemoView(View):
    http_method_names = ("post",)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not settings.DEMO:
            raise Http404
        return super().dispatch(request, *args, **kwargs)


class SignIn(DemoView):
    """As one of the demo accounts, without its password."""

    def post(self, request: HttpRequest) -> HttpResponse:
        email = request.POST.get("email", "")
        if email not in {account.email for account in ACCOUNTS}:
            raise Http404
        person = User.objects.filter(email=email).first()
        if person is None:
            messages.warning(request, "The demo market is empty: choose Start over to fill it.")
            return redirect("front")
        login(request, person)
        return redirect(next_page(request))


class OtherSide(DemoView):
    """The same page, as somebody of the other side sees it."""

    def post(self, request: PageRequest) -> HttpResponse:
        here = next_page(request)
        mine = request.acting.membership
        there = None if mine is None else _other_side(urlsplit(here).path, mine.party)
        if there is None:
            messages.warning(request, "Nobody acts for the other side yet.")
            return redirect(here)
        login(request, there.user)
        request.session[acting.SESSION_KEY] = there.party_id
        return redirect(here)


class NextDeadline(DemoView):
    """The clock moves to just after the next deadline, and what is due is carried out."""

    def post(self, request: HttpRequest) -> HttpResponse:
        now = clock.now()
        due = sweeping.next_due(now)
        if due is None:
            messages.info(request, "Nothing falls due.")
        else:
            _forward(request, due - now + A_MOMENT)
        return redirect(next_page(request))


class NextDay(DemoView):
    def post(self, request: HttpRequest) -> HttpResponse:
        _forward(request, A_DAY)
        return redirect(next_page(request))


class StartOver(DemoView):
    """Asks first; then the market is as on its first day, and one is signed in as before."""

    def post(self, request: HttpRequest) -> HttpResponse:
        if request.POST.get("sure") != "yes":
            return render(request, "marketplace/demo_start_over.html")
        email = request.user.email if request.user.is_authenticated else ""
        call_command("demo", "--start-over")
        person = User.objects.filter(email=email).first()
        request.session.flush()
        if person is not None:
            login(request, person)
        messages.success(request, "The demo market is as on its first day.")
        return redirect("front")


def _forward(request: HttpRequest, step: timedelta) -> None:
    clock.forward(step)
    sweeping.run()
    messages.success(request, f"It is {moments.full(clock.now())} now. What fell due was done.")


def _other_side(path: str, party: Party) -> Membership | None:
    """Somebody who manages the party on the other side of a page, or of the market."""
    other = demo_hooks.other_side(path, party)
    managers = Membership.objects.managing().select_related("user", "party").order_by("id")
    if other is not None:
        return managers.filter(party=other).first()
    counterpart = FREELANCER if party.is_client else CLIENT
    return managers.filter(user__email=counterpart).first()
