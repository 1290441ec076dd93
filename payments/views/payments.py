"""The Payments page, and the same as a file."""

from __future__ import annotations

from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from marketplace import clock
from marketplace.refusals import NotYours
from marketplace.views.base import ActingView
from payments import exports, queries, rules
from payments.forms_money import MoneyFilter


class PaymentsView(ActingView):
    """The acting party's money: what it has, and what moved."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        form = self.filter()
        page = queries.payments_page(
            self.party,
            form.asked,
            before=row_id(request.GET.get("before", "")),
            after=row_id(request.GET.get("after", "")),
        )
        context = {
            "page": page,
            "party": self.party,
            "form": form,
            "file_url": f"{reverse('payments_csv')}{form.asked.query() if form.asked else ''}",
        }
        return render(request, "payments/payments.html", context)

    def filter(self) -> MoneyFilter:
        """What is asked for, checked.

        Raises:
            NotYours: a plain member.
        """
        refusal = rules.sees_money(self.party, self.actor)
        if refusal is not None:
            raise NotYours(refusal)
        form = MoneyFilter(self.party, self.request.GET)
        form.full_clean()
        return form


class PaymentsFileView(PaymentsView):
    """Every line that the page would show, page by page, as a file."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        asked = self.filter().asked
        if asked is None:
            return redirect(f"{reverse('payments')}?{request.GET.urlencode()}")
        response = StreamingHttpResponse(
            exports.payments_csv(self.party, asked), content_type="text/csv; charset=utf-8"
        )
        name = f"closeout-payments-{clock.now():%Y-%m-%d}.csv"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        response["Cache-Control"] = "private, no-store"
        return response


def row_id(typed: str) -> int | None:
    """An id from a pagination link or a hidden field; whatever else was typed counts as none."""
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 19 else None
