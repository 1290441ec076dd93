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
from payments.queries.refund import RefundPage, refund_page
from payments.queries.statement import Line, PaymentsPage, payments_page

__all__ = [
    "BalanceFigure",
    "Line",
    "MoneyParts",
    "PaymentsPage",
    "RefundPage",
    "balances_of",
    "kept_of",
    "money_bar",
    "movements",
    "payments_page",
    "refund_page",
    "reversed_of",
    "where_is_money",
]
