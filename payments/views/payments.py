"""The Payments page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from marketplace.refusals import NotYours
from marketplace.views.base import ActingView
from payments import queries, rules


class PaymentsView(ActingView):
    """The acting party's money: what it has, and what moved."""

    def get(self, request: HttpRequest) -> HttpResponse:
        refusal = rules.sees_money(self.party, self.actor)
        if refusal is not None:
            raise NotYours(refusal)
        page = queries.payments_page(
            self.party, before=_entry_id(request, "before"), after=_entry_id(request, "after")
        )
        return render(request, "payments/payments.html", {"page": page, "party": self.party})


def _entry_id(request: HttpRequest, name: str) -> int | None:
    """An id from a pagination link; whatever else was typed there counts as none."""
    typed = request.GET.get(name, "")
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 19 else None
