"""The contract room: everything both sides see of a contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from contracts import checklists, rules
from contracts.menus import menu_items
from contracts.models import ChecklistItem, Contract, Milestone
from contracts.queries.timeline import Event, timeline_of
from contracts.states import ItemState, MilestoneState, Side
from contracts.waiting import Waiting, waiting
from marketplace import clock, policy
from marketplace.actors import Actor
from marketplace.components import MenuItem, Part, Track
from marketplace.facts import thaw
from marketplace.models import Party
from marketplace.money import Money, total, zero
from marketplace.refusals import Refusal
from payments.models import GatewayOperation
from payments.queries import money_bar, where_is_money
from payments.states import OPEN_OPERATIONS


@dataclass(frozen=True)
class Room:
    """What the room's pages show, for one side."""

    contract: Contract
    actor: Actor
    side: Side
    other: Party
    now: datetime
    menu: list[MenuItem]
    may_end: Refusal | None

    @property
    def reference(self) -> str:
        return self.contract.reference

    @property
    def is_client(self) -> bool:
        return self.side is Side.CLIENT

    @property
    def is_talent(self) -> bool:
        return self.side is Side.TALENT

    @property
    def ended_by(self) -> str:
        own = self.contract.ended_side == self.side
        return "you" if own else self.contract.party(Side(self.contract.ended_side)).name

    @property
    def shows_end_button(self) -> bool:
        """The client of an active contract has the button beside the menu (S)."""
        return self.is_client and self.contract.is_active and self.may_end is None

    @property
    def starts_again_until(self) -> datetime | None:
        """Starting again is offered first for a week, to the client who can do it."""
        ended_at = self.contract.ended_at
        if ended_at is None or rules.may_start_again(self.contract, self.actor):
            return None
        return ended_at + policy.START_AGAIN_WINDOW

    @property
    def figures(self) -> dict[str, Money]:
        """What was confirmed at the end."""
        return thaw(self.contract.end_figures or {})


@dataclass(frozen=True)
class Overview:
    """The room's first tab."""

    parts: list[Part]
    milestones: list[Milestone]
    waits: Waiting | None
    events: list[Event]
    tracks: list[Track]
    checklist: list[ChecklistItem]
    open_charge: Money | None
    leftover: Money

    @property
    def done(self) -> int:
        return sum(one.state != ItemState.OPEN for one in self.checklist)


def contract_of(found: QuerySet[Contract]) -> QuerySet[Contract]:
    """A contract with what every page of it needs."""
    return found.select_related(
        "client", "talent", "book__escrow_account", "book__escrow_refund_request"
    )


def room_of(contract: Contract, actor: Actor) -> Room:
    """The frame of the room's pages; no queries."""
    side = contract.side_of(actor.party_id)
    assert side is not None
    return Room(
        contract=contract,
        actor=actor,
        side=side,
        other=contract.party(side.other),
        now=clock.now(),
        menu=menu_items(contract, actor, in_room=True),
        may_end=rules.may_end(contract, actor) if contract.is_active else None,
    )


def overview_of(room: Room) -> Overview:
    """The overview tab, in at most nine queries."""
    contract = room.contract
    milestones = list(contract.milestones.order_by("number"))
    for milestone in milestones:
        milestone.contract = contract
    open_ones = [one for one in milestones if one.is_open]
    book = contract.book
    book.client, book.talent = contract.client, contract.talent
    request = getattr(book, "escrow_refund_request", None)
    return Overview(
        parts=_parts(room, open_ones),
        milestones=[one for one in milestones if not _is_gone(one)],
        waits=waiting(
            contract,
            room.side,
            open_milestones=open_ones,
            request=request,
            escrow=book.escrow,
        ),
        events=timeline_of(contract, room.side, milestones, has_request=request is not None),
        tracks=where_is_money(book, side=room.side, now=room.now) if contract.is_ended else [],
        checklist=_checklist(room),
        open_charge=_open_charge(contract),
        leftover=_leftover(contract, open_ones),
    )


def _parts(room: Room, open_ones: Sequence[Milestone]) -> list[Part]:
    contract = room.contract
    amounts = [one.amount for one in open_ones if one.is_submitted]
    bar = money_bar(contract.book, in_review=total(amounts, contract.currency))
    planned = [one.amount for one in open_ones if one.state == MilestoneState.PLANNED]
    return [
        Part(kind="paid", label="Paid", amount=bar.paid),
        Part(kind="review", label="In review", amount=bar.in_review),
        Part(kind="held", label="In escrow", amount=bar.escrow),
        Part(kind="returned", label="Returned from escrow", amount=bar.returned),
        Part(kind="refunded", label="Refunded", amount=bar.refunded),
        Part(
            kind="planned",
            label="Planned, not funded",
            amount=total(planned, contract.currency),
        ),
    ]


def _checklist(room: Room) -> list[ChecklistItem]:
    if not room.contract.is_ended:
        return []
    items = checklists.items_of(room.contract, room.side)
    for item in items:
        item.contract = room.contract
    return items


def _open_charge(contract: Contract) -> Money | None:
    if contract.is_ended:
        return None
    charges = GatewayOperation.objects.filter(book=contract.book_id, state__in=OPEN_OPERATIONS)
    open_ones = [one.amount for one in charges]
    return total(open_ones, contract.currency) if open_ones else None


def _leftover(contract: Contract, open_ones: Sequence[Milestone]) -> Money:
    held = contract.book.escrow
    active = next((one.amount for one in open_ones if one.is_active), zero(contract.currency))
    return max(held - active, zero(contract.currency))


def _is_gone(milestone: Milestone) -> bool:
    """Deleted or taken back while it was not funded: nobody looks for it any more."""
    gone = milestone.state in (MilestoneState.CANCELLED, MilestoneState.DECLINED)
    return gone and not milestone.contract.is_ended
