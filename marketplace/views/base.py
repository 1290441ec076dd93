"""What every page behind the sign-in shares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.contrib.auth.views import redirect_to_login
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.generic import View

from marketplace import typed
from marketplace.actors import Actor
from marketplace.models import Membership, Party
from marketplace.requests import SignedInRequest
from marketplace.views.addresses import page_before

M = TypeVar("M", bound=Model)

ASKS_ONLY = ("GET", "HEAD")


class BelongsElsewhere(Exception):
    """What was asked for belongs to another party of the same person."""

    def __init__(self, party: Party) -> None:
        self.party = party
        super().__init__(party.pk)


class SignedInView(View):
    """For whoever has signed in; others sign in first and come back."""

    request: SignedInRequest

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return sign_in_first(request)
        return super().dispatch(request, *args, **kwargs)


class ActingView(View):
    """For people who act for a party; gives ``self.actor`` and ``self.party``."""

    request: SignedInRequest
    membership: Membership
    actor: Actor
    party: Party

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return sign_in_first(request)
        membership = self.request.acting.membership
        if membership is None:
            return render(request, "marketplace/no_party.html", status=403)
        self.membership = membership
        self.actor, self.party = Actor.member(membership), membership.party
        try:
            return super().dispatch(request, *args, **kwargs)
        except BelongsElsewhere as found:
            return belongs_elsewhere(request, found.party)

    def find(self, visible_to: Callable[[Actor], QuerySet[M]], **lookup: Any) -> M:
        """Load what the acting party may see; ``Contract.objects.visible_to`` is such a function.

        Raises:
            BelongsElsewhere: another party of this person may see it; shown as a question.
            Http404: a stranger learns nothing, not even that it exists.
        """
        found = visible_to(self.actor).filter(**lookup).first()
        if found is not None:
            return found
        for membership in self.request.acting.others:
            if visible_to(Actor.member(membership)).filter(**lookup).exists():
                raise BelongsElsewhere(membership.party)
        raise Http404


def sign_in_first(request: HttpRequest) -> HttpResponse:
    """To the sign-in, and from there back to the page the person was on, with what was typed."""
    if request.method in ASKS_ONLY:
        return redirect_to_login(request.get_full_path())
    page = page_before(request, "/")
    typed.keep(request, page)
    return redirect_to_login(page)


def belongs_elsewhere(request: HttpRequest, party: Party) -> HttpResponse:
    """*This belongs to NAME. Switch?*, with a button that leads to the page asked for."""
    next_page = (
        request.get_full_path() if request.method in ASKS_ONLY else page_before(request, "/")
    )
    context = {"party": party, "fields": {"party": party.pk, "next": next_page}}
    return render(request, "marketplace/elsewhere.html", context, status=409)
