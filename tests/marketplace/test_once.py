"""Forms act once."""

from __future__ import annotations

import pytest

from marketplace import once
from marketplace.models import FormKey
from marketplace.money import Money
from marketplace.refusals import KeyReused

pytestmark = pytest.mark.django_db


def test_first_claim_acts():
    assert once.claim("k", amount=Money(500)) is None


def test_second_claim_with_the_same_input_gets_the_first_result():
    once.claim("k", amount=Money(500), title="Draft")
    once.keep("k", 7)

    assert once.claim("k", title="Draft", amount=Money(500)).result == "7"


def test_second_claim_with_other_input_is_refused():
    once.claim("k", amount=Money(500))

    with pytest.raises(KeyReused):
        once.claim("k", amount=Money(501))

    assert FormKey.objects.count() == 1


def test_caller_without_a_key_acts_each_time():
    assert once.claim("", amount=Money(500)) is None
    assert once.claim("", amount=Money(500)) is None
    assert FormKey.objects.count() == 0


def test_new_keys_differ():
    assert once.new_key() != once.new_key()
