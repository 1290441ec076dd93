from datetime import timedelta

import pytest
from django.urls import reverse

from contracts import offers
from contracts.offers import MilestoneDraft
from contracts.states import Side
from feedback.models import Feedback
from marketplace import clock
from marketplace.acting import SESSION_KEY
from tests.factories import (
    NOON,
    AgencyFactory,
    FreelancerFactory,
    MembershipFactory,
    PartyFactory,
    UserFactory,
    member_of,
    owner_of,
    usd,
)
from tests.feedback.ended import (
    CLOSES,
    JUST_BEFORE,
    active_contract,
    ended_contract,
    give,
    unpaid_ended_contract,
)

pytestmark = pytest.mark.django_db

SECRET = "Never again, sealed words."


@pytest.fixture
def contract():
    return ended_contract(
        client=PartyFactory(name="North Studio"), talent=FreelancerFactory(name="Ann Doe")
    )


def url_of(contract, name="feedback"):
    return reverse(name, args=[contract.reference])


def get(client, contract, side, *, at=NOON, name="feedback", by=None):
    client.force_login((by or owner_of(contract.party(side))).user)
    with clock.at(at):
        return client.get(url_of(contract, name))


def post(client, contract, side, *, at=NOON, name="feedback", by=None, **typed):
    client.force_login((by or owner_of(contract.party(side))).user)
    with clock.at(at):
        return client.post(url_of(contract, name), typed)


def test_page_before_the_end(client):
    with clock.at(NOON):
        contract = active_contract()
    page = get(client, contract, Side.CLIENT)
    assert "Feedback opens when the contract ends" in page.text
    assert "14 days" in page.text
    assert 'name="stars"' not in page.text


def test_page_of_an_offer_leads_to_the_offer(client):
    party, talent = PartyFactory(), FreelancerFactory()
    with clock.at(NOON):
        offer = offers.make(
            talent=talent,
            title="Offer",
            description="",
            currency="USD",
            milestones=[MilestoneDraft("Draft", usd(100))],
            fund_first=False,
            key="",
            by=owner_of(party),
        )
    assert get(client, offer, Side.CLIENT).url == url_of(offer, "offer")
    assert post(client, offer, Side.CLIENT, stars=5).url == url_of(offer, "offer")


def test_page_of_an_open_window_has_the_form(client, contract):
    page = get(client, contract, Side.CLIENT)
    assert "Your honest opinion helps others choose." in page.text
    assert "How was it to work with Ann Doe?" in page.text
    for number in range(1, 6):
        assert f'type="radio" name="stars" value="{number}" required' in page.text
    assert "Friday 4 December 2026, 00:00 (UTC)" in page.text
    assert page.headers["Cache-Control"] == "private, no-store"


def test_page_of_an_open_window_for_a_member_says_who_can(client, contract):
    member = MembershipFactory(party=contract.client, role="manager")
    assert get(client, contract, Side.CLIENT, by=owner_of(contract.client)).status_code == 200
    plain = member_of(contract.talent)
    contract.assignments.create(membership=plain.membership, since=NOON)
    page = get(client, contract, Side.TALENT, by=plain)
    assert "Only an owner or manager of Ann Doe leaves feedback." in page.text
    assert 'name="stars"' not in page.text
    assert member.manages


def test_give_shows_what_was_sealed_and_until_when(client, contract):
    answer = post(
        client,
        contract,
        Side.CLIENT,
        stars=4,
        text=SECRET,
        would_work_again="no",
        private_note="To support.",
        key="form",
    )
    assert answer.status_code == 302
    assert answer.url == url_of(contract)
    with clock.at(CLOSES - JUST_BEFORE):
        page = client.get(answer.url)
    for words in ("Your feedback is sealed", SECRET, "4 of 5 stars", "To support."):
        assert words in page.text
    assert "Friday 4 December 2026, 00:00 (UTC)" in page.text
    assert url_of(contract, "feedback_edit") in page.text


def test_give_second_shows_both(client, contract):
    give(contract, Side.TALENT, text="Clear briefs.")
    answer = post(client, contract, Side.CLIENT, stars=5, text="Great work.", key="form")
    with clock.at(NOON):
        page = client.get(answer.url)
    assert "Clear briefs." in page.text
    assert "Great work." in page.text
    assert "can read each other" in page.text
    assert "feedback/edit" not in page.text


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ({"text": "Kept text"}, "Choose one to five stars."),
        ({"stars": "6", "text": "Kept text"}, "6 is not one of the available choices"),
        ({"stars": "x", "text": "Kept text"}, "x is not one of the available choices"),
        ({"stars": "3", "text": "Kept text" + "y" * 2000}, "Use at most 2,000 characters."),
        (
            {"stars": "3", "text": "Kept text", "would_work_again": "maybe"},
            "maybe is not one of the available choices",
        ),
        (
            {"stars": "3", "text": "Kept text", "private_note": "z" * 2001},
            "Use at most 2,000 characters.",
        ),
    ],
)
def test_give_with_wrong_input_says_so_and_keeps_what_was_typed(client, contract, typed, message):
    page = post(client, contract, Side.CLIENT, **typed, key="form")
    assert page.status_code == 200
    assert message in page.text
    assert "Kept text" in page.text
    assert not Feedback.objects.exists()


def test_give_counts_a_line_end_as_one_character(client, contract):
    text = "a\r\n" * 998 + "last"
    assert post(client, contract, Side.CLIENT, stars=5, text=text).status_code == 302
    assert Feedback.objects.get().text == "a\n" * 998 + "last"


def test_give_twice_with_a_double_click(client, contract):
    post(client, contract, Side.CLIENT, stars=5, key="form")
    assert post(client, contract, Side.CLIENT, stars=5, key="form").status_code == 302
    assert Feedback.objects.count() == 1


def test_give_in_a_second_tab_says_that_it_was_given(client, contract):
    post(client, contract, Side.CLIENT, stars=5, key="one")
    page = post(client, contract, Side.CLIENT, stars=1, key="two")
    assert page.status_code == 409
    assert "was given already" in page.text
    assert Feedback.objects.get().stars == 5


def test_give_after_the_window_closed(client, contract):
    page = post(client, contract, Side.CLIENT, at=CLOSES, stars=5)
    assert page.status_code == 409
    assert "The time for feedback on this contract is over." in page.text
    assert not Feedback.objects.exists()


def test_give_by_a_member_is_refused(client, contract):
    plain = member_of(contract.talent)
    contract.assignments.create(membership=plain.membership, since=NOON)
    page = post(client, contract, Side.TALENT, by=plain, stars=5)
    assert page.status_code == 403
    assert "Only an owner or manager of Ann Doe leaves feedback." in page.text
    assert not Feedback.objects.exists()


@pytest.mark.parametrize("name", ["feedback", "feedback_edit"])
def test_pages_are_not_found_by_strangers(client, contract, name):
    give(contract, Side.CLIENT)
    stranger = owner_of(PartyFactory())
    missing = reverse(name, args=["C-NOTHING"])
    page = get(client, contract, Side.CLIENT, by=stranger, name=name)
    assert page.status_code == 404
    answer = post(client, contract, Side.CLIENT, by=stranger, name=name, stars=1)
    assert answer.status_code == 404
    assert client.get(missing).status_code == 404
    assert Feedback.objects.get().stars == 5


def test_pages_are_not_found_by_a_member_who_is_not_assigned(client, contract):
    page = get(client, contract, Side.TALENT, by=member_of(contract.talent))
    assert page.status_code == 404


def test_pages_ask_visitors_to_sign_in(client, contract):
    for url in (url_of(contract), url_of(contract, "feedback_edit"), "/people/nobody/"):
        answer = client.get(url)
        assert answer.status_code == 302
        assert answer.url.startswith(reverse("account_login"))


def test_page_of_another_party_of_the_same_person_asks_to_switch(client, contract):
    owner = owner_of(contract.talent)
    agency = MembershipFactory(user=owner.user, party=AgencyFactory()).party
    client.force_login(owner.user)
    session = client.session
    session[SESSION_KEY] = agency.pk
    session.save()
    with clock.at(NOON):
        page = client.get(url_of(contract))
    assert page.status_code == 409
    assert "Ann Doe" in page.text


def test_edit_page_holds_what_was_given(client, contract):
    give(contract, Side.CLIENT, stars=2, text=SECRET, private_note="P", would_work_again=False)
    page = get(client, contract, Side.CLIENT, name="feedback_edit")
    assert 'name="stars" value="2" checked' in page.text
    assert SECRET in page.text
    assert 'name="would_work_again" value="no" id="would_work_again-no" checked' in page.text


def test_edit_changes_it(client, contract):
    give(contract, Side.CLIENT, stars=2)
    answer = post(client, contract, Side.CLIENT, name="feedback_edit", stars=3, text="Better.")
    assert answer.url == url_of(contract)
    changed = Feedback.objects.get()
    assert (changed.stars, changed.text) == (3, "Better.")


def test_edit_with_wrong_input_changes_nothing(client, contract):
    give(contract, Side.CLIENT, stars=2)
    page = post(client, contract, Side.CLIENT, name="feedback_edit", text="Kept text")
    assert "Choose one to five stars." in page.text
    assert "Kept text" in page.text
    assert Feedback.objects.get().text == ""


def test_edit_after_the_reveal_says_so(client, contract):
    give(contract, Side.CLIENT, stars=2)
    give(contract, Side.TALENT)
    page = post(client, contract, Side.CLIENT, name="feedback_edit", stars=5)
    assert page.status_code == 409
    assert "Both sides can read this feedback now" in page.text
    assert Feedback.objects.get(side=Side.CLIENT).stars == 2


def test_edit_of_nothing_leads_back(client, contract):
    assert get(client, contract, Side.CLIENT, name="feedback_edit").url == url_of(contract)
    page = post(client, contract, Side.CLIENT, name="feedback_edit", stars=5)
    assert page.status_code == 409
    assert not Feedback.objects.exists()


@pytest.mark.parametrize("typed", [{"stars": 5}, {}])
def test_edit_by_a_plain_member_says_who_can(client, contract, typed):
    give(contract, Side.TALENT, stars=2)
    plain = member_of(contract.talent)
    contract.assignments.create(membership=plain.membership, since=NOON)
    page = post(client, contract, Side.TALENT, name="feedback_edit", by=plain, **typed)
    assert page.status_code == 403
    assert "Only an owner or manager of Ann Doe leaves feedback." in page.text
    assert Feedback.objects.get().stars == 2


def test_page_of_a_lone_one_after_the_close(client, contract):
    give(contract, Side.CLIENT, text="Lone words.", private_note="To support.")
    read = get(client, contract, Side.TALENT, at=CLOSES)
    assert "Lone words." in read.text
    assert "You left no feedback" in read.text
    assert "To support." not in read.text
    own = get(client, contract, Side.CLIENT, at=CLOSES)
    assert "Ann Doe left no feedback." in own.text
    assert "To support." in own.text


def test_page_of_a_lone_one_a_microsecond_before_the_close(client, contract):
    give(contract, Side.CLIENT, text="Lone words.")
    page = get(client, contract, Side.TALENT, at=CLOSES - JUST_BEFORE)
    assert "Lone words." not in page.text
    assert 'name="stars"' in page.text


def test_page_after_the_close_with_nothing_given(client, contract):
    page = get(client, contract, Side.CLIENT, at=CLOSES)
    assert "The time for feedback is over" in page.text
    assert 'name="stars"' not in page.text


def test_page_of_a_contract_without_payment_says_that_it_is_not_public(client):
    contract = unpaid_ended_contract()
    give(contract, Side.CLIENT)
    give(contract, Side.TALENT)
    page = get(client, contract, Side.CLIENT)
    assert "Only the two of you can read this" in page.text
    assert "less than $1.00 was paid on this contract" in page.text


def test_text_is_shown_as_it_was_typed(client, contract):
    give(contract, Side.CLIENT, text="<script>alert(1)</script>")
    page = get(client, contract, Side.TALENT, at=CLOSES)
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text


def test_work_history_shows_averages_and_no_private_matters(client, contract):
    give(contract, Side.CLIENT, stars=4, text="Great work.", private_note="To support.")
    client.force_login(UserFactory())
    with clock.at(CLOSES):
        page = client.get(reverse("work_history", args=[contract.talent.slug]))
    for words in ("Ann Doe", "Annual report", "Great work.", "4 of 5 stars", "4.0"):
        assert words in page.text
    for words in ("$", "100", "North Studio", contract.reference, "To support."):
        assert words not in page.text
    assert page.headers["Cache-Control"] == "private, no-store"


def test_work_history_without_feedback(client):
    party = FreelancerFactory(name="Ann Doe")
    client.force_login(UserFactory())
    page = client.get(reverse("work_history", args=[party.slug]))
    assert "No feedback yet" in page.text
    assert "Stars on average" not in page.text


def test_work_history_of_somebody_only_invited_is_not_found(client):
    party = FreelancerFactory(name="ann@example.com", invited_email="ann@example.com")
    client.force_login(UserFactory())
    assert client.get(reverse("work_history", args=[party.slug])).status_code == 404


def test_work_history_has_links_to_older_and_newer_pages(client, monkeypatch):
    monkeypatch.setattr("feedback.queries.PAGE", 1)
    talent = FreelancerFactory()
    for title in ("First", "Second", "Third"):
        give(ended_contract(talent=talent, title=title), Side.CLIENT)
    client.force_login(UserFactory())
    url = reverse("work_history", args=[talent.slug])
    with clock.at(CLOSES + timedelta(days=1)):
        newest = client.get(url)
        assert "Third" in newest.text
        older = client.get(url + newest.context["older"])
        assert "Second" in older.text
        assert "Third" in client.get(url + older.context["newer"]).text


@pytest.mark.parametrize("stage", ["open", "sealed", "revealed"])
def test_page_takes_the_same_queries_at_every_stage(
    client, contract, stage, django_assert_num_queries
):
    if stage != "open":
        give(contract, Side.CLIENT)
    if stage == "revealed":
        give(contract, Side.TALENT)
    client.force_login(owner_of(contract.client).user)
    with clock.at(NOON), django_assert_num_queries(6):
        client.get(url_of(contract))
