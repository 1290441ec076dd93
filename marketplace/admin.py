"""The support desk on the ground floor: people, parties, cases, notices, runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from allauth.account.models import EmailAddress
from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.urls import reverse

from marketplace import auditing, cases, policy
from marketplace.actors import Actor
from marketplace.components import Effect
from marketplace.models import Case, Membership, Notice, Party, SweepRun, User
from marketplace.refusals import Refusal
from marketplace.states import CaseState
from marketplace.support import find
from marketplace.support.actions import ReasonForm, SupportAction
from marketplace.support.clocks import SUPPORT, Clock, HasClock, Source, source
from marketplace.support.dashboard import Panel, how_many, panel
from marketplace.support.lists import EVERYTHING, Queue, ReadOnlyAdmin
from marketplace.support.sections import ACTOR, LATEST, Section, link, when, who
from marketplace.support.tools import tool


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    """People; nobody sees or sets a password here."""

    list_display = ("email", "name", "is_active", "is_staff", "date_joined")
    search_fields = ("email",)
    search_help_text = "How an e-mail address begins"
    fields = (
        "email",
        "name",
        "time_zone",
        "signed_up_as",
        "is_active",
        "is_staff",
        "is_superuser",
        "groups",
        "date_joined",
        "last_login",
    )

    def search(self, rows: QuerySet[User], term: str) -> QuerySet[User]:
        address = term.lower()
        return rows.filter(email__gte=address, email__lt=f"{address}\U0010ffff")

    def sections(self, row: User) -> Sequence[Section]:
        memberships = row.memberships.select_related("party").order_by("pk")
        addresses = EmailAddress.objects.filter(user=row).order_by("pk")
        return [
            _memberships(memberships, "Acts for", lambda one: link(one.party)),
            Section(
                "E-mail addresses",
                ("address", "confirmed", "main"),
                [(one.email, _yes(one.verified), _yes(one.primary)) for one in addresses],
            ),
        ]


@admin.register(Party)
class PartyAdmin(ReadOnlyAdmin):
    list_display = ("name", "kind", "slug", "created_at")
    search_fields = ("name",)
    search_help_text = "How a name begins, or a whole e-mail address"
    fields = ("name", "kind", "slug", "invited_email", "created_at")

    def search(self, rows: QuerySet[Party], term: str) -> QuerySet[Party]:
        return rows.filter(pk__in=find.parties(term))

    def sections(self, row: Party) -> Sequence[Section]:
        memberships = row.memberships.select_related("user").order_by("pk")
        return [_memberships(memberships, "Who acts for it", lambda one: link(one.user))]


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    list_display = ("user", "party", "role", "joined_at", "left_at")
    list_select_related = ("user", "party")
    related = ("user", "party")
    search_fields = ("party",)
    search_help_text = "How a party's name begins, or a whole e-mail address"
    fields = ("user", "party", "role", "joined_at", "left_at")

    def search(self, rows: QuerySet[Membership], term: str) -> QuerySet[Membership]:
        if "@" in term:
            return rows.filter(user__email=term.lower())
        return rows.filter(party__in=find.parties(term))


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    """What people were told, and which e-mails are still to go out."""

    list_display = ("created_at", "kind", "recipient", "party", "path", "email", "email_attempts")
    list_select_related = ("recipient", "party")
    related = ("recipient", "party")
    search_fields = ("recipient",)
    search_help_text = "A whole e-mail address"
    queues = {
        "waiting": Queue("E-mail waits", Q(email_due_at__isnull=False), ("email_due_at", "pk")),
        "all": EVERYTHING,
    }
    fields = (
        "kind",
        "recipient",
        "party",
        "address",
        "path",
        "created_at",
        "read_at",
        "email_due_at",
        "email_sent_at",
        "email_attempts",
    )

    def search(self, rows: QuerySet[Notice], term: str) -> QuerySet[Notice]:
        return rows.filter(recipient__email=term.lower())

    @admin.display(description="e-mail")
    def email(self, row: Notice) -> str:
        if row.email_sent_at:
            return f"sent {when(row.email_sent_at)}"
        return f"due {when(row.email_due_at)}" if row.email_due_at else "none"


@admin.register(SweepRun)
class SweepRunAdmin(ReadOnlyAdmin):
    list_display = ("name", "at", "done", "failed")
    fields = ("name", "at", "done", "failed")
    ordering = ("name",)


WAITS = Q(state=CaseState.OPEN)


def clock_of(case: Case) -> Clock:
    """Support answers; whoever looks after it, if somebody does."""
    if case.state != CaseState.OPEN:
        return Clock()
    who = f"{SUPPORT}, {case.assigned_to.name}" if case.assigned_to else SUPPORT
    return Clock(who, case.opened_at + policy.SUPPORT_ANSWERS, "Nobody answers")


@admin.register(Case)
class CaseAdmin(HasClock, ReadOnlyAdmin):
    list_display = ("reference", "subject", "state", "party", "must_act", "by_when", "opened_at")
    list_select_related = ("party", "assigned_to")
    related = ("party", "assigned_to", "opened_by")
    search_fields = ("reference",)
    search_help_text = "A case's or a contract's reference, or a whole e-mail address"
    queues = {
        state.value: Queue(state.label, Q(state=state), ("opened_at", "pk")) for state in CaseState
    } | {"all": EVERYTHING}
    fields = (
        "reference",
        "subject",
        "state",
        "email",
        "party",
        "opened_by",
        "contract_reference",
        "assigned_to",
        "opened_at",
        "closed_at",
    )

    def search(self, rows: QuerySet[Case], term: str) -> QuerySet[Case]:
        if "@" in term:
            return rows.filter(Q(email=term) | Q(opened_by__email=term.lower()))
        reference = term.upper()
        return rows.filter(Q(reference=reference) | Q(contract_reference=reference))

    def clock_of(self, row: Case) -> Clock:
        return clock_of(row)

    def sections(self, row: Case) -> Sequence[Section]:
        messages = row.messages.select_related(*ACTOR).order_by("-pk")[:LATEST]
        told = [(when(one.at), _author(row, one.actor), one.text) for one in messages]
        return [Section("Messages", ("when", "who", "what"), told, note="Newest first.")]


def _author(case: Case, actor: Actor) -> str:
    """A message that came in through the open form was written by whoever gave the address."""
    return case.email if actor.is_platform else who(actor)


def _memberships(rows: QuerySet[Membership], title: str, whom: Any) -> Section:
    return Section(
        title,
        ("who", "role", "since", "until"),
        [
            (whom(one), one.get_role_display(), when(one.joined_at), when(one.left_at))
            for one in rows
        ],
    )


def _yes(value: bool) -> str:
    return "yes" if value else "no"


# What support does -------------------------------------------------------------------------------


class _CaseAction(SupportAction):
    model = Case
    related = ("party", "assigned_to", "opened_by")

    def refusal(self, row: Case, by: Actor) -> Refusal | None:
        return Refusal("This case was closed.") if row.state == CaseState.CLOSED else None

    def state_of(self, row: Case) -> str:
        whose = row.assigned_to.name if row.assigned_to else "nobody"
        return f"{row.get_state_display().lower()}, looked after by {whose}"


class AnswerForm(ReasonForm):
    text = forms.CharField(
        label="Answer",
        widget=forms.Textarea(attrs={"rows": 8}),
        max_length=policy.TEXT_LENGTH,
        error_messages={"required": "Write an answer."},
    )


@tool
class AnswerCase(_CaseAction):
    name = "answer"
    label = "Answer"
    button = "Send the answer"
    permission = "marketplace.answer_case"
    form_class = AnswerForm

    def effects(self, row: Case, given: dict[str, Any]) -> Sequence[Effect]:
        reader = row.opened_by.email if row.opened_by and row.party else row.email
        return [
            Effect(term=f"{reader} reads", value=given["text"]),
            Effect(term="The case", value="is answered; they can write again"),
        ]

    def carry_out(self, row: Case, given: dict[str, Any], *, by: Actor) -> str:
        cases.answer(row, text=given["text"], by=by)
        return f"{row.reference} is answered. The answer is in their inbox or e-mail."


@tool
class AssignCase(_CaseAction):
    name = "assign"
    label = "Assign to me"
    button = "Assign to me"
    permission = "marketplace.assign_case"

    def effects(self, row: Case, given: dict[str, Any]) -> Sequence[Effect]:
        now = row.assigned_to.name if row.assigned_to else "nobody"
        return [Effect(term="You look after this case", value=f"until now {now} did")]

    def carry_out(self, row: Case, given: dict[str, Any], *, by: Actor) -> str:
        cases.assign(row, to=by.staff, by=by)
        return f"You look after {row.reference} now."


@tool
class CloseCase(_CaseAction):
    name = "close"
    label = "Close"
    button = "Close the case"
    permission = "marketplace.close_case"

    def effects(self, row: Case, given: dict[str, Any]) -> Sequence[Effect]:
        return [
            Effect(
                term="The case is closed",
                value="for good: nothing can be added, and nobody is told",
            )
        ]

    def carry_out(self, row: Case, given: dict[str, Any], *, by: Actor) -> str:
        cases.close(row, by=by)
        return f"{row.reference} is closed."


@tool
class RunAudit(SupportAction):
    """The audit of the books: reads everything, changes nothing but when it was last made."""

    model = SweepRun
    of_row = False
    name = "audit"
    label = "Run the audit"
    button = "Run the audit"
    permission = "marketplace.run_audit"
    separate = True

    def effects(self, row: None, given: dict[str, Any]) -> Sequence[Effect]:
        return [Effect(term="Every check is made", value="nothing is changed; it takes a while")]

    def carry_out(self, row: None, given: dict[str, Any], *, by: Actor) -> str:
        report = auditing.run()
        auditing.record(report)
        if report.clean:
            return f"All {len(report.checks)} checks hold."
        return f"{len(report.broken)} of {len(report.checks)} checks do not hold. {report}"

    def state_of(self, row: None) -> str:
        made = SweepRun.objects.filter(name=auditing.AUDIT).first()
        return f"{made.done} checks held, {made.failed} did not" if made else "never made"


# The first page ----------------------------------------------------------------------------------


@source
class OpenCases(Source):
    name = "case"
    permission = "marketplace.view_case"
    of_support = True
    column = "opened_at"
    later = policy.SUPPORT_ANSWERS

    def rows(self) -> QuerySet[Case]:
        return Case.objects.filter(WAITS).select_related("assigned_to")

    def words(self, row: Case) -> str:
        return f"Case {row}"

    def contract(self, row: Case) -> str:
        return row.contract_reference or "–"

    def clock(self, row: Case) -> Clock:
        return clock_of(row)


@panel(place=6, permission="marketplace.view_case")
def waiting_cases() -> Panel:
    return Panel(
        "Cases",
        reverse("admin:marketplace_case_changelist"),
        f"{how_many(Case.objects.filter(WAITS))} waiting for an answer.",
    )


@panel(place=9, permission="marketplace.view_sweeprun")
def machinery() -> Panel:
    runs = {one.name: one for one in SweepRun.objects.order_by("name")}
    audit = runs.pop(auditing.AUDIT, None)
    last = max((one.at for one in runs.values()), default=None)
    failed = sum(one.failed for one in runs.values())
    return Panel(
        "Sweeps and audit",
        reverse("admin:marketplace_sweeprun_changelist"),
        f"Last sweep: {when(last)}, {failed} rows failed. {_audit_words(audit)}",
    )


def _audit_words(audit: SweepRun | None) -> str:
    if audit is None:
        return "The audit was never run."
    result = f"{audit.failed} checks did not hold" if audit.failed else "every check held"
    return f"Last audit: {when(audit.at)}, {result}."
