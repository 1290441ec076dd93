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
from payments.queries.lines import Line
from payments.queries.money import Asked, Event, PaymentsPage, kinds_of, payments_page
from payments.queries.payout import WithdrawPage, who_withdraws, withdraw_page
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

__all__ = [
    "AskPage",
    "Asked",
    "AskedBack",
    "BalanceFigure",
    "Event",
    "Line",
    "MoneyParts",
    "PaymentsPage",
    "RefundPage",
    "WithdrawPage",
    "ask_page",
    "asked_back",
    "balances_of",
    "kept_of",
    "kinds_of",
    "money_bar",
    "movements",
    "open_split_of",
    "payments_page",
    "refund_page",
    "requests_by_payment",
    "reversed_of",
    "where_is_money",
    "who_withdraws",
    "with_asked_back",
    "with_open_split",
    "with_refundable",
    "withdraw_page",
]
