"""What people say of themselves."""

from __future__ import annotations

from django.db import transaction

from marketplace.models import User


@transaction.atomic
def change(*, name: str, time_zone: str, by: User) -> User:
    """Change one's own name and time zone.

    Args:
        time_zone: a name of the tz database; empty for the browser's.
    """
    by.name, by.time_zone = name, time_zone
    by.save(update_fields=["name", "time_zone"])
    return by
