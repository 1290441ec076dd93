"""A member who may not end a contract asks those of their own party who may."""

from __future__ import annotations

from django.db import transaction

from contracts import closing, notices, rules
from contracts.models import Contract
from marketplace import clock, once, policy, transitions
from marketplace.actors import Actor
from marketplace.refusals import InvalidInput, Overtaken


@transaction.atomic
def ask_to_end(contract: Contract, *, text: str = "", by: Actor) -> bool:
    """Tell the owners and managers of the member's own party that they ask for the end.

    Once per member, contract and day in UTC (D). The other side is told nothing.

    Args:
        text: a line they will read, at most ``policy.MEMO_LENGTH`` characters; may be empty.

    Returns:
        Whether they were told now; not when this member asked before today.

    Raises:
        NotYours: no member of either side, or one who may end it.
        Overtaken: it has ended already, or never began.
        InvalidInput: the text is too long. Nobody was told in any of these cases.
    """
    contract = transitions.enter(contract)
    if contract.is_ended and contract.side_of(by.party_id):
        raise Overtaken(closing.ended_sentence(contract, by))
    rules.refuse(rules.asks_to_end(contract, by))
    if len(text) > policy.MEMO_LENGTH:
        raise InvalidInput(f"Write at most {policy.MEMO_LENGTH} characters.", field="text")
    member, today = by.as_member.pk, clock.now().date()
    asked_before = once.claim(f"ask-to-end:{contract.pk}:{member}:{today}", member=member)
    if asked_before is not None:
        return False
    notices.asked_to_end(contract, text=text.strip(), by=by)
    return True
