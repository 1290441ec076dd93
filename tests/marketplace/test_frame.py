"""The frame around every page, and the pages for what cannot be shown."""

from __future__ import annotations

from pathlib import Path

import brotli
import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from justhtml import JustHTML

from tests.factories import AgencyFactory, FreelancerFactory, MembershipFactory
from tests.support.detectors import page_mistakes

pytestmark = pytest.mark.django_db

HEAVIEST = (
    "bootstrap/css/bootstrap.min.css",
    "marketplace/site.css",
    "marketplace/site.js",
    "django_htmx/htmx-2.min.js",
)


def read(response) -> JustHTML:
    return JustHTML(response.content.decode(), sanitize=False)


def text(node) -> str:
    return " ".join(node.to_text().split())


def links(page, area) -> dict[str, str]:
    return {text(link): link.attrs["href"] for link in page.query(f"{area} a")}


@pytest.fixture
def signed_in(client):
    """A page of the site as a member of a party sees it."""

    def as_member(**values):
        membership = MembershipFactory(**values)
        client.force_login(membership.user)
        return membership

    return as_member


def test_skip_link_comes_first_and_leads_to_the_page(client):
    page = read(client.get(reverse("help")))
    first = page.query("body a")[0]

    assert first.attrs["href"] == "#main"
    assert page.query("main#main") != []


def test_signed_out_header_offers_help_sign_in_and_sign_up(client):
    header = links(read(client.get(reverse("front"))), ".bar")

    assert set(header) == {"Closeout", "Help", "Sign in", "Sign up"}


def test_footer_links_to_the_operators_texts(client):
    assert links(read(client.get(reverse("front"))), ".foot") == {
        "Terms of Service": reverse("terms"),
        "Privacy": reverse("privacy"),
        "Help": reverse("help"),
        "Contact support": reverse("contact_support"),
    }


def test_client_finds_jobs_in_a_menu(client, signed_in):
    signed_in()
    page = read(client.get(reverse("help")))

    assert text(page.query("[popovertarget=jobs-menu]")[0]) == "Jobs"
    assert links(page, "#jobs-menu") == {
        "My Jobs": reverse("jobs"),
        "New contract": reverse("new_contract"),
    }


def test_talent_finds_my_jobs_as_a_link(client, signed_in):
    signed_in(party=FreelancerFactory())
    page = read(client.get(reverse("help")))

    assert links(page, ".bar nav")["My Jobs"] == reverse("jobs")
    assert page.query("#jobs-menu") == []


def test_header_says_for_whom_one_acts_and_offers_the_others(client, signed_in):
    first = signed_in()
    agency = MembershipFactory(user=first.user, party=AgencyFactory(name="Demo Agency")).party
    page = read(client.get(reverse("help")))

    assert first.party.name in text(page.query(".party")[0])
    menu = page.query("#party-menu")[0]
    switch = menu.query("button[name=party]")[0]
    assert (switch.attrs["value"], text(switch)) == (str(agency.pk), "Act for Demo Agency Agency")
    assert text(menu.query("p")[0]) == f"Acting for {first.party.name}"


def test_section_of_the_page_is_marked(client):
    page = read(client.get(reverse("help")))

    assert [text(link) for link in page.query(".bar nav [aria-current]")] == ["Help"]


def test_page_with_all_its_files_weighs_less_than_100_kb(client, signed_in):
    signed_in()
    page = client.get(reverse("help")).content
    files = [Path(finders.find(name)).read_bytes() for name in HEAVIEST]

    assert sum(len(brotli.compress(part)) for part in [page, *files]) < 100_000


def test_font_is_preloaded_from_where_the_stylesheet_asks_for_it(client):
    page = read(client.get(reverse("front")))
    preloaded = page.query("link[rel=preload]")[0].attrs["href"]
    stylesheet = Path(finders.find("marketplace/site.css")).read_text()

    assert preloaded == "/static/font/Figtree[wght].ttf"
    assert 'url("../font/Figtree[wght].ttf")' in stylesheet
    assert finders.find(preloaded.removeprefix(settings.STATIC_URL)) is not None


def test_page_that_is_not_here_says_what_to_do(client):
    response = client.get("/nowhere/")

    assert response.status_code == 404
    assert text(read(response).query("h1")[0]) == "This page is not here"


def test_form_that_was_open_for_too_long_can_be_sent_again():
    response = Client(enforce_csrf_checks=True).post(reverse("account_login"), {})

    assert response.status_code == 403
    assert text(read(response).query("h1")[0]) == "Please send it again"


@pytest.mark.parametrize("status", ["400", "403", "404", "403_csrf"])
def test_error_page_needs_nothing_from_its_view(client, rf, status):
    request = rf.get("/somewhere/")

    html = render_to_string(f"{status}.html", {}, request=request)

    assert page_mistakes(html) == []
    assert "Nothing was" in html


def test_lost_race_says_what_happened_and_where_it_stands(rf):
    context = {"sentence": "North Studio ended this 2 minutes ago.", "back_url": "/contracts/C-1/"}

    page = JustHTML(render_to_string("409.html", context, request=rf.get("/")), sanitize=False)

    assert "North Studio ended this 2 minutes ago." in text(page.query("main")[0])
    assert links(page, "main")["See where it stands"] == "/contracts/C-1/"


def test_page_for_our_own_mistakes_needs_no_context_at_all():
    html = render_to_string("500.html")

    assert page_mistakes(html) == []
    assert "either done completely or not at all" in html
