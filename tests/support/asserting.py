"""What many tests look for: the books are right, and what was refused changed nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from contracts.models import Contract, DisputedSegment, Submission
from marketplace import auditing
from marketplace.models import FormKey, Notice
from marketplace.refusals import Refused
from payments.models import (
    Correction,
    EscrowRefundRequest,
    Payment,
    Refund,
    RefundRequest,
    RequestStatement,
    SplitProposal,
)
from tests.factories import money_of


def assert_audit_clean() -> None:
    report = auditing.run()
    assert report.clean, str(report)


@contextmanager
def refused(
    contract: Contract, kind: type[Refused], sentence: str
) -> Iterator[pytest.ExceptionInfo[Refused]]:
    """What is done inside is refused with this sentence, and nothing of the contract changed."""
    before = everything_of(contract)
    with pytest.raises(kind) as caught:
        yield caught
    assert sentence in caught.value.sentence
    assert everything_of(contract) == before


def everything_of(contract: Contract) -> list[Any]:
    """All that a deed on a contract could have changed."""
    payments = Payment.objects.filter(book=contract.book_id).order_by("pk")
    return [
        Contract.objects.filter(pk=contract.pk).values().get(),
        list(contract.milestones.values()),
        list(Submission.objects.filter(milestone__contract=contract).order_by("pk").values()),
        list(contract.history.values_list("sequence", "transition")),
        list(contract.book.operations.order_by("pk").values()),
        *hours_of(contract),
        list(contract.checklist.values()),
        list(contract.messages.values()),
        *returns_of(contract),
        list(payments.values()),
        Refund.objects.filter(payment__in=payments).count(),
        money_of(contract),
        Notice.objects.count(),
        FormKey.objects.count(),
    ]


def returns_of(contract: Contract) -> list[Any]:
    """All that belongs to money that comes back, to bonuses and to what sleeps."""
    book = contract.book_id
    rows = (
        EscrowRefundRequest.objects.filter(book=book),
        SplitProposal.objects.filter(request__book=book),
        RequestStatement.objects.filter(request__book=book),
        RefundRequest.objects.filter(payment__book=book),
        Correction.objects.filter(book=book),
        contract.bonuses,
        contract.bonus_requests,
        contract.dormancies,
    )
    return [list(one.order_by("pk").values()) for one in rows]


def hours_of(contract: Contract) -> list[Any]:
    """All that belongs to the hours of a contract."""
    rows = (
        contract.weeks,
        contract.week_limits,
        contract.stretches,
        contract.timers,
        contract.assignments,
        contract.hours_disputes,
        DisputedSegment.objects.filter(dispute__contract=contract),
    )
    return [list(one.order_by("pk").values()) for one in rows]
