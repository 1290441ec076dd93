"""Input of the contracts pages: what is taken, and which sentence stands beside which field."""

from __future__ import annotations

import pytest
from django.urls import reverse

from contracts.forms.base import MethodForm, ReasonForm, offer_methods
from contracts.forms.ending import EndForm
from contracts.forms.milestones import ApproveForm, MilestoneForm, SubmitForm
from contracts.forms.offers import OfferForm
from contracts.plans import Choice
from marketplace.refusals import FiguresChanged, InvalidInput
from payments.gateways import sandbox
from payments.gateways.base import Method
from tests.factories import usd

METHODS = (Method(token=sandbox.ACCEPTS, label="Card", help="It pays."),)
TERMS = {
    "key": "k",
    "email": "ada@example.com",
    "title": "Poster",
    "currency": "USD",
    "milestone": "Draft",
    "amount": "80",
    "fund": "later",
}


def end_form(data=None, *, escrow="300", asks=True) -> EndForm:
    return EndForm(data, escrow=usd(escrow), asks=asks, other="Ada")


def offer_form(data=None, partners=()) -> OfferForm:
    return OfferForm(data, partners=list(partners), methods=METHODS)


# Ending -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "decided"),
    [
        ({"choice": "all"}, Choice.all()),
        ({"choice": "nothing"}, Choice.nothing()),
        ({"choice": "part", "amount": "100"}, Choice.part(usd(100))),
    ],
)
def test_end_form_makes_the_choice(data, decided):
    form = end_form(data)

    assert form.is_valid()
    assert form.decided == decided


@pytest.mark.parametrize(
    ("data", "errors"),
    [
        ({}, {"choice"}),
        ({"choice": "half"}, {"choice"}),
        ({"choice": "part"}, {"amount"}),
        ({"choice": "part", "amount": "301"}, {"amount"}),
        ({"choice": "all", "amount": "1"}, {"amount"}),
        ({"choice": "nothing", "amount": "x"}, {"amount"}),
        ({"choice": "all", "reason": "revenge"}, {"reason"}),
        ({"choice": "all", "note": "x" * 2_001}, {"note"}),
    ],
)
def test_end_form_without_a_clear_choice_decides_nothing(data, errors):
    form = end_form(data)

    assert set(form.errors) == errors
    if errors & {"choice", "amount"}:
        assert form.decided is None


def test_end_form_decides_nothing_before_it_is_sent():
    form = end_form()

    assert form.decided is None
    assert form.chosen == ""


def test_end_form_that_asks_nothing_ignores_what_is_typed_about_it():
    form = end_form({"choice": "half", "amount": "-1"}, escrow="0", asks=False)

    assert form.is_valid()
    assert form.decided == Choice.nothing()
    assert form.chosen == "half"


def test_end_form_names_who_reads_the_note():
    form = end_form()

    assert form.fields["note"].label == "Note to Ada"
    assert form.fields["note"].help_text == "Ada will read it."
    assert form.fields["reason"].help_text == "Only you and support see it."


def test_refusal_stands_beside_its_field_and_others_above_the_form():
    form = end_form({"choice": "all"})
    form.refuse(InvalidInput("Too little.", field="amount"))
    form.refuse(InvalidInput("Which side?", field="side"))
    form.refuse(FiguresChanged("It changed."))

    assert form.errors == {"amount": ["Too little."], "__all__": ["Which side?", "It changed."]}


# Approving --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "release"),
    [
        (None, usd(500)),
        ({"choice": "whole"}, usd(500)),
        ({"choice": "part", "amount": "200"}, usd(200)),
        ({"choice": "part", "amount": "600"}, usd(500)),
        ({"choice": "part", "amount": ""}, usd(500)),
        ({"choice": "whole", "amount": "200"}, usd(500)),
    ],
)
def test_approve_form_releases_the_whole_until_another_amount_is_typed_right(data, release):
    form = ApproveForm(None if data is None else {"key": "k", **data}, whole=usd(500))

    assert form.release == release


def test_approve_form_still_releases_the_part_after_it_asked_once_more():
    form = ApproveForm({"key": "k", "choice": "part", "amount": "200"}, whole=usd(500))
    form.add_error(None, "Here is what you release.")

    assert form.release == usd(200)


# Offering ---------------------------------------------------------------------------------------


def test_offer_form_without_partners_asks_for_an_address_alone():
    form = offer_form(TERMS)

    assert form.is_valid()
    assert form.by_email
    assert "talent" not in form.fields


@pytest.mark.parametrize(
    ("data", "errors", "by_email"),
    [
        ({"talent": "7", "email": ""}, set(), False),
        ({"talent": "email"}, set(), True),
        ({}, set(), True),
        ({"talent": "email", "email": ""}, {"email"}, True),
        ({"talent": "7"}, {"email"}, False),
        ({"talent": "8", "email": ""}, {"talent"}, False),
        ({"email": ""}, {"talent"}, False),
    ],
)
def test_offer_form_with_partners_takes_one_of_them_or_an_address(data, errors, by_email):
    form = offer_form(TERMS | data, [("7", "Ada")])

    assert set(form.errors) == errors
    assert form.by_email is by_email


def test_offer_form_counts_in_the_currency_that_was_typed():
    form = offer_form(TERMS | {"currency": "EUR"})

    assert form.is_valid()
    assert form.cleaned_data["amount"].currency == "EUR"


def test_refused_talent_stands_beside_what_named_them():
    by_address, by_name = (
        offer_form(TERMS),
        offer_form(TERMS | {"talent": "7", "email": ""}, [("7", "Ada")]),
    )
    for form in (by_address, by_name):
        assert form.is_valid()
        form.refuse(InvalidInput("One person belongs to both sides.", field="talent"))

    assert list(by_address.errors) == ["email"]
    assert list(by_name.errors) == ["talent"]


# The others -------------------------------------------------------------------------------------


def test_links_are_read_line_by_line():
    form = SubmitForm(
        {"message": "Done.", "links": " https://a.example \n\n\r\nhttp://b.example/x"}
    )

    assert form.is_valid()
    assert form.cleaned_data["links"] == ["https://a.example", "http://b.example/x"]


@pytest.mark.parametrize(
    "link",
    ["javascript:alert(1)", "data:text/html,x", "ftp://a.example", "a.example", "http://[::1"],
)
def test_other_links_are_refused_by_name(link):
    form = SubmitForm({"message": "Done.", "links": f"https://fine.example\n{link}"})

    (error,) = form.errors["links"]
    assert error.endswith("is no web address. Start with https://.")


@pytest.mark.parametrize("make", [MilestoneForm, MethodForm])
def test_every_form_that_creates_something_has_a_key_of_its_own(make):
    given = {"currency": "USD"} if make is MilestoneForm else {"methods": METHODS}
    keys = {make(**given)["key"].value() for _ in range(3)}

    assert len(keys) == 3


def test_methods_say_what_they_do():
    form = MethodForm(methods=METHODS)
    offer_methods(form.fields["method"], METHODS)

    assert form.fields["method"].choices == [("", "Choose"), (sandbox.ACCEPTS, "Card (it pays)")]


def test_without_a_method_the_form_leads_to_where_one_is_saved():
    form = MethodForm(methods=())

    assert form.fields["method"].choices == [("", "Choose")]
    assert f'href="{reverse("payment_methods")}"' in form.fields["method"].help_text


def test_reason_of_blanks_is_none():
    assert set(ReasonForm({"because": " \n "}).errors) == {"because"}
