"""The statement's pages: who reads it, what it says, on paper, for a spreadsheet, what it costs."""

from __future__ import annotations

import csv
import io
import logging
import re
import sys
import zlib

import pytest
from django.test import Client

from contracts import assignments, paper
from contracts.closing import Choice
from contracts.models import Contract
from contracts.states import Side
from marketplace import notices
from marketplace.actors import Actor
from marketplace.models import Notice
from marketplace.states import Role
from tests.contracts.test_pages_room import worked_weeks
from tests.factories import (
    AgencyFactory,
    PartyFactory,
    add_milestone,
    approve,
    ended,
    fund,
    funded,
    in_review,
    leftover,
    member_of,
    milestone_of,
    offered,
    owner_of,
    submitted,
    usd,
)
from tests.pages import Browser, Page

pytestmark = pytest.mark.django_db


@pytest.fixture
def _no_paper(monkeypatch):
    """A machine on which PDFs cannot be made."""
    paper._weasyprint.cache_clear()
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    yield
    paper._weasyprint.cache_clear()


def path(contract: Contract, rest: str = "") -> str:
    return f"/contracts/{contract.reference}/statement/{rest}"


def statement(contract: Contract, side: Side = Side.CLIENT, *, by: Actor | None = None) -> Page:
    return Browser.of(by or owner_of(contract.party(side))).open(path(contract))


def facts(page: Page) -> dict[str, str]:
    rows = page.dom.query(".statement-facts > div")
    return {_text(row, "dt"): _text(row, "dd") for row in rows}


def _text(row, tag: str) -> str:
    return " ".join(row.query(tag)[0].to_text().split()).replace(" ,", ",")


def fetch(contract: Contract, rest: str, side: Side = Side.CLIENT):
    client = Client()
    client.force_login(owner_of(contract.party(side)).user)
    return client.get(path(contract, rest))


# The page ---------------------------------------------------------------------------------------


def test_statement_names_both_sides_the_contract_and_when_it_was_made():
    contract = ended(leftover(usd(300)), choice=Choice.all())

    page = statement(contract)

    assert page.part("h1") == "Closing statement"
    assert facts(page) == {
        "Client": contract.client.name,
        "Freelancer": contract.talent.name,
        "Made for": contract.client.name,
        "Kind": "Fixed price",
        "Began": "19 November 2026",
        "Ended": f"19 November 2026, by {contract.client.name}",
        "Currency": "USD",
        "Statement made": "19 November 2026, 12:00 UTC",
    }
    assert "The contract is settled" in page.text


def test_statement_of_a_contract_that_goes_on_is_one_so_far():
    page = statement(leftover(usd(300)), Side.TALENT)

    assert page.part("h1") == "Statement so far"
    assert "later statements have more lines" in page.text
    assert not page.dom.query(".statement-open")


def test_statement_of_an_ended_contract_says_what_is_still_open():
    page = statement(ended(leftover(usd(300))))

    assert page.part("h1") == "Closing statement, not final"
    assert "$300.00 in escrow: it is not decided yet" in page.part(".statement-open")


def test_dates_are_utc_whatever_the_readers_zone():
    contract = leftover(usd(300))
    browser = Browser.of(owner_of(contract.client))
    browser.client.cookies["zone"] = "Pacific/Auckland"

    assert facts(browser.open(path(contract)))["Statement made"].endswith("12:00 UTC")


def test_each_side_reads_its_own_money():
    contract = approve(submitted(usd(500))).book.contract

    client, talent = (statement(contract, side) for side in Side)

    assert "$500.00 charged = $500.00 paid + $0.00 in escrow" in client.text
    assert "$50.00" not in client.text
    assert "$500.00 gross − $50.00 fees = $450.00 received" in talent.text
    assert "Charged" not in talent.text


def test_hours_stand_in_a_table_of_weeks():
    page = statement(in_review(130).contract, Side.TALENT)

    assert page.part(".statement-lines:first-of-type tbody tr").startswith(
        "9 – 15 November 2026 2 h 10 min $60.00 $130.00 16 November 2026"
    )


@pytest.mark.parametrize("rest", ["", "pdf/", "csv/"])
def test_stranger_learns_nothing(rest):
    contract = leftover(usd(300))

    Browser.of(owner_of(PartyFactory())).open(path(contract, rest), status=404)


@pytest.mark.parametrize("rest", ["", "pdf/", "csv/"])
def test_offer_has_no_statement_and_leads_to_its_page(rest):
    contract = offered()

    page = Browser.of(owner_of(contract.client)).open(path(contract, rest))

    assert page.url == f"/contracts/{contract.reference}/offer/"


def test_plain_member_reads_it_once_they_are_assigned():
    contract = leftover(usd(300), talent=AgencyFactory())
    member = member_of(contract.talent, Role.MEMBER)
    Browser.of(member).open(path(contract), status=404)

    assignments.assign(contract, member.as_member, by=owner_of(contract.talent))

    assert statement(contract, by=member).part("h1") == "Statement so far"


# On paper ---------------------------------------------------------------------------------------


def test_pdf_has_a_name_a_title_an_author_and_a_language():
    contract = leftover(usd(300))

    response = fetch(contract, "pdf/")

    assert response["Content-Type"] == "application/pdf"
    assert response["Content-Disposition"] == (
        f'attachment; filename="closeout-statement-{contract.reference}-2026-11-19.pdf"'
    )
    assert response.content.startswith(b"%PDF-")
    written = inside(response.content)
    assert b"/Author (Closeout)" in written
    assert b"/Lang (en)" in written
    assert b"/Title (Statement so far, " in written
    assert b"/MarkInfo" in written


def inside(content: bytes) -> bytes:
    """What a PDF holds, its compressed parts spelt out."""
    parts = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL)
    return content + b"".join(zlib.decompressobj().decompress(one) for one in parts)


def test_pdf_is_in_the_font_of_the_house():
    written = inside(fetch(leftover(usd(300)), "pdf/").content)

    fonts = set(re.findall(rb"/FontName /[A-Z]{6}\+([A-Za-z]+)", written))
    assert fonts == {b"Figtree"}


@pytest.mark.parametrize(
    "address", ["https://example.com/a.css", "file:///etc/hosts", "/static/no/such.css", "/x.css"]
)
def test_paper_takes_nothing_but_our_own_files(address):
    with pytest.raises(BaseException, match=re.escape(address.removeprefix("file://"))) as raised:
        paper.pdf(f'<html lang="en"><title>A</title><link rel="stylesheet" href="{address}">')

    assert isinstance(raised.value.__cause__, paper.NotOurs)


@pytest.mark.usefixtures("_no_paper")
def test_machine_without_paper_offers_none_and_says_so_once(caplog):
    contract = leftover(usd(300))
    with caplog.at_level(logging.WARNING, logger="contracts.paper"):
        pages = [statement(contract) for _ in range(2)]
        refused = Browser.of(owner_of(contract.client)).open(path(contract, "pdf/"), status=503)

    for page in pages:
        assert path(contract, "pdf/") not in page.links()
        assert path(contract, "csv/") in page.links()
    assert "Open the statement and print it" in refused.text
    assert path(contract) in refused.links()
    assert len([one for one in caplog.records if one.name == "contracts.paper"]) == 1


def test_page_offers_paper_where_there_is_some():
    contract = leftover(usd(300))

    assert path(contract, "pdf/") in statement(contract).links()


# For a spreadsheet ------------------------------------------------------------------------------


def test_csv_has_the_lines_and_their_sums():
    contract = funded(usd(500)).contract

    response = fetch(contract, "csv/")

    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == (
        f'attachment; filename="closeout-statement-{contract.reference}-2026-11-19.csv"'
    )
    rows = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert [row[4:] for row in rows] == [
        ["in", "out", "balance", "currency"],
        ["500.00", "", "500.00", "USD"],
        ["500.00", "0.00", "500.00", "USD"],
    ]


# Ways to it -------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", Side)
def test_payments_tab_and_the_ended_room_lead_to_it(side):
    contract = approve(submitted(usd(500))).book.contract
    browser = Browser.of(owner_of(contract.party(side)))

    assert path(contract) in browser.open(f"/contracts/{contract.reference}/payments/").links()
    ended(contract)
    assert path(contract) in browser.open(f"/contracts/{contract.reference}/").links()


def test_notice_of_the_end_names_it():
    ended(leftover(usd(300)))

    told = Notice.objects.filter(kind="contracts.contract_ended")

    assert told.count() == 2
    for notice in told:
        last = notices.text_of(notice).paragraphs[-1]
        assert "and a statement of every amount for your books" in last


# Cost -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("milestones", [1, 3])
def test_statement_takes_as_many_queries_for_one_milestone_as_for_three(milestones, side):
    contract = leftover(usd(300))
    for number in range(2, milestones + 1):
        add_milestone(contract, usd(50))
        approve(fund_if_needed(contract, number))
    contract = ended(contract)

    queries = 9 if side is Side.CLIENT else 8
    assert Browser.of(owner_of(contract.party(side))).count(path(contract)) == queries


def fund_if_needed(contract: Contract, number: int):
    milestone = milestone_of(contract, number)
    return milestone if milestone.is_active else fund(milestone)


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("weeks", [1, 3])
def test_hourly_statement_takes_as_many_queries_for_one_week_as_for_three(weeks, side):
    contract = worked_weeks(weeks)

    assert Browser.of(owner_of(contract.party(side))).count(path(contract)) == 7
