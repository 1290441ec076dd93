"""Django's admin, as the support desk."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig
from django.db.models.signals import post_migrate


class SupportDeskConfig(AdminConfig):
    default_site = "marketplace.support.site.SupportSite"

    def ready(self) -> None:
        from marketplace.support import group

        super().ready()
        post_migrate.connect(group.install_after_migrate, sender=self)
