"""Every business number, named once, with its unit and its source.

A deployment overrides one by its name in ``settings.CLOSEOUT_POLICY``. Sources: S is one of the two
source documents on ending contracts, D a decision of this project (see docs/decisions).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeVar

from django.conf import settings

from marketplace.money import Money

T = TypeVar("T")

VERSION: Final = 2


@dataclass(frozen=True)
class Rule:
    """One number of the rule book, for the operator's overview."""

    name: str
    value: Any
    unit: str
    source: str


RULES: dict[str, Rule] = {}


def _rule(name: str, default: T, *, unit: str, source: str) -> T:
    value: T = getattr(settings, "CLOSEOUT_POLICY", {}).get(name, default)
    RULES[name] = Rule(name, value, unit, source)
    return value


CURRENCIES: Final = _rule(
    "CURRENCIES", ("USD", "EUR", "GBP"), unit="ISO 4217 codes one can choose", source="D"
)
MINIMUM_MILESTONE: Final = _rule(
    "MINIMUM_MILESTONE",
    {"USD": 500, "EUR": 500, "GBP": 500},
    unit="minor units by currency",
    source="S: a milestone is at least $5",
)
MAXIMUM_AMOUNT: Final = _rule(
    "MAXIMUM_AMOUNT",
    {"USD": 100_000_000, "EUR": 100_000_000, "GBP": 100_000_000},
    unit="minor units by currency, per amount",
    source="D",
)
MINIMUM_CHARGE: Final = _rule(
    "MINIMUM_CHARGE",
    {"USD": 50, "EUR": 50, "GBP": 30},
    unit="minor units by currency: the least the gateway charges",
    source="D, as payment providers have it",
)
PUBLIC_FEEDBACK_MINIMUM: Final = _rule(
    "PUBLIC_FEEDBACK_MINIMUM",
    {"USD": 100, "EUR": 100, "GBP": 100},
    unit="minor units by currency, net paid",
    source="rule book: public when at least 1.00 was paid",
)
TALENT_FEE: Final = _rule(
    "TALENT_FEE", 1_000, unit="basis points of each payment", source="rule book: 10 %"
)

OFFER_WINDOW: Final = _rule(
    "OFFER_WINDOW", timedelta(days=7), unit="time to accept an offer", source="rule book"
)
REVIEW_WINDOW: Final = _rule(
    "REVIEW_WINDOW",
    timedelta(days=14),
    unit="time from a submission to its automatic release",
    source="rule book",
)
REVIEW_REMINDERS: Final = _rule(
    "REVIEW_REMINDERS",
    (timedelta(days=7), timedelta(days=11), timedelta(days=13)),
    unit="after the submission",
    source="rule book",
)
REVIEW_EXTENSION: Final = _rule(
    "REVIEW_EXTENSION", timedelta(days=7), unit="once per milestone", source="D"
)
SECURITY_PERIOD: Final = _rule(
    "SECURITY_PERIOD", timedelta(days=5), unit="from paid to available", source="rule book"
)
REFUND_WINDOW: Final = _rule(
    "REFUND_WINDOW",
    timedelta(days=180),
    unit="after a payment, to the second",
    source="S: payments of the past 180 days can be refunded",
)
ESCROW_ANSWER_WINDOW: Final = _rule(
    "ESCROW_ANSWER_WINDOW",
    timedelta(days=7),
    unit="for the talent to answer an escrow refund request",
    source="rule book",
)
ESCROW_ANSWER_REMINDERS: Final = _rule(
    "ESCROW_ANSWER_REMINDERS",
    (timedelta(days=3), timedelta(days=5), timedelta(days=6)),
    unit="after the request",
    source="rule book",
)
ESCROW_CLIENT_WORKDAYS: Final = _rule(
    "ESCROW_CLIENT_WORKDAYS",
    5,
    unit="business days (Monday to Friday, UTC) for the client to answer a split or a dispute",
    source="rule book",
)
ESCROW_CLIENT_REMINDERS: Final = _rule(
    "ESCROW_CLIENT_REMINDERS",
    (timedelta(days=3), timedelta(days=1)),
    unit="before the client's time to answer a dispute is over",
    source="D",
)
SPLIT_REST: Final = _rule(
    "SPLIT_REST",
    timedelta(hours=48),
    unit="at least left to the talent after its split was declined or not answered",
    source="rule book",
)
SPLITS_BY_TALENT: Final = _rule(
    "SPLITS_BY_TALENT",
    2,
    unit="splits that the talent may propose per request, so that the clock is not stopped forever",
    source="D",
)
MEDIATION_ANSWER_WINDOW: Final = _rule(
    "MEDIATION_ANSWER_WINDOW",
    timedelta(days=2),
    unit="for both sides to accept a split that support proposes",
    source="rule book",
)
DECISION_WINDOW: Final = _rule(
    "DECISION_WINDOW",
    timedelta(days=30),
    unit="after an escrow refund request was filed, within which support decides",
    source="rule book",
)
REFUND_REQUESTS: Final = _rule(
    "REFUND_REQUESTS", 3, unit="times that a client may ask for a refund, per payment", source="D"
)
BONUS_WINDOW: Final = _rule(
    "BONUS_WINDOW",
    timedelta(days=365),
    unit="after an end, in which a bonus can be given",
    source="rule book",
)
MINIMUM_BONUS: Final = _rule(
    "MINIMUM_BONUS",
    {"USD": 100, "EUR": 100, "GBP": 100},
    unit="minor units by currency",
    source="D",
)
BONUS_REQUESTS: Final = _rule(
    "BONUS_REQUESTS",
    3,
    unit="times that a talent may ask for a bonus for unrecorded time, per contract",
    source="D",
)
IDLE_REMINDERS: Final = _rule(
    "IDLE_REMINDERS",
    (timedelta(days=30), timedelta(days=60)),
    unit="without activity, a friendly reminder on either kind of contract",
    source="D",
)
DORMANT_NOTICES: Final = _rule(
    "DORMANT_NOTICES",
    (timedelta(days=76), timedelta(days=83)),
    unit="without activity, and after the last due date, with money in escrow",
    source="rule book",
)
DORMANT_AFTER: Final = _rule(
    "DORMANT_AFTER",
    timedelta(days=90),
    unit="without activity, and after the last due date, with money in escrow",
    source="rule book",
)
DORMANT_CLIENT_ANSWER: Final = _rule(
    "DORMANT_CLIENT_ANSWER",
    timedelta(days=7),
    unit="for the client of a dormant contract, then the talent is asked",
    source="rule book",
)
DORMANT_TALENT_ANSWER: Final = _rule(
    "DORMANT_TALENT_ANSWER",
    timedelta(days=7),
    unit="for the talent of a dormant contract, then escrow goes back and the contract ends",
    source="rule book",
)
DORMANT_RELEASE_ANSWER: Final = _rule(
    "DORMANT_RELEASE_ANSWER",
    timedelta(days=14),
    unit="for the client after the talent asked for a release; silence pays",
    source="rule book",
)
FEEDBACK_DAYS: Final = _rule(
    "FEEDBACK_DAYS", 14, unit="whole UTC days after the end", source="rule book"
)
FEEDBACK_REMINDER: Final = _rule(
    "FEEDBACK_REMINDER",
    timedelta(days=3),
    unit="before the window closes, to both sides alike",
    source="D",
)
START_AGAIN_WINDOW: Final = _rule(
    "START_AGAIN_WINDOW",
    timedelta(days=7),
    unit="in which starting again is offered first",
    source="D",
)

MINIMUM_RATE: Final = _rule(
    "MINIMUM_RATE",
    {"USD": 100, "EUR": 100, "GBP": 100},
    unit="minor units by currency, an hour",
    source="D",
)
MAXIMUM_RATE: Final = _rule(
    "MAXIMUM_RATE",
    {"USD": 100_000, "EUR": 100_000, "GBP": 100_000},
    unit="minor units by currency, an hour; a full week stays below the maximum amount",
    source="D",
)
SEGMENT: Final = _rule(
    "SEGMENT", timedelta(minutes=10), unit="one segment of the Work Diary", source="rule book"
)
LONGEST_TIMER: Final = _rule(
    "LONGEST_TIMER", timedelta(hours=12), unit="a timer stops itself", source="rule book"
)
WEEK_BILLED_AFTER: Final = _rule(
    "WEEK_BILLED_AFTER",
    timedelta(days=7, hours=12),
    unit="from a week's Monday 00:00 UTC to its invoice: Monday 12:00",
    source="rule book",
)
HOURS_REVIEWED_AFTER: Final = _rule(
    "HOURS_REVIEWED_AFTER",
    timedelta(days=12),
    unit="from a week's Monday 00:00 UTC to the end of its review: Saturday 00:00",
    source="rule book",
)
HOURS_AVAILABLE_AFTER: Final = _rule(
    "HOURS_AVAILABLE_AFTER",
    timedelta(days=16),
    unit="from a week's Monday 00:00 UTC to when its money is available at the earliest",
    source="rule book: Wednesday of the week after",
)
HOURS_ANSWER_WINDOW: Final = _rule(
    "HOURS_ANSWER_WINDOW",
    timedelta(days=3),
    unit="for the talent to answer a dispute of hours",
    source="rule book",
)
OWED_RETRY: Final = _rule(
    "OWED_RETRY",
    timedelta(days=1),
    unit="until a declined charge is tried again",
    source="rule book",
)
OWED_RETRIED_AFTER_END: Final = _rule(
    "OWED_RETRIED_AFTER_END",
    timedelta(days=30),
    unit="after an end, then support takes over",
    source="rule book",
)

SUPPORT_ANSWERS: Final = _rule(
    "SUPPORT_ANSWERS",
    timedelta(days=3),
    unit="within which support means to act on what has no deadline of its own",
    source="D",
)

OPERATION_RETRY: Final = _rule(
    "OPERATION_RETRY",
    (
        timedelta(minutes=1),
        timedelta(minutes=5),
        timedelta(minutes=30),
        timedelta(hours=2),
    ),
    unit="until the gateway is asked again; the last one repeats",
    source="D",
)
OPERATION_GIVES_UP: Final = _rule(
    "OPERATION_GIVES_UP",
    timedelta(hours=24),
    unit="after which an unanswered charge is called off at the gateway",
    source="D 0004",
)
OUTGOING_WATCHED: Final = _rule(
    "OUTGOING_WATCHED",
    (timedelta(days=1), timedelta(days=4), timedelta(days=7), timedelta(days=14)),
    unit="after money went out, when the gateway is asked whether it came back",
    source="D 0027",
)
CREDIT_BACK_WINDOW: Final = _rule(
    "CREDIT_BACK_WINDOW",
    timedelta(days=365),
    unit="after a charge, in which credit can go back to what was charged",
    source="D 0028, as card networks have it",
)
CREDIT_BACK_CHARGES: Final = _rule(
    "CREDIT_BACK_CHARGES",
    20,
    unit="charges to which credit goes back in one go",
    source="D 0028",
)
CREDIT_BACK_WAITS: Final = _rule(
    "CREDIT_BACK_WAITS",
    timedelta(minutes=10),
    unit="until credit that goes back at once is looked at again while a charge is open",
    source="D 0028",
)
EVENT_RETRY: Final = _rule(
    "EVENT_RETRY",
    (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6)),
    unit="until what a gateway told is handled again after a failure; the last one repeats",
    source="D",
)
RECONCILED_AFTER: Final = _rule(
    "RECONCILED_AFTER",
    timedelta(hours=3),
    unit="after a UTC day, when it is compared with the gateway's own statement",
    source="D 0029",
)
RECONCILED_AGAIN: Final = _rule(
    "RECONCILED_AGAIN",
    timedelta(days=1),
    unit="until a day that does not agree, or is not settled yet, is compared again",
    source="D 0029",
)
RECONCILED_RETRY: Final = _rule(
    "RECONCILED_RETRY",
    timedelta(hours=1),
    unit="until a gateway whose statement cannot be read is asked for it again",
    source="D 0029",
)
RECONCILED_FOR: Final = _rule(
    "RECONCILED_FOR",
    timedelta(days=14),
    unit="after a UTC day, in which it is compared until it agrees",
    source="D 0029",
)
NOTICE_RETRY: Final = _rule(
    "NOTICE_RETRY",
    (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6)),
    unit="until an e-mail that failed is tried again; the last one repeats",
    source="D",
)
NOTICE_LEASE: Final = _rule(
    "NOTICE_LEASE", timedelta(minutes=5), unit="one sender's claim on an e-mail", source="D"
)
FORM_KEY_KEPT: Final = _rule(
    "FORM_KEY_KEPT",
    timedelta(days=30),
    unit="for which a form that is sent twice is known to be the same",
    source="D",
)

TITLE_LENGTH: Final = 120
NAME_LENGTH: Final = 120
EMAIL_LENGTH: Final = 254
TEXT_LENGTH: Final = 5_000
NOTE_LENGTH: Final = 2_000
LINKS: Final = 10
MILESTONES: Final = 100
MEMO_LENGTH: Final = 200
WEEKLY_HOURS: Final = 168


def minimum_milestone(currency: str) -> Money:
    """The least a milestone may be (S: $5)."""
    return Money(MINIMUM_MILESTONE[currency], currency)


def maximum_amount(currency: str) -> Money:
    return Money(MAXIMUM_AMOUNT[currency], currency)


def minimum_rate(currency: str) -> Money:
    """The least an hour may cost (D)."""
    return Money(MINIMUM_RATE[currency], currency)


def maximum_rate(currency: str) -> Money:
    return Money(MAXIMUM_RATE[currency], currency)


def minimum_charge(currency: str) -> Money:
    return Money(MINIMUM_CHARGE[currency], currency)


def minimum_bonus(currency: str) -> Money:
    """The least a bonus may be (D)."""
    return Money(MINIMUM_BONUS[currency], currency)


def public_feedback_minimum(currency: str) -> Money:
    return Money(PUBLIC_FEEDBACK_MINIMUM[currency], currency)


def step(steps: tuple[timedelta, ...], attempt: int) -> timedelta:
    """How long to wait after attempt number ``attempt`` (from 1); the last step repeats."""
    return steps[min(max(attempt, 1), len(steps)) - 1]
