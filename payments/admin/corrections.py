"""Correcting entries: proposed from a book's page, decided by a second person from their list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar, cast

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet, prefetch_related_objects
from django.urls import reverse

from marketplace import policy, transitions
from marketplace.actors import Actor
from marketplace.components import Effect
from marketplace.fields import AmountField
from marketplace.money import Money
from marketplace.refusals import Refusal
from marketplace.support.actions import ReasonForm, SupportAction
from marketplace.support.clocks import CLOCK, Clock, HasClock, Source, settled, source
from marketplace.support.dashboard import Panel, how_many, panel
from marketplace.support.lists import EVERYTHING, Queue, ReadOnlyAdmin
from marketplace.support.sections import LATEST, Section, link, when
from marketplace.support.tools import tool
from payments import corrections, rules
from payments.admin.ledger import ACCOUNTS, account_words
from payments.admin.payments import BY_REFERENCE
from payments.models import Account, Book, Correction
from payments.states import CorrectionState

WAITS: Final = Q(state=CorrectionState.PROPOSED)
SIDES: Final = ("debit__party", "credit__party")
SECOND: Final = "A second person of support"

Follows = Callable[[Correction], Sequence[Effect]]
F = TypeVar("F", bound=Follows)

_follows: dict[str, Follows] = {}


def follows(purpose: str) -> Callable[[F], F]:
    """Say what else happens when a correction of this purpose is approved."""

    def declare(function: F) -> F:
        _follows[purpose] = function
        return function

    return declare


@admin.register(Correction)
class CorrectionAdmin(HasClock, ReadOnlyAdmin):
    list_display = ("book", "moved", "debited", "credited", "state", *CLOCK)
    list_select_related = ("book", *SIDES, "proposed_by")
    related = ("book", "entry", *SIDES, "proposed_by", "decided_by")
    search_fields = ("book",)
    search_help_text = BY_REFERENCE
    queues = {
        "waiting": Queue("Waiting for a second person", WAITS, ("proposed_at", "pk")),
        "all": EVERYTHING,
    }
    fields = (
        "book",
        "moved",
        "debited",
        "credited",
        "reason",
        "state",
        *CLOCK,
        "proposed_by",
        "proposed_at",
        "decided_by",
        "decided_at",
        "entry",
        "purpose",
        "purpose_id",
    )

    def search(self, rows: QuerySet[Correction], term: str) -> QuerySet[Correction]:
        return rows.filter(book__reference=term.upper())

    def clock_of(self, row: Correction) -> Clock:
        return clock_of(row)

    @admin.display(description="amount")
    def moved(self, row: Correction) -> Money:
        return row.amount

    @admin.display(description="from")
    def debited(self, row: Correction) -> str:
        return account_words(row.debit)

    @admin.display(description="to")
    def credited(self, row: Correction) -> str:
        return account_words(row.credit)


def clock_of(correction: Correction) -> Clock:
    if not correction.is_proposed:
        return settled(correction.decided_at)
    by = correction.proposed_at + policy.SUPPORT_ANSWERS
    return Clock(f"{SECOND}, not {correction.proposed_by.name}", by, "Nothing is posted")


def corrections_of(book: Book) -> Section:
    """What was proposed to put a book right; one query."""
    rows = book.corrections.select_related(*SIDES, "proposed_by", "decided_by").order_by("-pk")
    return Section(
        "Corrections",
        ("proposed", "amount", "from", "to", "state", "by", "decided by", "reason"),
        [
            (
                when(one.proposed_at),
                link(one, str(one.amount)),
                account_words(one.debit),
                account_words(one.credit),
                one.get_state_display(),
                one.proposed_by.name,
                one.decided_by.name if one.decided_by else "–",
                one.reason,
            )
            for one in rows[:LATEST]
        ],
    )


def balances(debit: Account, credit: Account, amount: Money) -> list[Effect]:
    """Both accounts before and after.

    Raises:
        InvalidInput: there is less.
    """
    ends = zip(("Out of", "Into"), corrections.quote(debit, credit, amount), strict=True)
    return [_balance(word, end, amount) for word, end in ends]


def _balance(word: str, end: corrections.Side, amount: Money) -> Effect:
    term = f"{word} {account_words(end.account)}"
    if end.after is None:
        return Effect(term=term, value=amount, detail="This account keeps no balance.")
    return Effect(term=term, value=amount, detail=f"{end.before} before, {end.after} after")


# Proposing ---------------------------------------------------------------------------------------


class ProposeForm(ReasonForm):
    debit = forms.ChoiceField(label="From")
    credit = forms.ChoiceField(label="To")
    amount = AmountField()

    def __init__(self, row: Book, data: Any = None) -> None:
        super().__init__(row, data)
        accounts = corrections.correctable(row)
        prefetch_related_objects(accounts, "party")
        self.accounts = {one.kind: one for one in accounts}
        choices = [("", "Choose"), *((kind, _held(one)) for kind, one in self.accounts.items())]
        for name in ("debit", "credit"):
            cast("forms.ChoiceField", self.fields[name]).choices = choices
        cast("AmountField", self.fields["amount"]).limit(currency=row.currency)
        self.fields[
            "credit"
        ].help_text = "Escrow and pending money are moved by decisions and payments, never by hand."
        self.fields["reason"].help_text = "The second person reads it, and it is kept in the log."

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        for name in ("debit", "credit"):
            cleaned[name] = self.accounts.get(cleaned.get(name, ""))
        return cleaned


def _held(account: Account) -> str:
    words = account_words(account)
    return words if account.balance_minor is None else f"{words}: {account.balance}"


@tool
class ProposeCorrection(SupportAction):
    """From one account of the book to another, once a second person approves."""

    model = Book
    related = ("client", "talent", "fees_account", "outside_account", *ACCOUNTS)
    name = "propose-correction"
    label = "Propose a correction"
    button = "Propose"
    permission = "payments.propose_correction"
    form_class = ProposeForm

    def effects(self, row: Book, given: dict[str, Any]) -> Sequence[Effect]:
        corrections.refuse_impossible(
            row, debit=given["debit"], credit=given["credit"], amount=given["amount"]
        )
        return [
            Effect(term="Nothing is moved yet", value=f"{SECOND} has to approve"),
            *balances(given["debit"], given["credit"], given["amount"]),
            Effect(term="They read", value=given["reason"]),
        ]

    def carry_out(self, row: Book, given: dict[str, Any], *, by: Actor) -> str:
        proposed = corrections.propose(
            row,
            debit=given["debit"],
            credit=given["credit"],
            amount=given["amount"],
            reason=given["reason"],
            by=by,
        )
        return f"{proposed.amount} is proposed. {SECOND} has to approve."

    def state_of(self, row: Book) -> str:
        waiting = row.corrections.filter(WAITS).order_by("pk")
        return f"{len(waiting)} waiting for a second person"


# Deciding ----------------------------------------------------------------------------------------


class _Decide(SupportAction):
    model = Correction
    related = ("book", *SIDES, "proposed_by")

    def state_of(self, row: Correction) -> str:
        return row.get_state_display().lower()


@tool
class Approve(_Decide):
    name = "approve"
    label = "Approve"
    button = "Approve and post"
    permission = "payments.approve_correction"

    def refusal(self, row: Correction, by: Actor) -> Refusal | None:
        return transitions.possible(row, "approve", by=by)

    def effects(self, row: Correction, given: dict[str, Any]) -> Sequence[Effect]:
        more = _follows.get(row.purpose)
        return [
            *balances(row.debit, row.credit, row.amount),
            Effect(term=f"{row.proposed_by.name} wrote", value=row.reason),
            *(more(row) if more else ()),
            Effect(term="Posted for good", value="only another correction takes it back"),
        ]

    def carry_out(self, row: Correction, given: dict[str, Any], *, by: Actor) -> str:
        approved = corrections.approve(row, by=by)
        return f"{approved.amount} is posted."


class _Reject(_Decide):
    """Not posted: by a second person, or taken back by who proposed it."""

    own: bool

    def refusal(self, row: Correction, by: Actor) -> Refusal | None:
        return self.not_theirs(row, by) or transitions.possible(row, "reject", by=by)

    def not_theirs(self, row: Correction, by: Actor) -> Refusal | None:
        """Who proposed it takes it back, the others reject it."""
        assert by.staff is not None
        is_own = by.staff.pk == row.proposed_by_id
        return None if is_own is self.own else self.other(row)

    def other(self, row: Correction) -> Refusal:
        raise NotImplementedError

    def effects(self, row: Correction, given: dict[str, Any]) -> Sequence[Effect]:
        return [
            Effect(term="Nothing is moved", value=f"{row.amount} stays where it is"),
            Effect(term="The proposal is closed", value="for good; it can be made again"),
        ]

    def carry_out(self, row: Correction, given: dict[str, Any], *, by: Actor) -> str:
        rules.refuse(self.not_theirs(row, by))
        corrections.reject(row, because=given["reason"], by=by)
        return f"{row.amount} is not posted."


@tool
class Reject(_Reject):
    name = "reject"
    label = "Reject"
    button = "Reject"
    permission = "payments.approve_correction"
    own = False

    def other(self, row: Correction) -> Refusal:
        return Refusal("You proposed it yourself: take it back instead.")


@tool
class TakeBack(_Reject):
    name = "take-back"
    label = "Take back"
    button = "Take back"
    permission = "payments.propose_correction"
    own = True

    def other(self, row: Correction) -> Refusal:
        return Refusal(f"Only {row.proposed_by.name} can take it back.")


# Clocks ------------------------------------------------------------------------------------------


@source
class ProposedCorrections(Source):
    name = "correction"
    permission = "payments.view_correction"
    of_support = True
    column = "proposed_at"
    later = policy.SUPPORT_ANSWERS

    def rows(self) -> QuerySet[Correction]:
        return Correction.objects.filter(WAITS).select_related("book", "proposed_by")

    def words(self, row: Correction) -> str:
        return f"Correction of {row.amount}"

    def contract(self, row: Correction) -> str:
        return str(row.book)

    def clock(self, row: Correction) -> Clock:
        return clock_of(row)


@panel(place=5, permission="payments.view_correction")
def proposed_corrections() -> Panel:
    waiting = how_many(Correction.objects.filter(WAITS))
    return Panel(
        "Corrections",
        reverse("admin:payments_correction_changelist"),
        f"{waiting} waiting for a second person.",
    )
