"""Contracts that run already are reminded when nothing happens, counted from their last activity."""

from datetime import timedelta
from typing import Any

from django.db import migrations
from django.db.models import F

FIRST_REMINDER = timedelta(days=30)


def begin_to_count(apps: Any, schema_editor: Any) -> None:
    contracts = apps.get_model("contracts", "Contract").objects
    running = contracts.using(schema_editor.connection.alias).filter(state__in=("active", "paused"))
    running.update(quiet_due_at=F("last_activity_at") + FIRST_REMINDER)


class Migration(migrations.Migration):
    dependencies = [("contracts", "0002_money_that_comes_back")]

    operations = [migrations.RunPython(begin_to_count, migrations.RunPython.noop)]
