"""Act, and be killed at a named cut: python -m tests.proof.killed CUT ROW MEMBER KEY.

SIGKILL asks nobody: whatever was not committed is gone, as when the power fails.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any, Final

import django

FUND: Final = (
    "intent not committed",
    "intent committed",
    "call not committed",
    "call committed",
    "posting not committed",
    "moved on, not committed",
    "posting committed",
)
END: Final = ("money moved", "everything written")


def main() -> None:
    django.setup()
    from contracts import closing, funding
    from contracts.closing import Choice
    from contracts.models import Contract, Milestone
    from marketplace import clock
    from marketplace.actors import Actor
    from marketplace.models import Membership
    from payments.gateways import sandbox
    from tests.factories import NOON, seen

    cut, row, member, key = sys.argv[1:]
    by = Actor.member(Membership.objects.select_related("party", "user").get(pk=member))
    kill_at(cut)
    with clock.at(NOON):
        if cut in END:
            contract = Contract.objects.get(pk=row)
            closing.end(contract, choice=Choice.all(), seen=seen(contract), by=by)
        else:
            milestone = Milestone.objects.select_related("contract").get(pk=row)
            funding.fund(milestone, method=sandbox.ACCEPTS, key=key, by=by)


def kill_at(cut: str) -> None:
    from contracts import closing, funding
    from contracts import notices as told
    from payments import operations
    from payments.gateways.sandbox import Sandbox
    from payments.models import SandboxCharge

    owner, name, before = {
        "intent not committed": (operations, "start", False),
        "intent committed": (operations, "carry_out", True),
        "call not committed": (SandboxCharge.objects, "get_or_create", False),
        "call committed": (Sandbox, "charge", False),
        "posting not committed": (operations, "record", False),
        "moved on, not committed": (funding, "fund_now", False),
        "posting committed": (operations, "settle", False),
        "money moved": (closing.checklists, "open_for", True),
        "everything written": (told, "contract_ended", False),
    }[cut]
    setattr(owner, name, killing(getattr(owner, name), before=before))


def killing(function: Callable[..., Any], *, before: bool) -> Callable[..., Any]:
    def killed(*args: Any, **given: Any) -> None:
        if not before:
            function(*args, **given)
        os.kill(os.getpid(), signal.SIGKILL)

    return killed


if __name__ == "__main__":
    main()
