"""Each detector finds its mistake, and leaves alone what is right."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Count, Max, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template import Context, Engine, Origin, Template
from django.test import Client, override_settings
from django.urls import path

from tests.support import detectors
from tests.support.detectors import page_mistakes

PAGE = '<!doctype html><html lang="en"><head><title>t</title></head><body>{}</body></html>'


def broken_page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(PAGE.format("<p>one</div>"))


urlpatterns = [path("broken/", broken_page)]


def render_ours(source: str, **context: object) -> str:
    origin = Origin(f"{detectors.TEMPLATES}/made-up.html", template_name="made-up.html")
    return Template(source, origin=origin, engine=Engine.get_default()).render(Context(context))


@pytest.mark.parametrize(
    "source",
    [
        "{{ nobody }}",
        "{{ nobody|default:'' }}",
        "{{ group.nickname }}",
        "{{ nothing.part }}",
        "{{ options.key }}",
        "{% if nobody %}{% endif %}",
        "{% if group.nickname == 1 %}{% endif %}",
        "{% for one in nobody %}{% endfor %}",
        "{% with other=nobody %}{% endwith %}",
    ],
)
def test_undefined_variable_in_our_template_fails(source: str) -> None:
    with pytest.raises(pytest.fail.Exception, match=r"made-up.html uses"):
        render_ours(source, group=Group(name="a"), nothing=None, options={})


@pytest.mark.parametrize(
    "source",
    [
        "{{ group.name }}",
        "{% if nothing.part %}{% endif %}",
        "{% if options.key %}{% endif %}",
        "{% if nothing %}{% endif %}",
    ],
)
def test_defined_variable_passes(source: str) -> None:
    render_ours(source, group=Group(name="a"), nothing=None, options={})


def test_undefined_variable_in_a_template_of_others_is_empty() -> None:
    assert Template("{{ nobody }}").render(Context()) == ""


@pytest.fixture
def groups(db: None) -> QuerySet[Group]:
    Group.objects.bulk_create(Group(name=f"group {number}") for number in range(10))
    return Group.objects.filter(name__startswith="group ")


def test_list_without_order_comes_back_shuffled(groups: QuerySet[Group]) -> None:
    orders = {tuple(groups.values_list("name", flat=True)) for _ in range(10)}
    assert len(orders) > 1


def test_list_with_order_keeps_it(groups: QuerySet[Group]) -> None:
    orders = {tuple(groups.order_by("name").values_list("name", flat=True)) for _ in range(10)}
    assert orders == {tuple(f"group {number}" for number in range(10))}


def test_shuffling_leaves_other_questions_alone(groups: QuerySet[Group]) -> None:
    one, two = groups.filter(name="group 1"), groups.filter(name="group 2")
    assert groups.count() == 10
    assert groups.exists()
    assert groups.get(name="group 1").name == "group 1"
    assert groups.values("name").distinct().count() == 10
    assert len(groups.values("name").distinct()) == 10
    assert len(groups.filter(pk__in=one)) == 1
    assert len(one.union(two)) == 2
    assert groups.aggregate(last=Max("name")) == {"last": "group 9"}
    assert len(groups.values("name").annotate(times=Count("pk"))) == 10


@pytest.mark.django_db
def test_vague_lock_fails() -> None:
    with transaction.atomic():
        with pytest.raises(pytest.fail.Exception, match="of="):
            Group.objects.select_for_update().get(name="nobody")
        assert not Group.objects.select_for_update(of=("self",), no_key=True).filter(name="nobody")


@override_settings(ROOT_URLCONF="tests.support.test_detectors")
def test_broken_page_fails_the_test_that_asks_for_it(client: Client) -> None:
    with pytest.raises(pytest.fail.Exception, match=r"GET /broken/: is no valid HTML"):
        client.get("/broken/")


@pytest.mark.parametrize(
    ("body", "mistake"),
    [
        ("<p>one</div>", "no valid HTML"),
        ('<p id="a"></p><p id="a"></p>', "the id 'a' 2 times"),
        ('<p style="color: red"></p>', "inline style on <p>"),
        ('<button onclick="go()">x</button>', "inline onclick"),
        ("<script>go()</script>", "inline <script>"),
        ('<form method="post" action="/x/"></form>', "form to /x/ that posts without csrf_token"),
    ],
)
def test_mistake_in_a_page_is_named(body: str, mistake: str) -> None:
    assert any(mistake in found for found in page_mistakes(PAGE.format(body)))


@pytest.mark.parametrize(
    "body",
    [
        '<form method="post"><input type="hidden" name="csrfmiddlewaretoken" value="x"></form>',
        '<form method="get" action="/search/"></form>',
        '<form method="dialog"></form>',
        '<script src="/static/x.js" defer></script>',
        '<script type="application/json" id="data">{}</script>',
        '<svg viewBox="0 0 1 1"><path d="M0 0"/></svg><dialog closedby="none"></dialog>',
    ],
)
def test_right_page_passes(body: str) -> None:
    assert page_mistakes(PAGE.format(body)) == []


def test_part_of_a_page_needs_no_doctype() -> None:
    assert page_mistakes("<p>one</p>", fragment=True) == []
    assert page_mistakes("<tr><td>one</td></tr>", fragment=True) == []
    assert page_mistakes("<p>one</p>") != []
