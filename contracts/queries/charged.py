"""Which hourly contracts are charged to which way to pay."""

from __future__ import annotations

from contracts.models import Contract
from contracts.states import RUNNING_CONTRACTS, ContractKind, ContractState
from marketplace.models import Party


def hours_charged_to(client: Party) -> dict[str, list[Contract]]:
    """A client's hourly contracts that go on, or are offered, by the token of what is charged."""
    chosen = Contract.objects.filter(
        client=client,
        kind=ContractKind.HOURLY,
        state__in=(*RUNNING_CONTRACTS, ContractState.OFFERED),
    )
    charged: dict[str, list[Contract]] = {}
    for contract in chosen.only("reference", "title", "charge_method", "state").order_by("pk"):
        charged.setdefault(contract.charge_method, []).append(contract)
    return charged
