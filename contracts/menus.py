"""The (...) menu of a contract: the same in the room and in My Jobs."""

from __future__ import annotations

from django.urls import reverse

from contracts import rules
from contracts.models import Contract
from contracts.states import Side
from marketplace.actors import Actor
from marketplace.components import MenuItem
from marketplace.refusals import Refusal

MORE = "more"
END_DIALOG = "end-contract"


def menu_items(contract: Contract, actor: Actor, *, in_room: bool = False) -> list[MenuItem]:
    """What this actor can do with the contract; what they may not do says why.

    Args:
        in_room: *End contract* opens the room's dialog, instead of leading there.
    """
    side = contract.side_of(actor.party_id)
    if contract.is_offered:
        return [_link("Open the offer", "envelope-open", "offer", contract)]
    if contract.is_active:
        return [*_active(contract, actor, side), _end(contract, actor, in_room=in_room)]
    if contract.is_ended:
        return _ended(contract, actor, side)
    return []


def _active(contract: Contract, actor: Actor, side: Side | None) -> list[MenuItem]:
    if side is Side.CLIENT:
        refusal = rules.may_add_milestone(contract, actor)
        first = _link("Add new milestone", "plus-circle", "add_milestone", contract, refusal)
    else:
        refusal = rules.may_propose(contract, actor)
        first = _link("Propose a milestone", "plus-circle", "propose_milestone", contract, refusal)
    return [first, _link("Payments", "banknotes", "room_payments", contract)]


def _end(contract: Contract, actor: Actor, *, in_room: bool) -> MenuItem:
    refusal = rules.may_end(contract, actor)
    room = reverse("room", args=[contract.reference])
    return MenuItem(
        label="End contract",
        icon="x-circle",
        url="" if in_room and not refusal else f"{room}?end=1",
        dialog=END_DIALOG if in_room and not refusal else "",
        disabled_reason=str(refusal or ""),
        separator_before=True,
    )


def _ended(contract: Contract, actor: Actor, side: Side | None) -> list[MenuItem]:
    items = [_link("Feedback", "star", "feedback", contract)]
    if side is Side.TALENT:
        items.append(_link("Offer a refund", "arrow-uturn-left", "room_payments", contract))
    else:
        refusal = rules.may_start_again(contract, actor)
        again = f"{reverse('new_contract')}?again={contract.reference}"
        items.append(
            MenuItem(
                label="Start again with the same terms",
                icon="arrow-path",
                url=again,
                disabled_reason=str(refusal or ""),
            )
        )
    return items


def _link(
    label: str, icon: str, name: str, contract: Contract, refusal: Refusal | None = None
) -> MenuItem:
    url = reverse(name, args=[contract.reference])
    return MenuItem(label=label, icon=icon, url=url, disabled_reason=str(refusal or ""))
