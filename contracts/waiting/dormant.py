"""What a dormant contract asks of a side, in a row of My Jobs; the room says more."""

from __future__ import annotations

from typing import Final

from django.urls import reverse

from contracts.models import Contract, Dormancy
from contracts.states import DormancyState
from contracts.waiting.shape import Waiting
from marketplace.money import Money

_ASKS: Final = {
    DormancyState.CLIENT_ASKED: ("Say what becomes of {escrow}", "{talent} is asked"),
    DormancyState.TALENT_ASKED: ("Answer about {escrow} in escrow", "it goes back to {client}"),
    DormancyState.RELEASE_ASKED: ("Answer about {escrow} in escrow", "it is paid to {talent}"),
}


def about_dormancy(contract: Contract, dormancy: Dormancy, escrow: Money) -> Waiting:
    """For the side whose silence takes the next step."""
    names = {"client": contract.client.name, "talent": contract.talent.name, "escrow": escrow}
    words, then = _ASKS[DormancyState(dormancy.state)]
    return Waiting(
        words=words.format(**names),
        icon="moon",
        url=reverse("room", args=[contract.reference]),
        title="This contract is dormant.",
        until=dormancy.due_at,
        then=then.format(**names),
    )
