"""Payments and refunds, as they were made."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import admin
from django.db.models import QuerySet

from marketplace.money import Money
from marketplace.support.lists import ReadOnlyAdmin
from marketplace.support.sections import ACTOR, Section, link, when, who
from payments.models import Payment, Refund

BY_REFERENCE = "A contract's reference"


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    list_display = (
        "paid_at",
        "title",
        "book",
        "amount",
        "received",
        "given_back",
        "available_at",
        "held",
    )
    list_select_related = ("book",)
    related = ("book", "entry")
    search_fields = ("book",)
    search_help_text = BY_REFERENCE
    fields = (
        "title",
        "kind",
        "book",
        "amount",
        "charged",
        "received",
        "given_back",
        "fee_given_back",
        "still_pending",
        "paid_at",
        "available_at",
        "matured_at",
        "held",
        "entry",
    )

    def search(self, rows: QuerySet[Payment], term: str) -> QuerySet[Payment]:
        return rows.filter(book__reference=term.upper())

    def sections(self, row: Payment) -> Sequence[Section]:
        return [refunds_of(row.refunds.select_related("payment", *ACTOR))]

    @admin.display(description="gross")
    def amount(self, row: Payment) -> Money:
        return row.gross

    @admin.display(description="fee")
    def charged(self, row: Payment) -> Money:
        return row.fee

    @admin.display(description="net")
    def received(self, row: Payment) -> Money:
        return row.net

    @admin.display(description="given back")
    def given_back(self, row: Payment) -> Money:
        return row.refunded

    @admin.display(description="fee returned")
    def fee_given_back(self, row: Payment) -> Money:
        return row.fee_returned

    @admin.display(description="still pending")
    def still_pending(self, row: Payment) -> Money:
        return row.pending_left


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    list_display = ("at", "kind", "payment", "given_back", "fee_part", "who")
    list_select_related = ("payment", *ACTOR)
    related = ("payment", "entry", *ACTOR)
    search_fields = ("payment",)
    search_help_text = BY_REFERENCE
    fields = (
        "payment",
        "kind",
        "given_back",
        "fee_part",
        "from_pending",
        "from_available",
        "reason",
        "at",
        "who",
        "entry",
    )

    def search(self, rows: QuerySet[Refund], term: str) -> QuerySet[Refund]:
        return rows.filter(payment__book__reference=term.upper())

    @admin.display(description="given back")
    def given_back(self, row: Refund) -> Money:
        return row.amount

    @admin.display(description="of it from the fee")
    def fee_part(self, row: Refund) -> Money:
        return row.fee

    @admin.display(description="of it from pending")
    def from_pending(self, row: Refund) -> Money:
        return Money(row.from_pending_minor, row.currency)

    @admin.display(description="of it from available")
    def from_available(self, row: Refund) -> Money:
        return Money(row.from_available_minor, row.currency)

    @admin.display(description="by")
    def who(self, row: Refund) -> str:
        return who(row.actor)


def payments_of(rows: QuerySet[Payment]) -> Section:
    """A contract's payments."""
    return Section(
        "Payments",
        ("paid", "payment", "gross", "fee", "net", "given back", "available from"),
        [
            (
                when(one.paid_at),
                link(one, one.title),
                one.gross,
                one.fee,
                one.net,
                one.refunded,
                "held" if one.held else when(one.available_at),
            )
            for one in rows
        ],
    )


def refunds_of(rows: QuerySet[Refund]) -> Section:
    """What was given back of one payment, or of a contract's; payments and actors read along."""
    return Section(
        "Refunds and reversals",
        ("when", "what", "amount", "of", "fee part", "by", "reason"),
        [
            (
                when(one.at),
                one.get_kind_display(),
                link(one, str(one.amount)),
                link(one.payment),
                one.fee,
                who(one.actor),
                one.reason,
            )
            for one in rows
        ],
    )
