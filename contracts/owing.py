"""Who owes hours: a client with a declined charge cannot offer or fund before it is paid."""

from __future__ import annotations

from contracts.models import Contract
from marketplace.models import Party
from marketplace.refusals import Refused


def client_owes(party: Party) -> bool:
    """Whether hours of this client are not paid: a charge for them was declined. One query."""
    return _unpaid(party) is not None


def refuse_who_owes(party: Party) -> None:
    """A client who owes hours makes no offers and funds nothing (rule book).

    Raises:
        Refused: names the contract.
    """
    contract = _unpaid(party)
    if contract is not None:
        raise Refused(
            f"The hours on {contract.title} are not paid yet. Pay them first; then you can make"
            " offers and fund milestones again."
        )


def _unpaid(party: Party) -> Contract | None:
    """A contract is on hold exactly while a week of it is not paid."""
    return Contract.objects.filter(client=party).exclude(hold_since=None).order_by("pk").first()
