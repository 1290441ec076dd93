"""Withdraw what is available."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import dateformat

from marketplace import typed
from marketplace.components import Tab
from marketplace.refusals import InvalidInput, KeyReused, NotYours, Refused
from marketplace.views.sure import RecentlySignedInView
from payments import payouts, queries, rules
from payments.forms_payout import LOOK_AGAIN, WithdrawForm
from payments.models import GatewayOperation
from payments.queries import WithdrawPage
from payments.queries.payout import NO_ANSWER_YET
from payments.states import NOT_ARRIVED


class WithdrawView(RecentlySignedInView):
    """Choose an amount and where it goes, read what stays, confirm."""

    def must_be_sure(self) -> bool:
        return rules.withdraws(self.party, self.actor) is None

    def get(self, request: HttpRequest) -> HttpResponse:
        refusal = rules.withdraws(self.party, self.actor)
        if refusal is not None:
            people = [] if self.party.is_client else queries.who_withdraws(self.party)
            context = {"why_not": str(refusal), "people": people, "party": self.party}
            return render(request, "payments/withdraw_closed.html", context, status=403)
        page = self.page()
        if page is None:
            return render(request, "payments/withdraw_nothing.html")
        return self.show(page, WithdrawForm(page, initial=typed.kept_for(request)))

    def post(self, request: HttpRequest) -> HttpResponse:
        refusal = rules.withdraws(self.party, self.actor)
        if refusal is not None:
            raise NotYours(refusal)
        page = self.page()
        if page is None:
            raise Http404
        form = WithdrawForm(page, request.POST)
        if "update" in request.POST or not (earlier := self._earlier(form)):
            return self._plan(page, form)
        return self._follow(page, form, earlier)

    def page(self) -> WithdrawPage | None:
        """What the talent has in the currency that the address names.

        Raises:
            Http404: that is none of its currencies.
        """
        named = self.request.GET.get("currency", "")
        page = queries.withdraw_page(self.party, named)
        if page is None and named:
            raise Http404
        return page

    def show(self, page: WithdrawPage, form: WithdrawForm) -> HttpResponse:
        tabs = [
            Tab(label=f"{name} {there}", url=_address(name), current=name == page.currency)
            for name, there in page.currencies.items()
        ]
        context = {"page": page, "form": form, "tabs": tabs, "here": _address(page.currency)}
        return render(self.request, "payments/withdraw.html", context)

    def _earlier(self, form: WithdrawForm) -> GatewayOperation | None:
        """What this very form began before: a second click gets the first one's answer."""
        begun = payouts.begun_with(form["key"].value() or "", self.party)
        return begun if begun is not None and form.led_to(begun) else None

    def _plan(self, page: WithdrawPage, form: WithdrawForm) -> HttpResponse:
        """Withdraw what was read; whatever was not is shown first."""
        if not form.is_valid() or "update" in self.request.POST:
            return self.show(page, form)
        plan = form.plan
        if plan is None or not form.has_shown:
            form.add_error(None, LOOK_AGAIN)
            return self.show(page, form)
        try:
            withdrawal = payouts.withdraw(
                self.party,
                amount=plan.amount,
                destination=form.cleaned_data["destination"],
                key=form.cleaned_data["key"],
                by=self.actor,
            )
        except (NotYours, KeyReused):
            raise
        except Refused as refused:
            return self._again(form, refused)
        return self._begun(withdrawal)

    def _follow(
        self, page: WithdrawPage, form: WithdrawForm, earlier: GatewayOperation
    ) -> HttpResponse:
        try:
            return self._begun(payouts.follow(earlier))
        except Refused as refused:
            return self._again(form, refused)

    def _again(self, form: WithdrawForm, refused: Refused) -> HttpResponse:
        """The same form on the figures of now; if the money came back, it is a new try."""
        page = self.page()
        assert page is not None
        again = WithdrawForm(page, self.request.POST)
        again.is_valid()
        again.refuse(refused)
        if not isinstance(refused, InvalidInput):
            again.try_again()
        return self.show(page, again)

    def _begun(self, withdrawal: GatewayOperation) -> HttpResponse:
        messages.success(self.request, _receipt(withdrawal))
        return redirect(_address(withdrawal.currency))


def _address(currency: str) -> str:
    return f"{reverse('withdraw')}?currency={currency}"


def _receipt(withdrawal: GatewayOperation) -> str:
    amount, label = withdrawal.amount, withdrawal.method_label
    if withdrawal.state in NOT_ARRIVED:
        return f"{amount} came back: {withdrawal.declined_because}"
    if withdrawal.is_open:
        return f"{amount} left your balance. {NO_ANSWER_YET} You will be told."
    by = withdrawal.arrives_on
    expected = f" Expect it by {dateformat.format(by, 'j F Y')}." if by else ""
    return f"{amount} is on its way to {label}.{expected}"
