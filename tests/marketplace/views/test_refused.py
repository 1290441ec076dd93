"""What was refused is a page with a sentence, never an error of ours."""

from __future__ import annotations

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import reverse

from marketplace.middleware import RefusalMiddleware
from marketplace.refusals import FiguresChanged, InvalidInput, NotYours, Overtaken, Refused
from marketplace.views.addresses import next_page, page_before, whole_number


@pytest.mark.parametrize(
    ("refused", "status", "headline"),
    [
        (Refused("No."), 409, "This is not possible"),
        (NotYours("No."), 403, "This is not possible"),
        (InvalidInput("No."), 422, "This is not possible"),
        (Overtaken("No."), 409, "Somebody was faster"),
        (FiguresChanged("No."), 409, "Somebody was faster"),
    ],
)
@pytest.mark.django_db
def test_refusal_becomes_a_page_with_its_sentence(rf, refused, status, headline):
    request = rf.post("/x/", headers={"referer": "http://testserver/help/?a=1"})
    middleware = RefusalMiddleware(lambda _: HttpResponse())

    response = middleware.process_exception(request, refused)

    page = response.content.decode()
    assert response.status_code == status
    assert headline in page
    assert "No." in page
    assert 'href="/help/?a=1"' in page


def test_error_of_ours_stays_one(rf):
    middleware = RefusalMiddleware(lambda _: HttpResponse())

    assert middleware.process_exception(rf.get("/"), ValueError()) is None


def test_page_before_of_another_site_is_not_offered():
    request = RequestFactory().get("/", headers={"referer": "https://evil.example/x"})

    assert page_before(request, "/home/") == "/home/"
    assert page_before(RequestFactory().get("/")) == ""


@pytest.mark.parametrize(
    ("wanted", "leads_to"),
    [
        ("/jobs/?a=1", "/jobs/?a=1"),
        ("//evil.example", "/"),
        ("http://evil.example", "/"),
        ("", "/"),
    ],
)
def test_next_page_is_always_ours(wanted, leads_to):
    assert next_page(RequestFactory().get("/", {"next": wanted})) == leads_to


@pytest.mark.parametrize(
    ("text", "number"),
    [("7", 7), ("", None), ("-7", None), ("\N{ARABIC-INDIC DIGIT SEVEN}", None), ("9" * 19, None)],
)
def test_whole_number_of_what_an_address_says(text, number):
    assert whole_number(text) == number


@pytest.mark.django_db
def test_site_and_database_answer(client):
    response = client.get(reverse("healthz"))

    assert (response.status_code, response.content) == (200, b"ok")
    assert not response.cookies
