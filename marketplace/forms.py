"""Forms of the ground floor."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import SignupForm as AllauthSignupForm
from django import forms

from marketplace import policy, zones
from marketplace.states import PartyKind


class SignupForm(AllauthSignupForm):
    """Sign up as a client, a freelancer or an agency."""

    kind = forms.ChoiceField(
        label="I want to use Closeout as",
        choices=[
            (PartyKind.CLIENT, "a client: I hire"),
            (PartyKind.FREELANCER, "a freelancer: I work"),
            (PartyKind.AGENCY, "an agency: my team works"),
        ],
        widget=forms.RadioSelect,
    )
    name = forms.CharField(
        label="Name",
        max_length=120,
        help_text="Yours or your company's, as the other side of a contract will read it.",
    )

    field_order = ("kind", "name", "email", "password1", "password2")


class AccountForm(forms.Form):
    """Name and time zone."""

    name = forms.CharField(label="Your name", max_length=120)
    time_zone = forms.ChoiceField(
        label="Time zone",
        required=False,
        help_text="Dates and deadlines are shown in this zone.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = [(name, name.replace("_", " ")) for name in zones.choices()]
        self.fields["time_zone"].choices = [("", "As my browser says"), *named]  # type: ignore[attr-defined]


class ContactForm(forms.Form):
    """A message to support. Whoever has signed in is answered at their own address."""

    email = forms.EmailField(label="Your e-mail", help_text="We answer to this address.")
    subject = forms.CharField(label="What is it about?", max_length=policy.TITLE_LENGTH)
    text = forms.CharField(
        label="Your message", max_length=policy.TEXT_LENGTH, widget=forms.Textarea
    )
    contract = forms.CharField(
        label="Contract", max_length=16, required=False, widget=forms.HiddenInput
    )
    key = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def __init__(self, *args: Any, signed_in: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if signed_in:
            del self.fields["email"]
