"""The group *Support*: whoever is in it sees what support sees and does what support does."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any, Final

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.db import connections
from django.db.models import Q

from marketplace.support import tools
from marketplace.support.lists import ReadOnlyAdmin

NAME: Final = "Support"
QUEUE: Final = "django_q.view_failure"
"""Failed tasks are looked at, and put into the queue once more, where django-q shows them."""


def permissions() -> set[str]:
    """Exactly these: to look at every model of the support desk, and to take its actions."""
    looked_at = {
        f"{model._meta.app_label}.view_{model._meta.model_name}"
        for model, window in admin.site._registry.items()  # noqa: SLF001 - there is no other way
        if isinstance(window, ReadOnlyAdmin)
    }
    return looked_at | {one.permission for one in tools.every()} | {QUEUE}


def install_after_migrate(*, using: str, **_: Any) -> None:
    """Have the group with its permissions, wherever there are tables for them."""
    if Group._meta.db_table in connections[using].introspection.table_names():
        install(using)


def install(using: str = "default") -> None:
    """Make the group, or give it exactly its permissions again."""
    wanted = permissions()
    for label in {one.partition(".")[0] for one in wanted}:
        create_permissions(apps.get_app_config(label), verbosity=0, using=using)
    named = (one.split(".") for one in sorted(wanted))
    chosen = (Q(content_type__app_label=app, codename=code) for app, code in named)
    group, _ = Group.objects.using(using).get_or_create(name=NAME)
    group.permissions.set(Permission.objects.using(using).filter(reduce(or_, chosen)))
