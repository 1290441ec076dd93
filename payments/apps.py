from django.apps import AppConfig
from django.db.models.signals import post_migrate


class PaymentsConfig(AppConfig):
    name = "payments"

    def ready(self) -> None:
        from payments import operations, outgoing, reconciling, triggers

        for name in outgoing.PURPOSES.values():
            operations.purpose(name)(outgoing.settle)
        post_migrate.connect(triggers.install_after_migrate, sender=self)
        post_migrate.connect(reconciling.install_after_migrate, sender=self)
