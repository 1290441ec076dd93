"""One's own account, and whom one acts for."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render

from marketplace import accounts, acting
from marketplace.forms import AccountForm
from marketplace.requests import SignedInRequest
from marketplace.views.addresses import next_page, whole_number
from marketplace.views.base import SignedInView


class Account(SignedInView):
    def get(self, request: SignedInRequest) -> HttpResponse:
        return self._page(request, AccountForm(initial=_now(request)))

    def post(self, request: SignedInRequest) -> HttpResponse:
        form = AccountForm(request.POST)
        if not form.is_valid():
            return self._page(request, form)
        accounts.change(**form.cleaned_data, by=request.user)
        messages.success(request, "Your account was changed.")
        return redirect("account")

    def _page(self, request: SignedInRequest, form: AccountForm) -> HttpResponse:
        context = {"form": form, "memberships": request.acting.all}
        return render(request, "marketplace/account.html", context)


class SwitchParty(SignedInView):
    """Act for another of one's parties from now on."""

    def post(self, request: SignedInRequest) -> HttpResponse:
        party_id = whole_number(request.POST.get("party", ""))
        if party_id is None:
            raise Http404
        membership = acting.switch(request, party_id=party_id, by=request.user)
        if membership is None:
            raise Http404
        messages.success(request, f"You act for {membership.party.name} now.")
        return redirect(next_page(request))


def _now(request: SignedInRequest) -> dict[str, str]:
    return {"name": request.user.name, "time_zone": request.user.time_zone}
