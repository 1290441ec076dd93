"""Every object the fake shows, held against the official client's types."""

from __future__ import annotations

from typing import Any, get_args

import pytest
import stripe
from stripe import checkout

from tests.fake_stripe import FakeStripe
from tests.fake_stripe.playing import play_everything

CLASSES: dict[str, type] = {
    "account": stripe.Account,
    "balance_transaction": stripe.BalanceTransaction,
    "bank_account": stripe.BankAccount,
    "charge": stripe.Charge,
    "checkout.session": checkout.Session,
    "customer": stripe.Customer,
    "dispute": stripe.Dispute,
    "event": stripe.Event,
    "payment_intent": stripe.PaymentIntent,
    "payment_method": stripe.PaymentMethod,
    "payout": stripe.Payout,
    "refund": stripe.Refund,
    "setup_intent": stripe.SetupIntent,
    "transfer": stripe.Transfer,
    "transfer_reversal": stripe.TransferReversal,
}

OURS_TO_READ = {
    "account": "id capabilities external_accounts metadata payouts_enabled requirements settings",
    "balance_transaction": "id amount available_on created currency fee net source status type "
    "reporting_category",
    "bank_account": "id bank_name currency default_for_currency last4 status",
    "charge": "id amount amount_refunded balance_transaction created currency disputed "
    "failure_code failure_message metadata paid payment_intent payment_method refunded status",
    "checkout.session": "id customer expires_at metadata mode setup_intent status success_url url",
    "customer": "id email metadata name",
    "dispute": "id amount balance_transactions charge created currency evidence_details "
    "payment_intent reason status",
    "event": "id account api_version created data type",
    "payment_intent": "id amount amount_received currency customer last_payment_error "
    "latest_charge metadata next_action payment_method status",
    "payment_method": "id card customer type",
    "payout": "id amount arrival_date created currency destination failure_code failure_message "
    "metadata status",
    "refund": "id amount charge created currency failure_reason metadata payment_intent status",
    "setup_intent": "id customer payment_method status",
    "transfer": "id amount amount_reversed currency destination metadata reversals reversed "
    "transfer_group",
    "transfer_reversal": "id amount currency metadata transfer",
}
LATER = {"account": {"event"}, "failure_reason": {"refund"}}
"""Fields an object has only once there is something to say, by field and kind."""


@pytest.fixture
def played(fake_stripe: FakeStripe) -> FakeStripe:
    play_everything(fake_stripe)
    return fake_stripe


@pytest.mark.parametrize("kind", CLASSES)
def test_objects_have_only_fields_the_client_knows(played: FakeStripe, kind: str) -> None:
    made = played.all(kind)

    assert made
    for one in made:
        assert _unknown(one, CLASSES[kind], kind) == []


@pytest.mark.parametrize("kind", OURS_TO_READ)
def test_objects_have_what_the_site_reads(played: FakeStripe, kind: str) -> None:
    for one in played.all(kind):
        read = {
            name
            for name in OURS_TO_READ[kind].split()
            if kind not in LATER.get(name, set()) or name in one
        }
        assert read - set(one) == set()


def test_objects_have_what_the_client_never_leaves_out(played: FakeStripe) -> None:
    for kind, client_type in CLASSES.items():
        always = {
            name
            for name, hint in client_type.__annotations__.items()
            if name != "OBJECT_NAME" and type(None) not in get_args(hint)
        }
        for one in played.all(kind):
            assert always - set(one) - _CONDITIONAL.get(kind, set()) == set(), kind


_CONDITIONAL = {
    "checkout.session": {"shipping_options"},
}


def _unknown(value: Any, known: Any, path: str) -> list[str]:
    """Names of fields, at any depth, that the client's class does not have."""
    fields = known.__annotations__
    strange = [f"{path}.{name}" for name in value if name not in fields]
    for name, inner in value.items():
        deeper = _class_of(fields.get(name))
        if isinstance(inner, dict) and deeper is not None:
            strange += _unknown(inner, deeper, f"{path}.{name}")
    return strange


def _class_of(hint: Any) -> type | None:
    """The client's class a field is of; nothing if it is free, plain, or one of several."""
    choices = [one for one in (get_args(hint) or (hint,)) if isinstance(one, type)]
    classes = [one for one in choices if issubclass(one, stripe.StripeObject)]
    nested = [one for one in classes if "." in one.__qualname__]
    return nested[0] if len(nested) == 1 else None
