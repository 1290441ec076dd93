"""The contract room: everything both sides see of a contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import QuerySet
from django.urls import reverse

from contracts import rules, wording
from contracts.closing import open_charges_of
from contracts.menus import menu_items
from contracts.models import Contract, HoursDispute, Milestone, Timer
from contracts.queries.bonuses import BonusLine, bonus_asked, bonus_line, with_bonus_asked
from contracts.queries.checklist import ItemRow, item_rows
from contracts.queries.dormancy import Dormant, Quiet, dormant_of, quiet_of
from contracts.queries.events import Event
from contracts.queries.milestones import MilestoneRow, milestone_rows, milestones_of
from contracts.queries.timeline import timeline_of
from contracts.queries.timesheet import (
    Hours,
    Timesheet,
    hours_of,
    parts_of,
    timesheet_of,
    tracks_of,
)
from contracts.states import ItemState, MilestoneState, Side
from contracts.waiting import waiting
from contracts.waiting.shape import Waiting
from marketplace import clock, policy
from marketplace.actors import Actor
from marketplace.components import Effect, MenuItem, Part, Stage, Tab, Track
from marketplace.facts import thaw
from marketplace.models import Party
from marketplace.money import Money, total, zero
from marketplace.refusals import Refusal
from payments.models import EscrowRefundRequest, GatewayOperation, Transfer
from payments.queries import (
    asked_back,
    kept_of,
    money_bar,
    movements,
    open_split_of,
    where_is_money,
    with_asked_back,
    with_open_split,
    with_refundable,
)
from payments.queries.charges import to_confirm, with_to_confirm

ARRIVED_SHOWN: Final = 3
"""So many paid weeks have a row each in *Where the money is now*; more are one row."""


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
    page: str = "room"

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
        """Who ended it: *you*, *support*, the other side, or Closeout itself."""
        if self.contract.ended_by_silence:
            return "Closeout"
        return "support" if self.contract.ended_by_support else self._ended_side

    @property
    def ended_for(self) -> str:
        """For whom support ended it, to go on after *ended the contract*; else nothing."""
        return f" for {self._ended_side}" if self.contract.ended_by_support else ""

    @property
    def _ended_side(self) -> str:
        side = Side(self.contract.ended_side)
        return "you" if side is self.side else self.contract.party(side).name

    @property
    def shows_end_button(self) -> bool:
        """The client of a contract that goes on has the button beside the menu (S)."""
        return self.is_client and self.contract.is_running and self.may_end is None

    @property
    def asks_to_end(self) -> bool:
        """Whether this person may not end it, and can ask who may."""
        return rules.asks_to_end(self.contract, self.actor) is None

    @property
    def may_pause(self) -> Refusal | None:
        """Why this person may not pause and restart; None when they may."""
        return rules.may_pause(self.contract, self.actor)

    @property
    def starts_again_until(self) -> datetime | None:
        """Starting again is offered first for a week, to the client who can do it."""
        ended_at = self.contract.ended_at
        if ended_at is None or rules.may_start_again(self.contract, self.actor):
            return None
        return ended_at + policy.START_AGAIN_WINDOW

    @property
    def tabs(self) -> list[Tab]:
        """The room's pages; the current one is named by the view."""
        diary = [("Work Diary", "diary")] if self.contract.is_hourly else []
        pages = [
            ("Overview", "room"),
            *diary,
            ("Payments", "room_payments"),
            ("Feedback", "feedback"),
        ]
        return [
            Tab(label=label, url=reverse(name, args=[self.reference]), current=name == self.page)
            for label, name in pages
        ]


@dataclass(frozen=True)
class Overview:
    """The room's first tab; ``hours`` and ``timesheet`` of an hourly contract alone."""

    parts: list[Part]
    milestones: list[Milestone]
    rows: list[MilestoneRow]
    waits: Waiting | None
    dormant: Dormant | None
    quiet: Quiet | None
    events: list[Event]
    tracks: list[Track]
    items: list[ItemRow]
    figures: list[Effect]
    refund_until: datetime | None
    bonus: BonusLine | None
    charges: list[GatewayOperation]
    leftover: Money
    feedback_is_open: bool
    request: EscrowRefundRequest | None
    hours: Hours | None
    timesheet: Timesheet | None
    kept: Money

    @property
    def strip(self) -> Waiting | None:
        """What waits, unless a dormant contract asks this side: it says more itself."""
        return None if self.dormant and self.dormant.asks_me else self.waits

    @property
    def disputes(self) -> list[HoursDispute]:
        """Open disputes of hours, without the one that the strip is about."""
        told = self.waits.url if self.waits else ""
        found = self.hours.disputes if self.hours else []
        return [one for one in found if one.is_open and one.get_absolute_url() != told]

    @property
    def is_owed(self) -> bool:
        """A charge for hours was declined, and the strip does not say so already."""
        return bool(self.hours and self.hours.unpaid) and not (self.waits and self.waits.owes)

    @property
    def open_charge(self) -> Money | None:
        """What is charged and not answered; what the client has to confirm is on the strip."""
        amounts = [one.amount for one in self.charges if one.confirm_since is None]
        return total(amounts, amounts[0].currency) if amounts else None

    @property
    def done(self) -> int:
        return sum(one.row.state != ItemState.OPEN for one in self.items)

    @property
    def progress(self) -> str:
        return f"{self.done} of {len(self.items)} done"


def contract_of(found: QuerySet[Contract]) -> QuerySet[Contract]:
    """A contract with what every page of it needs."""
    chosen = found.select_related(
        "client", "talent", "book__escrow_account", "book__escrow_refund_request"
    )
    chosen = with_open_split(chosen, request="book__escrow_refund_request")
    chosen = with_refundable(chosen, book="book")
    chosen = with_asked_back(chosen, book="book", now=clock.now())
    chosen = with_to_confirm(chosen, book="book")
    return with_bonus_asked(chosen, now=clock.now())


def room_of(contract: Contract, actor: Actor, *, page: str = "room") -> Room:
    """The frame of the room's pages; no queries."""
    side = contract.side_of(actor.party_id)
    assert side is not None
    return Room(
        contract=contract,
        actor=actor,
        side=side,
        other=contract.party(side.other),
        now=clock.now(),
        menu=menu_items(contract, actor, in_room=page == "room"),
        may_end=rules.may_end(contract, actor) if contract.is_running else None,
        page=page,
    )


def overview_of(room: Room) -> Overview:
    """The overview tab, in at most eight queries."""
    contract, book = room.contract, room.contract.book
    milestones = [] if contract.is_hourly else milestones_of(contract)
    hours = hours_of(contract) if contract.is_hourly else None
    open_ones = [one for one in milestones if one.is_open]
    book.client, book.talent = contract.client, contract.talent
    moved = movements(book)
    request = getattr(book, "escrow_refund_request", None)
    charges = [] if contract.is_ended or hours else open_charges_of(contract)
    return Overview(
        parts=_parts(room, open_ones, hours, moved),
        milestones=milestones,
        rows=milestone_rows(milestones, room.side, room.actor, room.now, charging=bool(charges)),
        waits=waiting(
            contract,
            room.side,
            open_milestones=open_ones,
            request=request,
            split=open_split_of(request, contract) if request else None,
            escrow=book.escrow,
            now=room.now,
            charging=bool(charges),
            weeks=hours.weeks if hours else (),
            timer=_own_timer(room, hours) if hours else None,
            asked_back=asked_back(contract) if room.actor.manages else None,
            bonus_asked=bonus_asked(contract) if room.actor.manages else None,
            confirm=to_confirm(contract) if room.actor.manages else None,
        ),
        dormant=dormant_of(contract, room.actor, open_ones),
        quiet=quiet_of(contract, room.now),
        events=timeline_of(
            contract,
            room.side,
            milestones=milestones,
            weeks=hours.weeks if hours else (),
            moved=moved,
            has_request=request is not None,
        ),
        tracks=_tracks(room, hours, moved),
        items=item_rows(room.contract, room.side) if contract.is_ended else [],
        figures=_figures(room) if contract.is_ended else [],
        refund_until=_refund_until(room),
        bonus=bonus_line(contract, room.actor, now=room.now) if contract.is_ended else None,
        charges=charges,
        leftover=_leftover(contract, open_ones),
        feedback_is_open=bool(contract.feedback_until and room.now < contract.feedback_until),
        request=request,
        hours=hours,
        timesheet=timesheet_of(contract, hours, room.side, room.now) if hours else None,
        kept=kept_of(book, moved),
    )


def _own_timer(room: Room, hours: Hours) -> Timer | None:
    person = room.actor.as_member.user_id
    return next((one for one in hours.timers if one.person_id == person), None)


def _parts(
    room: Room, open_ones: Sequence[Milestone], hours: Hours | None, moved: Sequence[Transfer]
) -> list[Part]:
    contract = room.contract
    in_review, to_come = parts_of(contract, hours, room.now) if hours else (None, [])
    bar = money_bar(contract.book, hours_in_review=in_review, moved=moved)
    planned = [one.amount for one in open_ones if one.state == MilestoneState.PLANNED]
    return [
        Part(kind="paid", label="Paid", amount=bar.paid),
        Part(kind="review", label="In review", amount=bar.in_review),
        Part(kind="held", label="In escrow", amount=bar.escrow),
        Part(kind="returned", label="Returned from escrow", amount=bar.returned),
        Part(kind="refunded", label="Refunded", amount=bar.refunded),
        Part(kind="returned", label="Hours reversed", amount=bar.reversed),
        Part(
            kind="planned",
            label="Planned, not funded",
            amount=total(planned, contract.currency),
        ),
        *to_come,
    ]


def _tracks(room: Room, hours: Hours | None, moved: Sequence[Transfer]) -> list[Track]:
    contract = room.contract
    if not contract.is_ended:
        return []
    paid = where_is_money(
        contract.book,
        side=room.side,
        now=room.now,
        moved=moved,
        reviewed_until=hours.reviewed_until if hours else None,
    )
    if hours is None:
        return paid
    return [*tracks_of(contract, hours, room.side, room.now), *_folded(paid, contract.currency)]


def _folded(paid: Sequence[Track], currency: str) -> list[Track]:
    """The weeks whose money has arrived, in one row when they are many."""
    arrived = [one for one in paid if one.stages[-1] == Stage(word="available", state="here")]
    if len(arrived) <= ARRIVED_SHOWN:
        return list(paid)
    amounts = [one.amount for one in arrived if isinstance(one.amount, Money)]
    earlier = Track(
        amount=total(amounts, currency),
        what=f"{len(arrived)} earlier payments",
        stages=arrived[0].stages,
    )
    return [*(one for one in paid if one not in arrived), earlier]


def _figures(room: Room) -> list[Effect]:
    """What was confirmed when the contract ended, kept with it."""
    figures = thaw(room.contract.end_figures or {})
    if room.contract.is_hourly:
        return wording.ended_rows(figures["weeks"], room.side)
    talent, client = room.contract.talent.name, room.contract.client.name
    words = {
        "paid": f"Paid to {talent}",
        "received": "Of that, after the fee",
        "returned": f"Returned from escrow to {client}",
        "requested": "Requested back from escrow",
    }
    rows = [
        Effect(term=term, value=figures[name]) for name, term in words.items() if figures.get(name)
    ]
    if figures.get("cancelled"):
        titles = ", ".join(figures["cancelled"])
        number = str(len(figures["cancelled"]))
        rows.append(Effect(term="Milestones cancelled", detail=titles, value=number))
    return rows or [Effect(term="Nothing was in escrow", value="no money moved")]


def _refund_until(room: Room) -> datetime | None:
    """Until when the newest payment with something left can be refunded; None when none can."""
    paid_at: datetime | None = room.contract.refundable_paid_at  # type: ignore[attr-defined]
    until = paid_at + policy.REFUND_WINDOW if paid_at else None
    return until if until and until >= room.now else None


def _leftover(contract: Contract, open_ones: Sequence[Milestone]) -> Money:
    held = contract.book.escrow
    active = next((one.amount for one in open_ones if one.is_active), zero(contract.currency))
    return max(held - active, zero(contract.currency))
