"""Credit that goes back to what was charged: now, or by wish at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from marketplace import moments, typed
from marketplace.components import Effect
from marketplace.money import Money, total
from marketplace.refusals import InvalidInput, NotYours
from marketplace.views.sure import RecentlySignedInView
from payments import credits, rules
from payments.credits import Part, Sendable
from payments.forms_wallet import CreditBackForm, CreditChoiceForm, figures
from payments.models import GatewayOperation
from payments.queries.credit import CreditPage, credit_page
from payments.states import NOT_ARRIVED

GOES_BACK: Final = (
    "Money that comes back to you goes back to what was charged from now on, within minutes, and so"
    " does the credit you have now. What cannot go back stays as credit."
)
STAYS: Final = (
    "Money that comes back to you stays as credit from now on, and pays your next charge first."
)


class ClientsMoneyView(RecentlySignedInView):
    """For a client's owners and managers; the others read why not, before they are asked."""

    def must_be_sure(self) -> bool:
        refusal = rules.has_credit(self.party, self.actor)
        if refusal is not None:
            raise NotYours(refusal)
        return True


class SendCreditBackView(ClientsMoneyView):
    """Choose an amount, read where it goes, confirm; nothing moves before it was read."""

    def get(self, request: HttpRequest) -> HttpResponse:
        page = self.page()
        if page is None:
            return render(request, "payments/credit_none.html", {})
        return self.show(page, CreditBackForm(page.found, initial=typed.kept_for(request)))

    def post(self, request: HttpRequest) -> HttpResponse:
        earlier = self._earlier()
        if earlier:
            return self._sent(earlier)
        page = self.page()
        if page is None:
            return redirect("send_credit_back")
        form = CreditBackForm(page.found, request.POST)
        if not form.is_valid():
            return self.show(page, form)
        try:
            parts = page.found.of(form.chosen)
            if "confirm" not in request.POST or not form.has_shown(parts):
                return self.show(page, form, parts)
            sent = credits.send_back(
                page.account,
                amount=form.chosen,
                key=form.cleaned_data["key"],
                by=self.actor,
            )
        except InvalidInput as refused:
            form.refuse(refused)
            return self.show(page, form)
        return self._sent(sent)

    def page(self) -> CreditPage | None:
        return credit_page(self.party, self.request.GET.get("currency", ""))

    def show(
        self, page: CreditPage, form: CreditBackForm, parts: Sequence[Part] = ()
    ) -> HttpResponse:
        context: dict[str, Any] = {
            "page": page,
            "found": page.found,
            "form": form,
            "goes": [_goes_to(part) for part in page.found.parts],
            "sends": None,
        }
        if parts:
            form.show(parts)
            context["sends"] = sends = total([one.amount for one in parts], form.chosen.currency)
            context["effects"] = _effects(page.found, parts, sends)
            context["confirm_label"] = f"Send {sends} back"
        return render(self.request, "payments/credit_back.html", context)

    def _earlier(self) -> list[GatewayOperation]:
        """What this very form sent before: a second click gets the first one's answer."""
        if "confirm" not in self.request.POST:
            return []
        sent = credits.sent_with(self.request.POST.get("key", ""), self.party)
        mark = figures([Part(one.of, one.amount) for one in sent if one.of])
        return sent if mark == self.request.POST.get("shown") else []

    def _sent(self, sent: Sequence[GatewayOperation]) -> HttpResponse:
        gone = [one for one in sent if one.state not in NOT_ARRIVED]
        if gone:
            messages.success(self.request, _receipt(gone))
        for one in sent:
            if one.state in NOT_ARRIVED:
                messages.warning(self.request, _not_sent(one))
        return redirect("payments")


class ChooseCreditView(ClientsMoneyView):
    """What should happen to money that comes back: asked on the page of payment methods."""

    http_method_names = ("post", "options")

    def post(self, request: HttpRequest) -> HttpResponse:
        form = CreditChoiceForm(request.POST)
        if form.is_valid():
            credits.choose(self.party, goes_back=form.goes_back, by=self.actor)
            messages.success(request, GOES_BACK if form.goes_back else STAYS)
        else:
            messages.error(request, str(form.errors["choice"][0]))
        return redirect("payment_methods")


def _effects(found: Sendable, parts: Sequence[Part], sends: Money) -> list[Effect]:
    effects = [_goes_to(part) for part in parts]
    stays = found.credit - sends
    if stays:
        because = found.why if sends == found.possible else "It pays your next charge first."
        effects.append(Effect(term="Stays as your credit", value=stays, detail=because))
    return effects


def _goes_to(part: Part) -> Effect:
    charge = part.charge
    assert charge.book is not None
    assert charge.settled_at is not None
    charged = f"charged {moments.day(charge.settled_at)} for {charge.book.title}"
    return Effect(term=f"To {_named(charge)}", value=part.amount, detail=charged)


def _receipt(sent: Sequence[GatewayOperation]) -> str:
    whole = total([one.amount for one in sent], sent[0].currency)
    parts = ", ".join(f"{one.amount} to {_named(one)}" for one in sent)
    where = f"to {_named(sent[0])}" if len(sent) == 1 else f"({parts})"
    return (
        f"{whole} of your credit is on its way back {where}. Banks take a few days to show it;"
        " what does not arrive becomes credit again, and you are told."
    )


def _not_sent(operation: GatewayOperation) -> str:
    return (
        f"{operation.amount} could not be sent back to {_named(operation)}"
        f" and is your credit again. {operation.declined_because}"
    ).strip()


def _named(operation: GatewayOperation) -> str:
    """How people call what was charged."""
    return operation.method_label or "the payment method that was charged"
