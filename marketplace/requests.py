"""Requests as our views get them, for the type checker: what the middleware has added."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from marketplace.acting import Acting
from marketplace.models import User


class PageRequest(HttpRequest):
    """Of anybody; ``acting`` says for whom, if for anybody."""

    acting: Acting
    user: User | AnonymousUser


class SignedInRequest(PageRequest):
    """Of somebody who has signed in."""

    user: User
