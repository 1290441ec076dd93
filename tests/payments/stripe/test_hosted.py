"""Pages of Stripe that people are led to, and what they did there."""

from __future__ import annotations

from datetime import date

import pytest

from marketplace import clock
from payments import wallet
from payments.gateways.base import Method, PaidTo, Unavailable
from payments.models import GatewayIdentity
from tests.factories import NOON, FreelancerFactory, PartyFactory, owner_of
from tests.payments.stripe.support import gateway, with_bank, with_card

pytestmark = pytest.mark.django_db

BACK_TO = "/payments/methods/added/"


@pytest.fixture(autouse=True)
def noon(stripe_on):
    stripe_on.stop_clock(NOON)
    with clock.at(NOON):
        yield


@pytest.fixture
def client():
    return PartyFactory()


@pytest.fixture
def talent():
    return FreelancerFactory()


def session_of(address):
    return address.rsplit("=", 1)[1]


class TestSavingACard:
    def test_page_is_for_this_customer_and_leads_back(self, stripe_on, client):
        page = gateway().add_method(client, back_to=BACK_TO)

        (session,), (customer,) = stripe_on.all("checkout.session"), stripe_on.all("customer")
        back_to = f"http://testserver{BACK_TO}"
        assert page == session["url"]
        assert session["customer"] == customer["id"]
        assert session["cancel_url"] == back_to
        assert stripe_on.save_card(page) == f"{back_to}?session={session['id']}"

    def test_query_of_the_way_back_is_kept(self, stripe_on, client):
        page = gateway().add_method(client, back_to=f"{BACK_TO}?next=/")

        assert "?next=/&session=cs_" in stripe_on.save_card(page)

    def test_customer_is_made_once_and_told_nothing_of_the_party(self, stripe_on, client):
        gateway().add_method(client, back_to=BACK_TO)
        gateway().add_method(client, back_to=BACK_TO)

        (customer,) = stripe_on.all("customer")
        assert customer["metadata"] == {"party": str(client.pk)}
        assert (customer["name"], customer["email"]) == (None, None)
        assert wallet.identity(client, "stripe").customer == customer["id"]

    def test_customer_whose_answer_was_lost_is_the_same_one(self, stripe_on, client):
        stripe_on.lose_next_answer("POST /v1/customers")
        with pytest.raises(Unavailable):
            gateway().add_method(client, back_to=BACK_TO)

        gateway().add_method(client, back_to=BACK_TO)

        assert len(stripe_on.all("customer")) == 1

    def test_saved_card_is_named_for_people(self, stripe_on, client):
        page = gateway().add_method(client, back_to=BACK_TO)
        session = session_of(stripe_on.save_card(page, "pm_card_mastercard"))

        saved = gateway().saved_method(client, session)

        assert saved.token == stripe_on.all("payment_method")[0]["id"]
        assert saved.label == "Mastercard ending 4444"
        assert saved.expires_on == date(2029, 12, 31)

    def test_page_that_was_not_finished_saved_nothing(self, stripe_on, client):
        gateway().add_method(client, back_to=BACK_TO)
        session = stripe_on.all("checkout.session")[0]["id"]

        assert gateway().saved_method(client, session) is None

    def test_session_of_somebody_else_saved_nothing(self, stripe_on, client):
        page = gateway().add_method(client, back_to=BACK_TO)
        session = session_of(stripe_on.save_card(page))
        other = PartyFactory()
        with_card(stripe_on, other)

        assert gateway().saved_method(other, session) is None
        assert gateway().saved_method(PartyFactory(), session) is None

    @pytest.mark.parametrize("session", ["", "cs_test_none", "../customers", "cs_x/../../a", "ä"])
    def test_session_that_is_none_saved_nothing(self, stripe_on, client, session):
        with_card(stripe_on, client)

        assert gateway().saved_method(client, session) is None

    def test_card_that_was_removed_meanwhile_is_not_saved_again(self, stripe_on, client):
        page = gateway().add_method(client, back_to=BACK_TO)
        session = session_of(stripe_on.save_card(page))
        gateway().forget_method(gateway().saved_method(client, session).token)

        assert gateway().saved_method(client, session) is None

    def test_removing_twice_is_as_good_as_once(self, stripe_on, client):
        token = with_card(stripe_on, client)

        gateway().forget_method(token)
        gateway().forget_method(token)
        gateway().forget_method("pm_none")

        assert stripe_on.all("payment_method")[0]["customer"] is None

    def test_other_ways_to_pay_have_a_name_too(self, stripe_on, client):
        page = gateway().add_method(client, back_to=BACK_TO)
        session = session_of(stripe_on.save_card(page))
        method = stripe_on.all("payment_method")[0]
        method["type"] = "sepa_debit"
        del method["card"]

        saved = gateway().saved_method(client, session)

        assert saved.label == "Saved payment method (sepa debit)"
        assert saved.expires_on is None

    def test_provider_that_is_silent_is_not_there_now(self, stripe_on, client):
        token = with_card(stripe_on, client)
        stripe_on.break_next(times=3)

        with pytest.raises(Unavailable):
            gateway().add_method(client, back_to=BACK_TO)
        with pytest.raises(Unavailable):
            gateway().saved_method(client, "cs_test_any")
        with pytest.raises(Unavailable):
            gateway().forget_method(token)

    def test_customer_that_was_deleted_there_is_no_crash(self, client, caplog):
        GatewayIdentity.objects.create(
            party=client, gateway="stripe", customer="cus_gone", made_at=NOON
        )

        with pytest.raises(Unavailable):
            gateway().add_method(client, back_to=BACK_TO)
        assert "parameter customer" in caplog.text


class TestMethods:
    def test_preferred_one_stands_first(self, stripe_on, client, django_assert_num_queries):
        by = owner_of(client)
        for card in ("pm_card_visa", "pm_card_mastercard"):
            page = gateway().add_method(client, back_to=BACK_TO)
            wallet.take_saved(client, session_of(stripe_on.save_card(page, card)), by=by)

        with django_assert_num_queries(1):
            methods = gateway().methods(client)

        assert [(one.label, one.help) for one in methods] == [
            ("Visa ending 4242", "Expires 12/2029"),
            ("Mastercard ending 4444", "Expires 12/2029"),
        ]

    def test_removed_one_is_not_offered(self, stripe_on, client):
        by = owner_of(client)
        page = gateway().add_method(client, back_to=BACK_TO)
        method = wallet.take_saved(client, session_of(stripe_on.save_card(page)), by=by)

        wallet.remove(method, by=by)

        assert gateway().methods(client) == ()
        assert stripe_on.all("payment_method")[0]["customer"] is None


class TestBeingPaid:
    def test_page_asks_for_what_is_needed_and_leads_back(self, stripe_on, talent):
        page = gateway().add_destination(talent, back_to=BACK_TO)

        (account,) = stripe_on.all("account")
        assert page.startswith(f"{stripe_on.base}/connect/{account['id']}")
        assert account["metadata"] == {"party": str(talent.pk)}
        assert account["settings"]["payouts"]["schedule"]["interval"] == "manual"
        assert account["capabilities"] == {"transfers": "inactive"}
        assert gateway().paid_to(talent) == PaidTo(can_be_paid=False)

    def test_account_is_made_once(self, stripe_on, talent):
        gateway().add_destination(talent, back_to=BACK_TO)
        gateway().add_destination(talent, back_to=BACK_TO)

        assert len(stripe_on.all("account")) == 1

    def test_country_of_all_accounts_can_be_set(self, stripe_on, talent, settings):
        settings.STRIPE_COUNTRY = "DE"

        gateway().add_destination(talent, back_to=BACK_TO)

        assert stripe_on.all("account")[0]["country"] == "DE"

    def test_finished_account_can_be_paid(self, stripe_on, talent):
        account = with_bank(stripe_on, talent)

        assert gateway().paid_to(talent).can_be_paid
        assert gateway().paid_to(talent).label.endswith("ending 6789")
        assert gateway().destinations(talent) == ()

        known = wallet.refresh_destination(talent)

        assert gateway().destinations(talent) == (Method(account, known.destination_label),)

    def test_who_has_finished_changes_its_account_in_stripes_dashboard(self, stripe_on, talent):
        with_bank(stripe_on, talent)

        assert "again=1" in gateway().add_destination(talent, back_to=BACK_TO)

    def test_account_is_named_by_the_bank_that_is_paid_to(self, stripe_on, talent):
        account = with_bank(stripe_on, talent)
        with_bank(stripe_on, talent, "refuses")

        assert gateway().paid_to(talent).label.endswith("ending 1113")
        stripe_on.state.objects["account"][account]["external_accounts"]["data"] = []
        assert gateway().paid_to(talent) == PaidTo(can_be_paid=True)

    def test_party_unknown_there_cannot_be_paid(self, talent):
        assert gateway().paid_to(talent) == PaidTo(can_be_paid=False)
        assert gateway().destinations(talent) == ()
