"""Where allauth meets the product: signing up makes a party, a confirmed address claims offers."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from marketplace import clock, parties
from marketplace.models import User


class AccountAdapter(DefaultAccountAdapter):
    """Our sign-up form's fields, and invitations."""

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        user.name = form.cleaned_data["name"]
        user.signed_up_as = form.cleaned_data["kind"]
        user.date_joined = clock.now()
        saved: User = super().save_user(request, user, form, commit)
        return saved

    def is_safe_url(self, url: str | None) -> bool:
        """Whether to go on to a page after signing in; what is no address is none of ours."""
        try:
            return bool(super().is_safe_url(url))
        except ValueError:
            return False

    def confirm_email(self, request: HttpRequest, email_address: Any) -> bool:
        """A confirmed address makes the party; offers that waited for the address are its own."""
        confirmed: bool = super().confirm_email(request, email_address)
        if confirmed:
            parties.welcome(by=email_address.user)
        return confirmed
