"""What pages read of the books."""

from payments.queries.balances import BalanceFigure, balances_of
from payments.queries.contract import (
    MoneyParts,
    kept_of,
    money_bar,
    movements,
    reversed_of,
    where_is_money,
)
from payments.queries.refund import (
    AskedBack,
    AskPage,
    RefundPage,
    ask_page,
    asked_back,
    refund_page,
    requests_by_payment,
    with_asked_back,
    with_refundable,
)
from payments.queries.split import open_split_of, with_open_split
from payments.queries.statement import Line, PaymentsPage, payments_page

__all__ = [
    "AskPage",
    "AskedBack",
    "BalanceFigure",
    "Line",
    "MoneyParts",
    "PaymentsPage",
    "RefundPage",
    "ask_page",
    "asked_back",
    "balances_of",
    "kept_of",
    "money_bar",
    "movements",
    "open_split_of",
    "payments_page",
    "refund_page",
    "requests_by_payment",
    "reversed_of",
    "where_is_money",
    "with_asked_back",
    "with_open_split",
    "with_refundable",
]
