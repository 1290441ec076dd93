"""What the page about sending credit back shows."""

from __future__ import annotations

from dataclasses import dataclass

from marketplace import clock
from marketplace.models import Party
from marketplace.money import Money
from payments import credits
from payments.credits import Sendable
from payments.models import Account
from payments.states import AccountKind


@dataclass(frozen=True, slots=True)
class CreditPage:
    """A client's credit of one currency, and what of it can go back.

    ``others`` are its credit accounts of other currencies with something in them; ``charging`` is
    the first charge that is still open, which may count on the credit.
    """

    account: Account
    found: Sendable
    others: list[Account]
    charging: Money | None


def credit_page(party: Party, currency: str) -> CreditPage | None:
    """The credit of a currency, or else the first one that a client has; None of who has none.

    At most six queries.
    """
    accounts = list(
        Account.objects.filter(party=party, kind=AccountKind.CREDIT, balance_minor__gt=0)
        .select_related("party")
        .order_by("currency")
    )
    if not accounts:
        return None
    account = next((one for one in accounts if one.currency == currency), accounts[0])
    charge = credits.open_charges(account).order_by("pk").first()
    return CreditPage(
        account=account,
        found=credits.sendable(account, clock.now()),
        others=[one for one in accounts if one is not account],
        charging=charge.amount if charge else None,
    )
