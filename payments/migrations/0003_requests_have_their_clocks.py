"""Escrow refund requests of before: what was declined is said, and with support, in mediation."""

from datetime import timedelta
from typing import Any

from django.db import migrations
from django.db.models import F

DECISION_WINDOW = timedelta(days=30)


def bring_forward(apps: Any, schema_editor: Any) -> None:
    using = schema_editor.connection.alias
    requests = apps.get_model("payments", "EscrowRefundRequest").objects.using(using)
    requests.update(decide_by=F("filed_at") + DECISION_WINDOW)
    _keep_what_was_said(apps, requests.exclude(declined_because=""), using)
    requests.filter(state="disputed").update(state="mediating")
    requests.exclude(state="pending").update(answer_by=None, reminder_due_at=None)


def _keep_what_was_said(apps: Any, declined: Any, using: str) -> None:
    """A decline was a dispute whose reason stood on the request; who said it, in its history."""
    history = apps.get_model("payments", "BookHistory").objects.using(using)
    statements = apps.get_model("payments", "RequestStatement").objects.using(using)
    for request in declined.order_by("pk").iterator():
        said = history.filter(
            row_label="escrowrefundrequest", row_id=request.pk, transition="decline"
        ).first()
        statements.create(
            request=request,
            kind="dispute",
            text=request.declined_because,
            at=said.at if said else request.filed_at,
            actor_kind=said.actor_kind if said else "platform",
            actor_membership_id=said.actor_membership_id if said else None,
            actor_staff_id=said.actor_staff_id if said else None,
        )


class Migration(migrations.Migration):
    dependencies = [("payments", "0002_money_that_comes_back")]

    operations = [migrations.RunPython(bring_forward, migrations.RunPython.noop)]
