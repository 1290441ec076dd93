"""Ways to pay: kept, preferred, removed; and where talents are paid to."""

from __future__ import annotations

from datetime import date

import pytest

from marketplace import clock
from marketplace.actors import PLATFORM
from marketplace.models import Notice
from marketplace.notices import text_of
from marketplace.refusals import NotYours, Overtaken, Refused
from marketplace.states import Role
from payments import gateways, wallet
from payments.gateways import sandbox
from payments.gateways.base import InsideTransaction, PaidTo, Saved, Unavailable
from payments.models import GatewayIdentity, PaymentMethod
from tests.factories import NOON, FreelancerFactory, PartyFactory, member_of, owner_of
from tests.payments.hosted import switched_on

pytestmark = pytest.mark.django_db

VISA = Saved("pm_visa", "Visa ending 4242", date(2028, 5, 31))
MASTER = Saved("pm_master", "Mastercard ending 4444")


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


@pytest.fixture
def provider(monkeypatch, settings):
    return switched_on(monkeypatch, settings)


@pytest.fixture
def client_party():
    party = PartyFactory()
    owner_of(party)
    return party


def add(party, saved=VISA, *, by=None) -> PaymentMethod:
    return wallet.add(party, saved, by=by or owner_of(party))


def preferred(party) -> str:
    return wallet.identity(party, gateways.gateway().name).default_method


def titles() -> list[str]:
    return [text_of(one).title for one in Notice.objects.order_by("pk")]


def test_add_keeps_what_the_provider_has_and_prefers_the_first(provider, client_party):
    method = add(client_party)
    add(client_party, MASTER)

    assert (method.label, method.expires_on) == ("Visa ending 4242", date(2028, 5, 31))
    assert (method.added_at, method.actor) == (NOON, owner_of(client_party))
    assert preferred(client_party) == "pm_visa"
    assert [one.token for one in wallet.saved_methods(client_party)] == ["pm_master", "pm_visa"]
    assert titles() == [
        "Visa ending 4242 was added to your payment methods",
        "Mastercard ending 4444 was added to your payment methods",
    ]


def test_add_again_changes_and_tells_nothing(provider, client_party):
    first, second = add(client_party), add(client_party)

    assert first.pk == second.pk
    assert Notice.objects.count() == 1


def test_add_what_was_removed_brings_it_back(provider, client_party):
    method = wallet.remove(add(client_party), by=owner_of(client_party))
    again = add(client_party)

    assert (again.pk, again.removed_at) == (method.pk, None)
    assert preferred(client_party) == "pm_visa"


def test_add_somebody_elses_is_refused(provider, client_party):
    add(client_party)
    other = PartyFactory()

    with pytest.raises(NotYours, match="somebody else"):
        add(other)
    assert PaymentMethod.objects.get().party == client_party


def test_add_by_the_platform_is_what_the_provider_told(provider, client_party):
    add(client_party, by=PLATFORM)

    (notice,) = Notice.objects.all()
    assert text_of(notice).paragraphs[0].startswith("It was saved on the payment provider")


def test_take_saved_keeps_what_the_session_saved(provider, client_party):
    provider.sessions["s1"] = VISA

    method = wallet.take_saved(client_party, "s1", by=owner_of(client_party))

    assert method.token == "pm_visa"
    with pytest.raises(Refused, match="Nothing was saved"):
        wallet.take_saved(client_party, "s2", by=owner_of(client_party))


def test_take_saved_from_a_provider_out_of_reach_loses_nothing(provider, client_party):
    provider.sessions["s1"], provider.reachable = VISA, False
    with pytest.raises(Unavailable):
        wallet.take_saved(client_party, "s1", by=owner_of(client_party))

    provider.reachable = True
    assert wallet.take_saved(client_party, "s1", by=owner_of(client_party)).token == "pm_visa"


@pytest.mark.parametrize("role", [Role.MEMBER, None])
def test_wallet_is_for_owners_and_managers_of_the_party(provider, client_party, role):
    method = add(client_party)
    by = member_of(client_party, role) if role else owner_of(PartyFactory())

    for deed in (
        lambda: wallet.add(client_party, MASTER, by=by),
        lambda: wallet.take_saved(client_party, "s1", by=by),
        lambda: wallet.prefer(client_party, "pm_visa", by=by),
        lambda: wallet.remove(method, by=by),
    ):
        with pytest.raises(NotYours):
            deed()

    assert PaymentMethod.objects.get().removed_at is None
    assert provider.forgotten == []


def test_prefer_puts_it_first(provider, client_party):
    add(client_party)
    add(client_party, MASTER)

    chosen = wallet.prefer(client_party, "pm_master", by=owner_of(client_party))
    wallet.prefer(client_party, "pm_master", by=owner_of(client_party))

    assert (chosen.label, preferred(client_party)) == ("Mastercard ending 4444", "pm_master")
    assert titles()[2:] == ["Mastercard ending 4444 is now your first payment method"]


def test_prefer_what_is_not_there_is_refused(provider, client_party):
    method = add(client_party)
    add(client_party, MASTER)
    wallet.remove(method, by=owner_of(client_party))

    with pytest.raises(Overtaken, match="no longer there"):
        wallet.prefer(client_party, "pm_visa", by=owner_of(client_party))
    assert preferred(client_party) == "pm_master"


def test_preferred_card_of_the_sandbox_stands_first_for_its_party_alone(client_party):
    wallet.prefer(client_party, sandbox.TIMES_OUT, by=owner_of(client_party))

    methods = gateways.gateway().methods(client_party)
    assert [one.token for one in methods[:2]] == [sandbox.TIMES_OUT, sandbox.ACCEPTS]
    assert len(methods) == len(sandbox.METHODS)
    assert gateways.gateway().methods(PartyFactory()) == sandbox.METHODS


def test_remove_forgets_it_here_and_at_the_provider(provider, client_party):
    method = add(client_party)
    add(client_party, MASTER)

    removed = wallet.remove(method, by=owner_of(client_party))

    assert removed.removed_at == NOON
    assert provider.forgotten == ["pm_visa"]
    assert preferred(client_party) == "pm_master"
    assert wallet.labels_of({(client_party.pk, "pm_visa")}) == {
        (client_party.pk, "pm_visa"): "Visa ending 4242"
    }
    with pytest.raises(Overtaken, match="removed already"):
        wallet.remove(method, by=owner_of(client_party))


def test_remove_stands_when_the_provider_cannot_be_reached(provider, client_party, caplog):
    method = add(client_party)
    provider.reachable = False

    wallet.remove(method, by=owner_of(client_party))

    assert PaymentMethod.objects.get().removed_at == NOON
    assert preferred(client_party) == ""
    assert "not yet at the provider" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_remove_never_asks_the_provider_inside_a_transaction(provider, client_party):
    from django.db import transaction

    method = add(client_party)
    with pytest.raises(InsideTransaction), transaction.atomic():
        wallet.remove(method, by=owner_of(client_party))

    assert PaymentMethod.objects.get().removed_at is None


def test_refresh_destination_notes_what_the_provider_says_and_tells_it(provider):
    talent = FreelancerFactory()
    owner_of(talent)
    assert not wallet.refresh_destination(talent).can_be_paid
    GatewayIdentity.objects.filter(party=talent).update(destination="acct_1")

    provider.pays_to = PaidTo(can_be_paid=True, label="Bank account ending 6789")
    wallet.refresh_destination(talent)
    known = wallet.refresh_destination(talent)

    assert (known.can_be_paid, known.destination_label) == (True, "Bank account ending 6789")
    assert titles() == ["Your withdrawals now go to Bank account ending 6789"]


def test_refresh_destination_out_of_reach_keeps_what_was_known(provider):
    talent = FreelancerFactory()
    wallet.identity(talent, "hosted")
    known = GatewayIdentity.objects.filter(party=talent)
    known.update(destination="acct_1", can_be_paid=True, destination_label="Bank")
    provider.reachable = False

    with pytest.raises(Unavailable):
        wallet.refresh_destination(talent)
    assert known.get().can_be_paid


def test_identity_is_made_once():
    party = PartyFactory()

    assert wallet.identity(party, "hosted").pk == wallet.identity(party, "hosted").pk
