import pytest
from django.template import Context, Template
from django.test import RequestFactory

from contracts.states import Side
from marketplace import acting, clock
from tests.factories import NOON, FreelancerFactory, PartyFactory, member_of, owner_of
from tests.feedback.ended import CLOSES, JUST_BEFORE, active_contract, ended_contract, give

pytestmark = pytest.mark.django_db


@pytest.fixture
def contract():
    return ended_contract(
        client=PartyFactory(name="North Studio"), talent=FreelancerFactory(name="Ann Doe")
    )


def status(contract, side, *, at=NOON, by=None):
    """The line in words."""
    request = RequestFactory().get("/")
    request.acting = acting.Acting((by or owner_of(contract.party(side))).membership)
    template = Template("{% load feedback_tags %}{% feedback_status contract %}")
    with clock.at(at):
        return template.render(Context({"contract": contract, "request": request}))


def test_feedback_status_is_empty_before_the_end():
    with clock.at(NOON):
        contract = active_contract()
    assert status(contract, Side.CLIENT).strip() == ""


def test_feedback_status_of_an_open_window(contract):
    html = status(contract, Side.CLIENT)
    assert ">Leave feedback</a>" in html
    assert "Friday 4 December 2026, 00:00 (UTC)" in html


def test_feedback_status_for_a_member(contract):
    html = status(contract, Side.TALENT, by=member_of(contract.talent))
    assert "Only an owner or manager of Ann Doe leaves feedback." in html
    assert "<a" not in html


def test_feedback_status_sealed_for_the_own_side_alone(contract):
    give(contract, Side.CLIENT, stars=1)
    before = status(ended_contract(), Side.TALENT)
    assert "You gave 1 star</a>" in status(contract, Side.CLIENT, at=CLOSES - JUST_BEFORE)
    other = status(contract, Side.TALENT, at=CLOSES - JUST_BEFORE)
    assert "Leave feedback" in other
    assert "1 star" not in other
    assert "1 star" not in before


def test_feedback_status_revealed(contract):
    give(contract, Side.CLIENT, stars=4)
    html = status(contract, Side.TALENT, at=CLOSES)
    assert "Feedback is revealed" in html
    assert "North Studio gave you" in html
    assert "4 of 5 stars" in html


def test_feedback_status_with_nothing_given(contract):
    assert "Neither of you left feedback" in status(contract, Side.CLIENT, at=CLOSES)


def test_feedback_status_takes_one_query(contract, django_assert_num_queries):
    by = owner_of(contract.client)
    with django_assert_num_queries(1):
        status(contract, Side.CLIENT, by=by)
