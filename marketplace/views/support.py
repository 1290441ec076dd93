"""Contact support: opens a case, also for whoever cannot sign in."""

from __future__ import annotations

from typing import Any

from allauth.core import ratelimit
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.generic import View

from marketplace import cases, once
from marketplace.actors import PLATFORM
from marketplace.forms import ContactForm
from marketplace.models import Case
from marketplace.refusals import Refused
from marketplace.requests import PageRequest


class Contact(View):
    def get(self, request: PageRequest) -> HttpResponse:
        contract = request.GET.get("contract", "")[:16]
        initial = {"contract": contract, "key": once.new_key()}
        form = ContactForm(initial=initial, signed_in=request.user.is_authenticated)
        return _page(request, form, contract)

    def post(self, request: PageRequest) -> HttpResponse:
        form = ContactForm(request.POST, signed_in=request.user.is_authenticated)
        if form.is_valid() and not ratelimit.consume(request, action="contact_support"):
            form.add_error(None, "Many messages came from here. Please wait an hour.")
        if form.is_valid():
            try:
                case = _open(request, form.cleaned_data)
            except Refused as refused:
                form.add_error(None, refused.sentence)
            else:
                sentence = "Your message reached us as case {}. We answer to {}."
                messages.success(request, sentence.format(case.reference, case.email))
                return redirect("help")
        return _page(request, form, request.POST.get("contract", "")[:16])


def _page(request: PageRequest, form: ContactForm, contract: str) -> HttpResponse:
    return render(request, "marketplace/contact.html", {"form": form, "contract": contract})


def _open(request: PageRequest, given: dict[str, Any]) -> Case:
    person = request.user if request.user.is_authenticated else None
    return cases.open_case(
        subject=given["subject"],
        text=given["text"],
        email=person.email if person else given["email"],
        contract=given["contract"],
        key=given["key"],
        person=person,
        by=request.acting.actor or PLATFORM,
    )
