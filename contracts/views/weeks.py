"""Pages of one week of an hourly contract: paying what is owed for it."""

from __future__ import annotations

from typing import Any

from django.http import Http404

from contracts import billing, quotes, rules
from contracts.billing import CHARGE_IS_OPEN
from contracts.forms.base import MethodForm
from contracts.models import Week
from contracts.views.base import refuse
from contracts.views.charging import ChargingView, sources
from marketplace.refusals import (
    FiguresChanged,
    InvalidInput,
    KeyReused,
    NotYours,
    Overtaken,
    Refused,
)
from payments import gateways
from payments.states import OPEN_OPERATIONS


class Pay(ChargingView):
    """What is owed for a week, what credit covers, and what is charged."""

    template = "contracts/week_pay.html"

    def subject(self, **where: Any) -> Week:
        contract = self.agreed(where["reference"])
        found = contract.weeks.filter(starts_on=where["week"]).first()
        if found is None:
            raise Http404
        found.contract = contract
        return found

    def check(self, subject: Week) -> None:
        refuse(rules.client_pays_week(subject, self.actor))
        if not subject.is_owed:
            raise Overtaken(f"Nothing is owed for the {subject}.")
        if _is_being_charged(subject):
            raise Overtaken(CHARGE_IS_OPEN)

    def form(self, subject: Week, *args: Any) -> MethodForm:
        return MethodForm(*args, methods=gateways.gateway().methods(subject.contract.client))

    def context(self, subject: Week, form: MethodForm) -> dict[str, Any]:
        form.ask_for_method()
        quote = billing.quote(subject)
        return {
            "heading": f"Pay the hours of the {subject}",
            "week": subject,
            "owed": billing.owed(subject),
            "rate": subject.contract.hourly_rate,
            "minutes": (subject.billable_minutes or 0) - subject.reversed_minutes,
            "quote": quote,
            "sources": sources(quote, seen=form.seen),
            "shown": quotes.mark(quote),
        }

    def carry_out(self, subject: Week, form: MethodForm) -> str:
        owed, name = billing.owed(subject), subject.contract.talent.name
        try:
            week = billing.pay_now(
                subject,
                method=form.cleaned_data["method"],
                key=form.cleaned_data["key"],
                seen=form.seen,
                by=self.actor,
            )
        except (NotYours, Overtaken, FiguresChanged, InvalidInput, KeyReused):
            raise
        except Refused as declined:
            form.try_again()
            raise InvalidInput(declined.sentence, field="method") from declined
        if week.is_paid:
            return f"You paid {owed} for the hours of {name} in the {subject}."
        return "Your charge was sent, and the answer is not in yet. You will be told."


def _is_being_charged(week: Week) -> bool:
    charges = week.contract.book.operations.filter(purpose=billing.PURPOSE, purpose_id=week.pk)
    return charges.filter(state__in=OPEN_OPERATIONS).exists()
