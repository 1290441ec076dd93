from django.apps import AppConfig
from django.db.models.signals import post_migrate


class PaymentsConfig(AppConfig):
    name = "payments"

    def ready(self) -> None:
        from payments import triggers

        post_migrate.connect(triggers.install_after_migrate, sender=self)
