"""The (...) menu of a contract: the same in the room and in My Jobs."""

from __future__ import annotations

from django.urls import reverse

from contracts import rules
from contracts.models import Contract
from contracts.states import Side
from marketplace import clock
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
    if contract.is_running:
        own = _hours(contract, actor, side) if contract.is_hourly else [_milestone(contract, actor)]
        always = [
            *_always(contract),
            _refund(contract, actor, side),
            *_bonus(contract, actor, side),
        ]
        return [*own, *always, *_ending(contract, actor, in_room=in_room)]
    if contract.is_ended:
        return _ended(contract, actor, side)
    return []


def _milestone(contract: Contract, actor: Actor) -> MenuItem:
    if contract.side_of(actor.party_id) is Side.CLIENT:
        refusal = rules.may_add_milestone(contract, actor)
        return _link("Add new milestone", "plus-circle", "add_milestone", contract, refusal)
    refusal = rules.may_propose(contract, actor)
    return _link("Propose a milestone", "plus-circle", "propose_milestone", contract, refusal)


def _hours(contract: Contract, actor: Actor, side: Side | None) -> list[MenuItem]:
    items = [_diary(contract)]
    if side is Side.CLIENT:
        refusal = rules.client_sets_limit(contract, actor)
        items.append(_link("Weekly limit", "scale", "week_limit", contract, refusal))
        items.append(_pause(contract, rules.may_pause(contract, actor)))
    return items


def _pause(contract: Contract, refusal: Refusal | None) -> MenuItem:
    if contract.is_paused:
        return _link("Restart", "play", "restart_contract", contract, refusal)
    return _link("Pause", "pause", "pause_contract", contract, refusal)


def _diary(contract: Contract) -> MenuItem:
    return _link("Work Diary", "calendar-days", "diary", contract)


def _always(contract: Contract) -> list[MenuItem]:
    return [
        _link("People", "users", "contract_people", contract),
        _link("Payments", "banknotes", "room_payments", contract),
    ]


def _refund(contract: Contract, actor: Actor, side: Side | None) -> MenuItem:
    """Where each payment says whether it can be refunded."""
    label = "Offer a refund" if side is Side.TALENT else "Ask for a refund"
    manages = rules.talent_manages if side is Side.TALENT else rules.client_manages
    return _link(label, "arrow-uturn-left", "room_payments", contract, manages(contract, actor))


def _bonus(contract: Contract, actor: Actor, side: Side | None) -> list[MenuItem]:
    """As long as one is possible; the talent asks once an hourly contract has ended."""
    now = clock.now()
    if side is Side.CLIENT:
        refusal = rules.may_give_bonus(contract, actor, now=now)
        item = _link("Give a bonus", "gift", "give_bonus", contract, refusal)
    else:
        refusal = rules.may_ask_for_bonus(contract, actor, now=now)
        label = "Ask for a bonus for unrecorded time"
        item = _link(label, "gift", "ask_bonus", contract, refusal)
    return [] if refusal in rules.OF_ITS_STATE else [item]


def _ending(contract: Contract, actor: Actor, *, in_room: bool) -> list[MenuItem]:
    items = [_end(contract, actor, in_room=in_room)]
    if rules.asks_to_end(contract, actor) is None:
        items.append(_link("Ask them to end it", "paper-airplane", "ask_to_end", contract))
    return items


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
    items = [_diary(contract)] if contract.is_hourly else []
    items.append(_link("Feedback", "star", "feedback", contract))
    items.append(_link("Statement", "document-text", "contract_statement", contract))
    items += [_refund(contract, actor, side), *_bonus(contract, actor, side)]
    if side is Side.CLIENT:
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
