"""The page about ways to pay, and to be paid; and the ways to the provider's pages and back."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from marketplace import typed
from marketplace.actors import Actor
from marketplace.refusals import NotYours, Overtaken, Refused
from marketplace.views.base import ActingView
from marketplace.views.sure import RecentlySignedInView
from payments import gateways, rules, wallet
from payments.forms_wallet import BACK, KEEP, CreditChoiceForm
from payments.gateways.base import Unavailable
from payments.models import PaymentMethod
from payments.queries.wallet import wallet_page

UNREACHABLE: Final = (
    "The payment provider cannot be reached just now. Nothing was changed; try again in a few"
    " minutes."
)


class MoneyView(ActingView):
    """For owners and managers of the acting party; the others read why not."""

    def refuse(self) -> None:
        """See :func:`payments.rules.sees_money`.

        Raises:
            NotYours: this person may not.
        """
        refusal = rules.sees_money(self.party, self.actor)
        if refusal is not None:
            raise NotYours(refusal)


class WalletActionView(MoneyView, RecentlySignedInView):
    """What changes how a party pays, or where it is paid to."""

    def must_be_sure(self) -> bool:
        self.refuse()
        return True


class PaymentMethodsView(MoneyView):
    """Ways to pay, the first one, and what happens to money that comes back; or where it goes."""

    def get(self, request: HttpRequest) -> HttpResponse:
        self.refuse()
        page = wallet_page(self.party)
        initial = {"choice": BACK if page.goes_back else KEEP} | typed.kept_for(request)
        context = {"page": page, "party": self.party, "form": CreditChoiceForm(initial=initial)}
        return render(request, "payments/methods.html", context)


class AddPaymentMethodView(WalletActionView):
    """To the provider's page on which a way to pay is saved."""

    http_method_names = ("post", "options")

    def post(self, request: HttpRequest) -> HttpResponse:
        back_to = request.build_absolute_uri(reverse("payment_method_added"))
        try:
            return redirect(gateways.gateway().add_method(self.party, back_to=back_to))
        except Unavailable:
            messages.warning(request, UNREACHABLE)
            return redirect("payment_methods")


class PaymentMethodAddedView(MoneyView):
    """Back from there. Without ``session`` nothing was saved, and nothing is said."""

    def get(self, request: HttpRequest) -> HttpResponse:
        self.refuse()
        session = request.GET.get("session", "")
        if not session:
            return redirect("payment_methods")
        try:
            method = wallet.take_saved(self.party, session, by=self.actor)
        except Unavailable:
            return render(request, "payments/methods_wait.html", {"again": request.get_full_path()})
        except NotYours:
            raise
        except Refused as refused:
            messages.info(request, refused.sentence)
        else:
            messages.success(request, f"{method.label} was added. You can pay with it now.")
        return redirect("payment_methods")


class PreferPaymentMethodView(WalletActionView):
    """This one first wherever a way to pay is chosen."""

    http_method_names = ("post", "options")

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            chosen = wallet.prefer(self.party, request.POST.get("token", ""), by=self.actor)
        except Overtaken as overtaken:
            messages.info(request, overtaken.sentence)
        else:
            messages.success(request, f"{chosen.label} now stands first wherever you pay.")
        return redirect("payment_methods")


class RemovePaymentMethodView(WalletActionView):
    """What removing it means, then its removal."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        method = self.find(methods_of, pk=pk)
        return render(request, "payments/methods_remove.html", {"method": method})

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        method = self.find(methods_of, pk=pk)
        try:
            wallet.remove(method, by=self.actor)
        except Overtaken as overtaken:
            messages.info(request, overtaken.sentence)
        else:
            messages.success(request, f"{method.label} was removed. It is not charged any more.")
        return redirect("payment_methods")


class AddDestinationView(WalletActionView):
    """To the provider's page on which a talent says where it is paid to."""

    http_method_names = ("post", "options")

    def post(self, request: HttpRequest) -> HttpResponse:
        if self.party.is_client:
            raise NotYours("Only freelancers and agencies withdraw money.")
        back_to = request.build_absolute_uri(reverse("destination_added"))
        try:
            return redirect(gateways.gateway().add_destination(self.party, back_to=back_to))
        except Unavailable:
            messages.warning(request, UNREACHABLE)
            return redirect("payment_methods")


class DestinationAddedView(MoneyView):
    """Back from there, finished or not: the provider says how far it is."""

    def get(self, request: HttpRequest) -> HttpResponse:
        self.refuse()
        try:
            known = wallet.refresh_destination(self.party)
        except Unavailable:
            messages.warning(request, UNREACHABLE)
        else:
            if known.can_be_paid:
                where = known.destination_label or "your account"
                messages.success(request, f"Withdrawals go to {where} now.")
            elif known.destination:
                messages.info(request, "The payment provider still needs something from you.")
        return redirect("payment_methods")


def methods_of(actor: Actor) -> QuerySet[PaymentMethod]:
    """The ways to pay that the acting party has saved and not removed."""
    return PaymentMethod.objects.filter(party=actor.party, removed_at=None).select_related("party")
