"""Messages between the two sides, during the contract and after it."""

from __future__ import annotations

from django.db import transaction

from contracts import notices, positions, rules
from contracts.models import Contract, Message
from contracts.states import Side
from marketplace import clock, once, transitions
from marketplace.actors import Actor
from marketplace.refusals import InvalidInput


@transaction.atomic
def write(contract: Contract, *, text: str, key: str, by: Actor) -> Message:
    """Write to the other side.

    Args:
        text: at most ``policy.TEXT_LENGTH`` characters, checked by the form.
        key: the form's key.

    Raises:
        NotYours: not a side of this contract.
        Overtaken: the offer came to nothing.
        InvalidInput: nothing was written.
    """
    contract = transitions.enter(contract)
    again = once.claim(key, contract=contract.pk, text=text)
    if again is not None:
        return Message.objects.get(pk=again.result)
    rules.refuse(rules.may_write(contract, by))
    if not text.strip():
        raise InvalidInput("Write something first.", field="text")
    message = Message.objects.create(
        contract=contract, author=by.as_member, text=text.strip(), at=clock.now()
    )
    positions.touch(contract, now=clock.now(), wakes=not _belongs_to_asking(contract, by))
    notices.message_received(message, by=by)
    once.keep(key, message.pk)
    return message


def _belongs_to_asking(contract: Contract, by: Actor) -> bool:
    """A talent that asked for its release may write about it without taking its question back."""
    dormancy = contract.open_dormancy
    return (
        dormancy is not None
        and dormancy.is_release_asked
        and contract.side_of(by.party_id) is Side.TALENT
    )
