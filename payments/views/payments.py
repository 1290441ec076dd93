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
            self.party,
            before=row_id(request.GET.get("before", "")),
            after=row_id(request.GET.get("after", "")),
        )
        return render(request, "payments/payments.html", {"page": page, "party": self.party})


def row_id(typed: str) -> int | None:
    """An id from a pagination link or a hidden field; whatever else was typed counts as none."""
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 19 else None
