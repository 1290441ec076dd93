"""The embedded gateway: each method's fate, and a memory that is idempotent by key."""

from __future__ import annotations

import pytest

from marketplace import clock
from payments import gateways
from payments.gateways import sandbox
from payments.gateways.base import SUCCEEDED, UNKNOWN, Call, declined
from payments.models import SandboxCall
from payments.states import OperationKind
from tests.factories import NOON, PartyFactory, usd

pytestmark = pytest.mark.django_db

REFUSED = declined(sandbox.REFUSED)
CALLED_OFF = declined(sandbox.CALLED_OFF)


def charge(key="key", amount=None, method=sandbox.ACCEPTS) -> Call:
    return Call(OperationKind.CHARGE, key, amount or usd(5), method, party=1, started_at=NOON)


@pytest.fixture
def gateway():
    return gateways.gateway()


@pytest.mark.parametrize(
    ("method", "at_once", "asked", "cancelled"),
    [
        (sandbox.ACCEPTS, SUCCEEDED, SUCCEEDED, SUCCEEDED),
        (sandbox.DECLINES, REFUSED, REFUSED, REFUSED),
        (sandbox.TIMES_OUT, UNKNOWN, SUCCEEDED, SUCCEEDED),
        (sandbox.NEVER_ANSWERS, UNKNOWN, UNKNOWN, CALLED_OFF),
        (sandbox.ANSWERS_TWICE, SUCCEEDED, SUCCEEDED, SUCCEEDED),
        (sandbox.DISPUTED, SUCCEEDED, SUCCEEDED, SUCCEEDED),
        ("no-such-card", REFUSED, REFUSED, REFUSED),
    ],
)
def test_fate_of_each_method(gateway, method, at_once, asked, cancelled):
    assert gateway.call(charge("key", usd(5), method)) == at_once
    assert gateway.ask(charge()) == asked
    assert gateway.cancel(charge()) == cancelled
    assert gateway.ask(charge()) == cancelled


def test_charge_with_the_same_key_answers_for_the_first_call(gateway):
    gateway.call(charge("key", usd(5), sandbox.ACCEPTS))

    assert gateway.call(charge("key", usd(5), sandbox.DECLINES)) == SUCCEEDED
    assert SandboxCall.objects.count() == 1


def test_charge_with_the_same_key_and_another_amount_is_misuse(gateway):
    gateway.call(charge("key", usd(5), sandbox.ACCEPTS))

    with pytest.raises(sandbox.KeyMisused):
        gateway.call(charge("key", usd(6), sandbox.ACCEPTS))


def test_charge_that_arrives_after_it_was_called_off_takes_nothing(gateway):
    gateway.cancel(charge())

    assert gateway.call(charge("key", usd(5), sandbox.ACCEPTS)) == CALLED_OFF


def test_ask_for_a_key_never_heard_of_is_unknown(gateway):
    assert gateway.ask(charge()) == UNKNOWN
    assert not SandboxCall.objects.exists()


def test_only_the_one_that_answers_twice_reports_again(gateway):
    with clock.at(NOON):
        for method in (sandbox.ACCEPTS, sandbox.ANSWERS_TWICE):
            gateway.call(charge(method, usd(5), method))

    told = sandbox.reports().get()
    assert (told.key, told.report_due_at) == (
        sandbox.ANSWERS_TWICE,
        NOON + sandbox.SECOND_REPORT,
    )


def test_methods_are_alike_for_everybody(gateway):
    tokens = [one.token for one in gateway.methods(PartyFactory())]

    assert tokens[0] == sandbox.ACCEPTS
    assert len(set(tokens)) == len(sandbox.METHODS)


def test_gateway_of_an_unknown_name_is_an_error():
    with pytest.raises(KeyError):
        gateways.gateway("no-such")
