"""Earlier entries learn whose money they moved, and the sandbox what went through it."""

from typing import Any

from django.db import migrations
from django.db.models import Exists, OuterRef, Q, Subquery

from payments import triggers


def name_parties(apps: Any, schema_editor: Any) -> None:  # noqa: ARG001
    """The triggers come back after every migrate."""
    triggers.remove()
    Entry = apps.get_model("payments", "Entry")
    Transfer = apps.get_model("payments", "Transfer")
    Book = apps.get_model("payments", "Book")
    for side, kinds in (("client", ("escrow", "credit")), ("talent", ("pending", "available"))):
        own = Transfer.objects.filter(
            Q(debit__kind__in=kinds) | Q(credit__kind__in=kinds), entry=OuterRef("pk")
        )
        party = Book.objects.filter(pk=OuterRef("book_id")).values(f"{side}_id")[:1]
        chosen = Entry.objects.filter(Exists(own), book__isnull=False)
        chosen.update(**{f"{side}_id": Subquery(party)})


def list_movements(apps: Any, schema_editor: Any) -> None:  # noqa: ARG001
    GatewayOperation = apps.get_model("payments", "GatewayOperation")
    SandboxMovement = apps.get_model("payments", "SandboxMovement")
    charged = GatewayOperation.objects.filter(gateway="sandbox", state="succeeded").order_by("pk")
    batch = []
    for one in charged.iterator(chunk_size=2_000):
        batch.append(
            SandboxMovement(
                key=one.key, amount_minor=one.amount_minor, currency=one.currency, at=one.settled_at
            )
        )
        if len(batch) == 2_000:
            SandboxMovement.objects.bulk_create(batch)
            batch = []
    SandboxMovement.objects.bulk_create(batch)


class Migration(migrations.Migration):
    dependencies = [("payments", "0007_money_from_and_to_the_outside")]

    operations = [
        migrations.RunPython(name_parties, migrations.RunPython.noop),
        migrations.RunPython(list_movements, migrations.RunPython.noop),
    ]
