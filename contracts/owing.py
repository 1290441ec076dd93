"""Who owes: a client with unpaid hours, or a charge its bank took back, cannot offer or fund."""

from __future__ import annotations

from contracts.models import Contract
from marketplace.models import Party
from marketplace.refusals import Refused
from payments import chargebacks


def client_owes(party: Party) -> bool:
    """Whether this client owes hours, or what its bank took back. Two queries at most."""
    return _unpaid(party) is not None or chargebacks.blocks(party)


def refuse_who_owes(party: Party) -> None:
    """A client who owes makes no offers and funds nothing (rule book).

    Raises:
        Refused: names the contract, and what is to be done.
    """
    contract = _unpaid(party)
    if contract is not None:
        raise Refused(
            f"The hours on {contract.title} are not paid yet. Pay them first; then you can make"
            " offers and fund milestones again."
        )
    chargeback = chargebacks.blocking(party).select_related("book").order_by("pk").first()
    if chargeback is not None:
        raise Refused(
            f"Your bank took back a charge for {chargeback.book.title}, and"
            f" {chargeback.from_operator} of it is not covered. Ask your bank to take the dispute"
            " back, or write to support; then you can make offers and fund milestones again."
        )


def _unpaid(party: Party) -> Contract | None:
    """A contract is on hold exactly while a week of it is not paid."""
    return Contract.objects.filter(client=party).exclude(hold_since=None).order_by("pk").first()
