"""The site's addresses and the gallery's."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Final

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path

from marketplace.components import (
    DiaryDay,
    Effect,
    MenuItem,
    Part,
    Stage,
    Stretch,
    Tab,
    Track,
)
from marketplace.money import Money
from marketplace.urls import urlpatterns as site

SOURCE: Final = Path(__file__).with_name("gallery.html")
NOW: Final = datetime(2026, 11, 19, 15, 0, tzinfo=UTC)
DUE: Final = datetime(2026, 12, 2, 14, 5, tzinfo=UTC)

PARTY = SimpleNamespace(
    id=1, name="North Studio", kind_label="Client", initials="NS", is_client=True
)
OTHER = SimpleNamespace(id=2, name="Demo Agency", kind_label="Agency")
FRAME = SimpleNamespace(
    signed_in=True, acting=PARTY, parties=[OTHER], unread=2, demo=SimpleNamespace(now=NOW)
)
AMOUNTS = {
    "paid": ("Paid", 450_00),
    "review": ("In review", 120_00),
    "held": ("In escrow", 300_00),
    "returned": ("Returned from escrow", 150_00),
    "refunded": ("Refunded", 2_00),
    "planned": ("Planned, not funded", 150_00),
    "fee": ("Fee", 45_00),
}


class GalleryForm(forms.Form):
    amount = forms.CharField(help_text="At least $5.00.")
    kind = forms.ChoiceField(choices=[("fixed", "Fixed price"), ("hourly", "Hourly")])
    side = forms.ChoiceField(
        choices=[("client", "a client"), ("talent", "a freelancer")], widget=forms.RadioSelect
    )
    note = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 2}))
    agreed = forms.BooleanField(label="I give up the $500.00 that is in escrow.")

    def clean(self) -> None:
        raise forms.ValidationError("North Studio ended this contract 2 minutes ago.")


def show(request: HttpRequest) -> HttpResponse:
    if "told" in request.GET:
        messages.success(request, "Milestone 2 is paid.")
    source = engines["django"].from_string(SOURCE.read_text())
    return HttpResponse(source.render(_context(request), request))


def count(request: HttpRequest) -> HttpResponse:
    """Count how often a form arrives."""
    request.session["arrived"] = request.session.get("arrived", 0) + 1
    return HttpResponse(status=204)


def arrived(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(request.session.get("arrived", 0)))


def _context(request: HttpRequest) -> dict[str, object]:
    wrong = GalleryForm({"amount": "", "kind": "fixed"})
    wrong.full_clean()
    return {
        "frame": FRAME,
        "now": NOW,
        "due": DUE,
        "amount": Money(500_00),
        "opened": "opened" in request.GET,
        "menu_items": [
            MenuItem(label="Add new milestone", url="#", icon="plus-circle"),
            MenuItem(label="Give a bonus", url="/count/", icon="gift", method="post"),
            MenuItem(label="Pause", icon="pause", disabled_reason="Only an owner can pause."),
            MenuItem(label="End contract", dialog="end", icon="x-circle", separator_before=True),
        ],
        "tabs": [
            Tab(label="Overview", url="#", current=True),
            Tab(label="Payments", url="#"),
            Tab(label="Handover", url="#", count="2 open"),
            Tab(label="Feedback", url="#", count=1),
        ],
        "parts": [
            Part(kind=kind, label=label, amount=Money(minor))
            for kind, (label, minor) in AMOUNTS.items()
        ],
        "effects": [
            Effect(term="Paid to Demo Freelancer", value=Money(100_00), was=Money(300_00)),
            Effect(term="Feedback opens for both", value="until 4 December 2026", detail="sealed"),
        ],
        "tracks": [
            Track(
                amount=Money(100_00),
                what="to Demo Freelancer",
                stages=[
                    Stage(word="released", state="past"),
                    Stage(word="pending until 24 November", state="here"),
                    Stage(word="available", state="future"),
                ],
            )
        ],
        "stages": [
            Stage(word="Asked 15 November", state="past"),
            Stage(word="Your answer by 22 November", state="here"),
            Stage(word="Returned", state="future"),
        ],
        "days": [
            DiaryDay(
                label="Mon 16",
                total="2 h",
                stretches=[
                    Stretch(start=540, end=630, kind="auto"),
                    Stretch(start=780, end=810, kind="manual"),
                ],
            ),
            DiaryDay(
                label="Tue 17", total="–", stretches=[Stretch(start=935, end=958, kind="run")]
            ),
        ],
        "form": wrong,
    }


urlpatterns = [
    path("gallery/", show),
    path("count/", count),
    path("arrived/", arrived),
    *site,
]
