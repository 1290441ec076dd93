"""How support finds people and their rows: by what an index answers, never by looking at all."""

from __future__ import annotations

from typing import Final

from django.db.models import Q, Value
from django.db.models.functions import Lower
from django.db.models.lookups import GreaterThanOrEqual, LessThan

from marketplace.models import Membership, Party

PARTIES: Final = 100
"""So many parties that a name may mean."""

_LAST: Final = "\U0010ffff"


def begins(column: str, text: str) -> Q:
    """Rows whose column begins with a text, in any case; a range of the index on its lower case."""
    lower = Lower(column)
    return Q(GreaterThanOrEqual(lower, Lower(Value(text)))) & Q(
        LessThan(lower, Lower(Value(f"{text}{_LAST}")))
    )


def parties(term: str) -> list[int]:
    """The ids of parties whose name begins so, or for which the owner of an address acts."""
    if "@" in term:
        address = term.lower()
        invited = Party.objects.filter(invited_email=address)
        acting = Membership.objects.filter(user__email=address).values_list("party_id", flat=True)
        return [*acting.order_by("pk")[:PARTIES], *invited.values_list("pk", flat=True)]
    named = Party.objects.filter(begins("name", term)).order_by("pk")
    return list(named.values_list("pk", flat=True)[:PARTIES])
