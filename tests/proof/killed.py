"""Act, and be killed at a named cut: python -m tests.proof.killed DEED CUT ROW MEMBER KEY.

SIGKILL asks nobody: whatever was not committed is gone, as when the power fails.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any, Final

import django

_INTENT: Final = ("intent not committed", "intent committed")
_CALL: Final = ("call not committed", "call committed")
_POSTING: Final = ("posting not committed", "moved on, not committed", "posting committed")

FUND: Final = (*_INTENT, *_CALL, *_POSTING)
PAY: Final = FUND
GIVE: Final = FUND
BILL: Final = ("invoice not committed", "invoice and intent committed", *_CALL, *_POSTING)
END: Final = ("money moved", "everything written")
SEND: Final = (*_INTENT, *_CALL, "posting not committed", "posting committed")
BACK: Final = ("back not committed", "posting not committed", "posting committed")
TOLD: Final = ("told", *BACK)


def main() -> None:
    django.setup()
    from contracts.models import Contract, Milestone, Week
    from marketplace.actors import Actor
    from marketplace.models import Membership

    deed, cut, row, member, key = sys.argv[1:]
    by = Actor.member(Membership.objects.select_related("party", "user").get(pk=member))
    kill_at(cut, deed)
    if deed == "fund":
        fund(Milestone.objects.select_related("contract").get(pk=row), key=key, by=by)
    elif deed == "end":
        end(Contract.objects.get(pk=row), by=by)
    elif deed == "give":
        give(Contract.objects.get(pk=row), key=key, by=by)
    elif deed in ("withdraw", "withdraw in vain"):
        withdraw(Contract.objects.get(pk=row), key=key, by=by, in_vain=deed != "withdraw")
    elif deed == "send back":
        send_back(Contract.objects.get(pk=row), key=key, by=by)
    elif deed == "hear":
        hear()
    elif deed == "pay":
        pay(Week.objects.select_related("contract").get(pk=row), key=key, by=by)
    else:
        weekly_run()


def fund(milestone: Any, *, key: str, by: Any) -> None:
    from contracts import funding
    from marketplace import clock
    from payments.gateways import sandbox
    from tests.factories import NOON

    with clock.at(NOON):
        funding.fund(milestone, method=sandbox.ACCEPTS, key=key, by=by)


def end(contract: Any, *, by: Any) -> None:
    from contracts import closing
    from contracts.closing import Choice
    from marketplace import clock
    from tests.factories import NOON, seen

    choice = Choice.nothing() if contract.is_hourly else Choice.all()
    with clock.at(NOON):
        closing.end(contract, choice=choice, seen=seen(contract), by=by)


def give(contract: Any, *, key: str, by: Any) -> None:
    from contracts import bonuses
    from marketplace import clock
    from payments.gateways import sandbox
    from tests.factories import NOON, usd

    with clock.at(NOON):
        bonuses.give(contract, amount=usd(50), note="", method=sandbox.ACCEPTS, key=key, by=by)


def pay(week: Any, *, key: str, by: Any) -> None:
    from contracts import billing
    from marketplace import clock
    from payments.gateways import sandbox
    from tests.factories import NOON

    with clock.at(NOON):
        billing.pay_now(week, method=sandbox.ACCEPTS, key=key, by=by)


def withdraw(contract: Any, *, key: str, by: Any, in_vain: bool) -> None:
    from marketplace import clock
    from payments import payouts
    from payments.gateways import sandbox
    from tests.factories import NOON, usd

    destination = sandbox.REFUSES if in_vain else sandbox.RECEIVES
    given = {"amount": usd(450), "destination": destination, "key": key}
    with clock.at(NOON):
        payouts.withdraw(contract.talent, **given, by=by)


def send_back(contract: Any, *, key: str, by: Any) -> None:
    from marketplace import clock
    from payments import credits
    from tests.factories import NOON, usd

    with clock.at(NOON):
        credits.send_back(contract.book.credit_account, amount=usd(500), key=key, by=by)


def hear() -> None:
    from marketplace import sweeping
    from payments.gateways import sandbox
    from tests.factories import NOON

    sweeping.run(as_of=NOON + sandbox.COMES_BACK_AFTER, only="payments.sandbox_reports")


def weekly_run() -> None:
    from marketplace import sweeping
    from tests.proof.scenes import BILLED

    sweeping.run(as_of=BILLED)


def kill_at(cut: str, deed: str) -> None:
    """Have the process die at a step of what it does."""
    owner, name, before = _steps(deed)[cut]
    setattr(owner, name, killing(getattr(owner, name), before=before))


def _steps(deed: str) -> dict[str, tuple[Any, str, bool]]:
    """What is called at each cut, and whether the process dies before it or after."""
    from contracts import billing, closing, funding
    from contracts import notices as told
    from marketplace import transitions
    from payments import bonuses, hours, operations, outgoing
    from payments.gateways import sandbox
    from payments.gateways.sandbox import Sandbox
    from payments.models import SandboxCall

    leaves = deed in ("withdraw", "withdraw in vain", "send back", "hear")
    by_hand = deed in ("fund", "give")
    moves_on = {"fund": (funding, "fund_now", False), "give": (bonuses, "pay", False)}
    return {
        "intent not committed": (
            (outgoing, "begin", False)
            if leaves
            else (operations, "start" if by_hand else "start_all", False)
        ),
        "intent committed": (operations, "carry_out", True),
        "invoice not committed": (billing, "invoice_due", False),
        "invoice and intent committed": (operations, "call_all", True),
        "call not committed": (SandboxCall.objects, "get_or_create", False),
        "call committed": (Sandbox, "call", False),
        "posting not committed": (
            (transitions, "move", False) if leaves else (operations, "record_all", False)
        ),
        "back not committed": (outgoing, "_post_back", False),
        "told": (sandbox, "report", False),
        "moved on, not committed": moves_on.get(deed, (hours, "pay_all", False)),
        "posting committed": (
            (billing, "settle_all", False) if deed == "bill" else (operations, "settle", False)
        ),
        "money moved": (closing.checklists, "open_for", True),
        "everything written": (told, "contract_ended", False),
    }


def killing(function: Callable[..., Any], *, before: bool) -> Callable[..., Any]:
    def killed(*args: Any, **given: Any) -> None:
        if not before:
            function(*args, **given)
        os.kill(os.getpid(), signal.SIGKILL)

    return killed


if __name__ == "__main__":
    main()
