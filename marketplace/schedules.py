"""The queue runs every sweep each minute."""

from __future__ import annotations

from typing import Any, Final

from django.db import connection, transaction
from django_q.models import Schedule

from marketplace import sweeping

FUNCTION: Final = "marketplace.tasks.sweep"


def install_after_migrate(**_: Any) -> None:
    """Have one schedule for each sweep there is, and none for one that is gone."""
    if Schedule._meta.db_table in connection.introspection.table_names():
        install()


@transaction.atomic
def install() -> None:
    names = {f"sweep {name}": name for name in sweeping.registered()}
    ours = Schedule.objects.filter(func=FUNCTION)
    ours.exclude(name__in=names).delete()
    there = set(ours.values_list("name", flat=True))
    Schedule.objects.bulk_create(
        Schedule(
            name=label,
            func=FUNCTION,
            args=repr((name,)),
            schedule_type=Schedule.MINUTES,
            minutes=1,
            repeats=-1,
        )
        for label, name in names.items()
        if label not in there
    )
