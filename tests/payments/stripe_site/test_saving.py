"""A way to pay is saved on the provider's page, and so is where a talent is paid to."""

from __future__ import annotations

from django.urls import reverse

from payments.models import GatewayIdentity, PaymentMethod
from tests.factories import FreelancerFactory, PartyFactory, owner_of
from tests.pages import Browser
from tests.payments.stripe_site.world import World, token_of


def test_card_is_saved_on_the_way_there_and_back(world: World) -> None:
    party = PartyFactory()

    page = world.save_card(party, "pm_card_mastercard")

    assert "Mastercard ending 4444 was added. You can pay with it now." in page.flash
    assert "Mastercard ending 4444" in page.text
    (method,) = world.fake.all("payment_method")
    assert token_of(party) == method["id"]
    assert GatewayIdentity.objects.get(party=party).customer == method["customer"]
    assert world.fake.all("customer")[0]["metadata"] == {"party": str(party.pk)}


def test_card_is_kept_though_its_owner_never_came_back(world: World) -> None:
    party = PartyFactory()
    browser = Browser.of(owner_of(party)).confirmed()
    world.fake.save_card(world.leave(browser))

    world.tell()

    assert "Visa ending 4242" in browser.open(reverse("payment_methods")).text


def test_card_is_kept_once_however_often_it_is_told(world: World) -> None:
    party = world.client()

    world.tell(twice=True)
    world.tell_these(world.fake.events("checkout.session.completed"))

    assert PaymentMethod.objects.filter(party=party).count() == 1


def test_session_of_somebody_else_saves_nothing(world: World) -> None:
    world.client()
    (session,) = world.fake.all("checkout.session")
    stranger = world.client("pm_card_mastercard")

    back = f"{reverse('payment_method_added')}?session={session['id']}"
    page = Browser.of(owner_of(stranger)).open(back)

    assert "Nothing was saved." in page.flash
    assert "4242" not in page.text


def test_card_that_cannot_be_saved_leaves_nothing_here(world: World) -> None:
    browser = Browser.of(owner_of(PartyFactory())).confirmed()
    world.leave(browser)
    (session,) = world.fake.all("checkout.session")

    back = f"{reverse('payment_method_added')}?session={session['id']}"
    page = browser.open(back)

    assert "Nothing was saved." in page.flash
    assert PaymentMethod.objects.count() == 0


def test_removed_card_is_removed_at_the_provider_as_well(world: World) -> None:
    party = world.client()
    method = PaymentMethod.objects.get(party=party)
    browser = Browser.of(owner_of(party)).confirmed()

    page = browser.open(reverse("remove_payment_method", args=[method.pk]))
    done = page.press(page.buttons()[0])

    assert "Visa ending 4242 was removed." in done.flash
    assert [one["customer"] for one in world.fake.all("payment_method")] == [None]


def test_provider_out_of_reach_is_said_and_changes_nothing(world: World) -> None:
    browser = Browser.of(owner_of(PartyFactory())).confirmed()
    world.fake.reset_next(times=3)

    page = browser.send(reverse("add_payment_method"))

    assert "The payment provider cannot be reached just now." in page.flash
    assert world.fake.all("checkout.session") == []
    world.fake.faults.clear()


def test_bank_account_is_named_on_the_way_there_and_back(world: World) -> None:
    party = FreelancerFactory()

    page = world.name_bank(party)

    assert "Withdrawals go to STRIPE TEST BANK ending 6789 now." in page.flash
    known = GatewayIdentity.objects.get(party=party)
    assert known.can_be_paid
    assert known.destination == world.fake.all("account")[0]["id"]


def test_bank_account_is_known_though_its_owner_never_came_back(world: World) -> None:
    party = FreelancerFactory()
    browser = Browser.of(owner_of(party)).confirmed()
    world.fake.onboard(world.leave(browser, "add_destination"))

    world.tell()

    assert GatewayIdentity.objects.get(party=party).can_be_paid


def test_half_finished_onboarding_can_be_gone_on_with(world: World) -> None:
    party = FreelancerFactory()
    browser = Browser.of(owner_of(party)).confirmed()
    world.leave(browser, "add_destination")

    page = browser.open(reverse("destination_added"))

    assert "The payment provider still needs something from you." in page.flash
    world.fake.onboard(world.leave(browser, "add_destination"))
    assert len(world.fake.all("account")) == 1
