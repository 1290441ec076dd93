from django.apps import AppConfig


class ContractsConfig(AppConfig):
    name = "contracts"

    def ready(self) -> None:
        from contracts import billing, bonuses, demo_pages, due, funding, owed
        from contracts.models import Contract
        from marketplace import demo_hooks, transitions
        from payments import corrections, operations

        transitions.carries_out_due_work(Contract, due.carry_out)
        operations.purpose(funding.PURPOSE)(funding.settle)
        operations.purpose(billing.PURPOSE)(billing.settle)
        operations.purpose(bonuses.PURPOSE)(bonuses.settle)
        corrections.purpose(owed.PURPOSE)(owed.settle)
        demo_hooks.finds_other_side(demo_pages.other_side)
