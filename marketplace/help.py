"""The help articles, and what readers think of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from django.template.defaultfilters import pluralize
from django.utils.text import get_text_list

from marketplace import clock, policy
from marketplace.models import ArticleVote
from marketplace.money import Money

EXAMPLE: Final = Money(50_000, "USD")
"""A payment in an example."""

_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
_A_MONDAY: Final = datetime(2026, 11, 16, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Article:
    """Its text is the template of its slug in ``marketplace/help/``."""

    slug: str
    title: str
    summary: str

    @property
    def template(self) -> str:
        return f"marketplace/help/{self.slug}.html"


@dataclass(frozen=True, slots=True)
class Topic:
    title: str
    articles: tuple[Article, ...]


TOPICS: Final = (
    Topic(
        "Ending a contract",
        (
            Article(
                "end-a-contract-freelancer",
                "End a contract as a freelancer or agency",
                "When to leave it to the client, what happens to escrow, and the steps.",
            ),
            Article(
                "end-a-contract-client",
                "End a contract as a client",
                "What to settle first, the three choices for escrow, and the steps.",
            ),
            Article(
                "final-payment",
                "Pay a final payment before the end",
                "Money in escrow is paid as part of an active milestone.",
            ),
            Article(
                "work-after-the-end",
                "What is left to do after the end",
                "The post-close checklist of each side, and what stays possible.",
            ),
        ),
    ),
    Topic(
        "Money",
        (
            Article(
                "milestones-and-reviews",
                "Milestones, escrow and reviews",
                f"From a plan to a payment, and the {policy.REVIEW_WINDOW.days} days of a review.",
            ),
            Article(
                "escrow-after-the-end",
                "Money that stays in escrow after the end",
                "What a request for its return is, who answers it, and what silence does.",
            ),
            Article(
                "escrow-split-or-dispute",
                "Split or dispute what is in escrow",
                "When the two sides do not agree: splits, disputes, mediation, and their clocks.",
            ),
            Article(
                "refunds",
                "Give a refund, or ask for one",
                f"Payments of the last {policy.REFUND_WINDOW.days} days can be given back,"
                " whole or in part.",
            ),
            Article(
                "bonuses",
                "Bonuses, and time that was not recorded",
                "Paid beside escrow and hours, also after the end.",
            ),
            Article(
                "quiet-contracts",
                "Quiet and dormant contracts",
                "What happens to money in escrow when nobody does anything.",
            ),
            Article("fees", "Fees", "What is taken from a payment, and what comes back."),
            Article(
                "withdrawals",
                "Withdraw what you have earned",
                "When money is available, how it reaches you, and what happens if it does not.",
            ),
            Article(
                "credit-and-payment-methods",
                "Credit, and what you pay with",
                "Money that came back: use it, or send it back to where it came from.",
            ),
            Article(
                "statements",
                "Statements and exports",
                "A contract's money balanced to the cent, on the page, as PDF and as CSV.",
            ),
        ),
    ),
    Topic(
        "Hourly contracts",
        (
            Article(
                "hours-and-weeks",
                "How hours are recorded, billed and paid",
                "The Work Diary, the weekly invoice, the review, and when the money is there.",
            ),
            Article(
                "work-diary-at-the-end",
                "The Work Diary when a contract ends",
                "It locks at once. What is billed then, and what can still be done.",
            ),
            Article(
                "disputed-hours",
                "Dispute hours",
                "How a client questions recorded time, who answers, and what silence does.",
            ),
            Article(
                "contract-on-hold",
                "A contract that is on hold",
                "Why no time can be recorded, and how it goes on.",
            ),
        ),
    ),
    Topic(
        "Trust",
        (
            Article(
                "feedback",
                "Feedback that neither side sees first",
                "Who may give it, when it shows, and how long there is time.",
            ),
            Article(
                "accounts-and-fee-avoidance",
                "Accounts, and contracts ended to avoid fees",
                "Why taking payment elsewhere costs the account.",
            ),
        ),
    ),
)
ARTICLES: Final = {article.slug: article for topic in TOPICS for article in topic.articles}


def numbers() -> dict[str, object]:
    """The numbers of the rule book that articles name."""
    return {
        "minimum_milestone": policy.minimum_milestone("USD"),
        "fee": f"{policy.TALENT_FEE / 100:g} %",
        "example_gross": EXAMPLE,
        "example_net": EXAMPLE - EXAMPLE.fraction(policy.TALENT_FEE),
        "offer_days": policy.OFFER_WINDOW.days,
        "review_days": policy.REVIEW_WINDOW.days,
        "review_reminders": _days(policy.REVIEW_REMINDERS),
        "extension_days": policy.REVIEW_EXTENSION.days,
        "pending_days": policy.SECURITY_PERIOD.days,
        "refund_days": policy.REFUND_WINDOW.days,
        "answer_days": policy.ESCROW_ANSWER_WINDOW.days,
        "answer_reminders": _days(policy.ESCROW_ANSWER_REMINDERS),
        "client_workdays": policy.ESCROW_CLIENT_WORKDAYS,
        "client_reminders": _before(policy.ESCROW_CLIENT_REMINDERS),
        "split_rest_hours": policy.SPLIT_REST // _HOUR,
        "splits_by_talent": policy.SPLITS_BY_TALENT,
        "mediation_days": policy.MEDIATION_ANSWER_WINDOW.days,
        "decision_days": policy.DECISION_WINDOW.days,
        "credit_back_days": policy.CREDIT_BACK_WINDOW.days,
        "refund_requests": policy.REFUND_REQUESTS,
        "bonus_days": policy.BONUS_WINDOW.days,
        "bonus_minimum": policy.minimum_bonus("USD"),
        "bonus_requests": policy.BONUS_REQUESTS,
        "idle_reminders": _days(policy.IDLE_REMINDERS),
        "dormant_notices": _days(policy.DORMANT_NOTICES),
        "dormant_days": policy.DORMANT_AFTER.days,
        "dormant_client_days": policy.DORMANT_CLIENT_ANSWER.days,
        "dormant_talent_days": policy.DORMANT_TALENT_ANSWER.days,
        "dormant_release_days": policy.DORMANT_RELEASE_ANSWER.days,
        "feedback_days": policy.FEEDBACK_DAYS,
        "feedback_minimum": policy.public_feedback_minimum("USD"),
        "feedback_length": policy.NOTE_LENGTH,
        "again_days": policy.START_AGAIN_WINDOW.days,
        "segment_minutes": policy.SEGMENT // _MINUTE,
        "timer_hours": policy.LONGEST_TIMER // _HOUR,
        "billed_at": _in_the_week(policy.WEEK_BILLED_AFTER),
        "reviewed_until": _in_the_week(policy.HOURS_REVIEWED_AFTER),
        "hours_available": _in_the_week(policy.HOURS_AVAILABLE_AFTER),
        "hours_answer_days": policy.HOURS_ANSWER_WINDOW.days,
        "owed_days": policy.OWED_RETRIED_AFTER_END.days,
    }


def vote(article: Article, *, reader: str, helpful: bool) -> ArticleVote:
    """Answer *Was this article helpful?*; a second answer of the same reader replaces the first.

    Args:
        reader: whatever tells readers apart: an account, or a visitor's session.
    """
    answer, _ = ArticleVote.objects.update_or_create(
        article=article.slug,
        reader=reader,
        defaults={"helpful": helpful, "at": clock.now()},
    )
    return answer


def _days(steps: Iterable[timedelta]) -> str:
    """Numbers of days in a sentence: 3, 5 and 6."""
    return get_text_list([str(step.days) for step in steps], "and")


def _before(steps: Iterable[timedelta]) -> str:
    """How long before something: 3 days and 1 day."""
    return get_text_list([f"{step.days} day{pluralize(step.days)}" for step in steps], "and")


def _in_the_week(after: timedelta) -> str:
    """A moment counted from a Monday 00:00, as its weekday and time: Monday, 12:00 UTC."""
    return f"{_A_MONDAY + after:%A, %H:%M} UTC"
