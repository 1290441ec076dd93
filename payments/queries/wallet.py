"""What the page about ways to pay, and to be paid, shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from marketplace.models import Party
from marketplace.money import Money
from payments import gateways, wallet
from payments.gateways.base import Method
from payments.models import Account, GatewayIdentity
from payments.states import AccountKind


@dataclass(frozen=True, slots=True)
class Way:
    """A way to pay, as its row shows it; ``saved`` is the id of one that can be removed."""

    token: str
    label: str
    is_preferred: bool
    help: str = ""
    expires_on: date | None = None
    saved: int | None = None

    @property
    def fields(self) -> dict[str, str]:
        """What the form sends that puts it first."""
        return {"token": self.token}

    @property
    def id(self) -> str:
        """Of its name on the page, which its buttons are about."""
        return f"way-{self.token}"


@dataclass(frozen=True, slots=True)
class WalletPage:
    """How a party pays, or is paid.

    Attributes:
        hosted: whether ways are added at the provider; else they stand there for everybody.
        ways: a client's, the preferred one first.
        credit: a client's, of each currency in which there is some.
        goes_back: what a client wishes for money that comes back.
        places: where a talent can withdraw to.
        at_gateway: who the party is there, if it is known there.
    """

    hosted: bool
    ways: list[Way]
    credit: list[Money]
    goes_back: bool
    places: tuple[Method, ...]
    at_gateway: GatewayIdentity | None

    @property
    def is_begun(self) -> bool:
        """Whether a talent has begun to say where it is paid to."""
        return bool(self.at_gateway and self.at_gateway.destination)

    @property
    def can_be_paid(self) -> bool:
        return bool(not self.hosted or (self.at_gateway and self.at_gateway.can_be_paid))


def wallet_page(party: Party) -> WalletPage:
    """The ways of one party at the gateway of now; at most four queries."""
    gateway = gateways.gateway()
    at_gateway = GatewayIdentity.objects.filter(party=party, gateway=gateway.name).first()
    accounts = []
    if party.is_client:
        chosen = Account.objects.filter(party=party, kind=AccountKind.CREDIT)
        accounts = list(chosen.order_by("currency"))
    return WalletPage(
        hosted=gateway.hosted,
        ways=_ways(party, at_gateway) if party.is_client else [],
        credit=[one.balance for one in accounts if one.balance_minor],
        goes_back=any(one.goes_back for one in accounts),
        places=() if party.is_client else gateway.destinations(party),
        at_gateway=at_gateway,
    )


def _ways(party: Party, at_gateway: GatewayIdentity | None) -> list[Way]:
    gateway = gateways.gateway()
    preferred = at_gateway.default_method if at_gateway else ""
    if not gateway.hosted:
        found = gateway.methods(party)
        return [Way(one.token, one.label, one.token == preferred, one.help) for one in found]
    saved = wallet.saved_methods(party)
    saved.sort(key=lambda one: one.token != preferred)
    return [
        Way(
            one.token,
            one.label,
            one.token == preferred,
            expires_on=one.expires_on,
            saved=one.pk,
        )
        for one in saved
    ]
