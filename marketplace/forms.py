"""Forms of the ground floor."""

from __future__ import annotations

from zoneinfo import available_timezones

from allauth.account.forms import SignupForm as AllauthSignupForm
from django import forms

from marketplace.models import User
from marketplace.states import PartyKind


class SignupForm(AllauthSignupForm):  # type: ignore[misc]
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


class AccountForm(forms.ModelForm[User]):
    """Name and time zone."""

    time_zone = forms.ChoiceField(
        label="Time zone",
        required=False,
        help_text="Dates and deadlines are shown in this zone.",
    )

    class Meta:
        model = User
        fields = ("name", "time_zone")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        zones = sorted(zone for zone in available_timezones() if "/" in zone or zone == "UTC")
        self.fields["time_zone"].choices = [("", "As my browser says"), *zip(zones, zones)]  # type: ignore[attr-defined]
