"""Every address × everybody × {GET, POST}: who gets in, and that nobody else learns anything.

The addresses come from the URL configuration; one without a row here fails. Each row says what the
readers get, in the order of ``READERS``; *owner*, *manager* and the members are of the side that
the page is for, *other* owns the other side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from contracts import bonuses, escrow_answers, terms
from contracts.models import Assignment, Contract
from contracts.states import Side
from feedback import giving
from marketplace import clock, once
from marketplace.actors import Actor
from marketplace.models import Notice, Party
from marketplace.states import Role
from payments import refund_requests, wallet
from payments.gateways import sandbox
from payments.gateways.base import Saved
from tests.desk import busy_market, support
from tests.factories import (
    NOON,
    FreelancerFactory,
    PartyFactory,
    active,
    add_milestone,
    approve,
    ended,
    funded,
    hourly_offer,
    member_of,
    milestone_of,
    offered,
    owner_of,
    planned,
    propose,
    recorded,
    submitted,
    usd,
)
from tests.pages import be_sure
from tests.proof import leaving, returning, scenes
from tests.proof.sites import everything, routes

pytestmark = pytest.mark.django_db

CLIENT, TALENT = Side.CLIENT, Side.TALENT
READERS = ("nobody", "stranger", "other", "owner", "manager", "assigned", "unassigned", "support")
TITLE, TEXT = "Confidential launch", "Nobody else may read this."


def all_get(status: int, **others: int) -> str:
    """The same status for everybody, but for those named."""
    return " ".join(str(others.get(reader, status)) for reader in READERS)


# What the readers get, in their order. A stranger never gets a 403 for what exists.
EVERYBODY, NOT_THERE, NOT_SO, AWAY = all_get(200), all_get(404), all_get(405), all_get(302)
BOTH_SIDES = "302 404 200 200 200 200 404 403"
BOTH_DO = "302 404 302 302 302 302 404 403"
OWN_SIDE = "302 404 403 200 200 200 404 403"
OWN_SIDE_DOES = "302 404 403 302 302 302 404 403"
MANAGERS = "302 404 403 200 200 403 404 403"
MANAGERS_DO = "302 404 403 302 302 403 404 403"
WHO_WORKS = "302 404 403 200 403 200 404 403"
WHO_WORKS_DOES = "302 404 403 302 403 302 404 403"
WHO_TIDIES = "302 404 403 200 200 403 404 403"
WHO_TIDIES_DOES = "302 404 403 302 302 403 404 403"
TO_THE_PAGE = all_get(302, support=403)
BOTH_MANAGE = "302 404 200 200 200 403 404 403"
BOTH_MANAGE_DO = "302 404 302 302 302 403 404 403"
OF_THE_PARTY = "302 404 403 200 200 403 403 403"
OF_THE_PARTY_DO = "302 404 403 302 302 403 403 403"
MANAGES_MONEY = "302 200 200 200 200 403 403 403"
DO_WITH_MONEY = "302 302 302 302 302 403 403 403"
TALENTS = "302 403 403 200 200 403 403 403"
TALENTS_DO = "302 403 403 302 302 403 403 403"
CLIENTS = "302 200 403 200 200 403 403 403"
CLIENTS_DO = "302 302 403 302 302 403 403 403"
OF_THEIR_OWN = "302 404 404 200 200 403 403 403"
OF_THEIR_OWN_DO = "302 404 404 302 302 403 403 403"
MANAGERS_POST = "302 405 405 405 405 403 403 403"
ONLY_POST = ONLY_GET = all_get(405, nobody=302, support=403)
WHO_ACTS = all_get(200, nobody=302, support=403)
SIGNED_IN = all_get(200, nobody=302)
NOT_SO_SIGNED_IN, NOT_SET_UP = all_get(405, nobody=302), all_get(404, nobody=302)
SIGNED_OUT = all_get(302, nobody=200)


@dataclass(frozen=True)
class Row:
    """One address.

    Attributes:
        make: makes the contract it is about.
        side: whose page it is.
        url: its address, with the contract.
        get, post: statuses of the readers.
        script: a script asks for it, for a part of a page.
        sure: the readers have just shown who they are.
        asks: whoever may open it has the gateway asked, and what it says is noted.
        data: what a valid form sends.
    """

    url: str | Callable[[Contract], str]
    get: str
    post: str
    make: Callable[[], Contract] = active
    side: Side = CLIENT
    script: bool = False
    sure: bool = False
    asks: bool = False
    data: dict[str, Any] | Callable[[Contract], dict[str, Any]] = field(default_factory=dict)

    def address(self, contract: Contract) -> str:
        return self.url(contract) if callable(self.url) else self.url

    def sends(self, contract: Contract) -> dict[str, Any]:
        given = self.data(contract) if callable(self.data) else self.data
        return {"key": once.new_key(), **given}


def secret(make: Callable[..., Any], **values: Any) -> Callable[[], Contract]:
    """A contract with a title and texts that nobody else may read."""

    def made() -> Contract:
        found = make(title=TITLE, description=TEXT, **values)
        contract: Contract = getattr(found, "contract", found)
        return contract

    return made


def then(make: Callable[..., Any], does: Callable[[Contract], Any]) -> Callable[[], Contract]:
    def made() -> Contract:
        contract = secret(make)()
        does(contract)
        return Contract.objects.get(pk=contract.pk)

    return made


def room(path: str = "") -> Callable[[Contract], str]:
    return lambda contract: f"/contracts/{contract.reference}/{path}"


def milestone(verb: str, number: int = 1) -> Callable[[Contract], str]:
    return room(f"milestones/{number}/{verb}/")


def request_of(path: str = "") -> Callable[[Contract], str]:
    return lambda contract: f"/escrow-refunds/{contract.book.escrow_refund_request.pk}/{path}"


def split_of(path: str) -> Callable[[Contract], str]:
    return lambda contract: request_of(f"split/{returning.split_of(contract).pk}/{path}")(contract)


def charge_of(path: str) -> Callable[[Contract], str]:
    return lambda contract: f"/payments/charges/{contract.book.operations.get().pk}/{path}"


def method_of(path: str) -> Callable[[Contract], str]:
    return lambda contract: f"/payments/methods/{contract.client.payment_methods.get().pk}/{path}"


def payment_of(path: str) -> Callable[[Contract], str]:
    return lambda contract: f"/payments/{contract.book.payments.get().pk}/{path}"


def bonus_request(path: str) -> Callable[[Contract], str]:
    return lambda contract: room(f"bonus/requests/{contract.bonus_requests.get().pk}/{path}")(
        contract
    )


def notice_of(contract: Contract) -> str:
    """The owner's own notice of the offer that was accepted."""
    owner = owner_of(contract.client).user
    return f"/inbox/{Notice.objects.filter(recipient=owner).order_by('pk')[0].pk}/"


def diary(path: str = "") -> Callable[[Contract], str]:
    return room(f"diary/{path}")


def stretch(path: str = "") -> Callable[[Contract], str]:
    return lambda contract: diary(f"{contract.stretches.get().pk}/{path}")(contract)


def week(verb: str) -> Callable[[Contract], str]:
    return room(f"weeks/{scenes.LAST_WEEK:%Y-%m-%d}/{verb}/")


def hours_dispute(path: str = "") -> Callable[[Contract], str]:
    return lambda contract: f"/hours-disputes/{contract.hours_disputes.get().pk}/{path}"


def second_person(contract: Contract) -> None:
    """Somebody of the talent's team who may be assigned, and is not yet."""
    member_of(contract.talent)


def one_of(contract: Contract, *, assigned: bool) -> dict[str, Any]:
    working = contract.assignments.filter(until=None).values("membership")
    team = contract.talent.memberships.order_by("pk")
    found = team.filter(pk__in=working) if assigned else team.exclude(pk__in=working)
    return {"membership": found[0].pk}


def give_feedback(contract: Contract) -> None:
    giving.give(contract, stars=4, text=TEXT, by=owner_of(contract.client))


def dispute_return(contract: Contract) -> None:
    escrow_answers.dispute(contract, text=TEXT, by=owner_of(contract.talent))


def pay_and_ask_back(contract: Contract) -> None:
    payment, by = approve(milestone_of(contract)), owner_of(contract.client)
    refund_requests.ask(payment, amount=usd(80), reason=TEXT, key="", by=by)


def save_a_card(contract: Contract) -> None:
    wallet.add(contract.client, Saved("pm_1", TITLE), by=owner_of(contract.client))


def ask_bonus(contract: Contract) -> None:
    given = {"minutes": 60, "amount": usd(60), "reason": TEXT, "key": ""}
    bonuses.ask(contract, **given, by=owner_of(contract.talent))


ACTIVE, OFFERED = secret(active), secret(offered)
SUBMITTED, FUNDED, PLANNED = secret(submitted), secret(funded), secret(planned)
ENDED = then(active, ended)
REQUESTED = then(funded, ended)
PROPOSED = then(active, lambda one: propose(one, usd(80)))
TWO_PLANNED = then(active, lambda one: add_milestone(one, usd(80)))
PAID = then(funded, lambda one: approve(milestone_of(one)))
WORKING, RUNNING = secret(scenes.working), secret(scenes.running)
RECORDED = then(scenes.working, lambda one: recorded(one, NOON - scenes.HOUR, 60, memo=TEXT))
PAUSED = then(scenes.working, lambda one: terms.pause(one, by=owner_of(one.client)))
TWO_WORK = then(scenes.working, second_person)
IN_REVIEW, UNPAID = secret(scenes.in_review), secret(scenes.unpaid)
DISPUTED = secret(scenes.disputed)
SPLIT, SPLIT_OF_SUPPORT = secret(returning.split), secret(returning.split_by_support)
DECIDED, DORMANT = secret(returning.decided), secret(returning.dormant)
TALENT_ASKED, RELEASE_ASKED = secret(returning.talent_asked), secret(returning.release_asked)
RETURN_DISPUTED = then(returning.asked, dispute_return)
REFUND_ASKED = then(funded, pay_and_ask_back)
BONUS_ASKED = then(scenes.in_review, lambda one: ask_bonus(ended(one)))
BONUS = secret(returning.bonus)
EARNED, CREDITED = secret(leaving.earned), secret(leaving.credited)
SAVED, OPEN_CHARGE = then(active, save_a_card), secret(leaving.confirming)
WITHDRAWAL = {
    "choice": "whole",
    "destination": sandbox.RECEIVES,
    "shown": f"45000:{sandbox.RECEIVES}:0",
}
ADDED = {"title": "More", "amount": "25"}
TIME = {"day": "2026-11-19", "starts": "09:00", "ends": "10:00", "memo": "Drafts"}
FEEDBACK = {"stars": "5", "text": "Good."}

ROWS: dict[str, Row] = {
    "": Row("/", SIGNED_OUT, NOT_SO),
    "jobs/": Row("/jobs/", WHO_ACTS, ONLY_GET, ACTIVE),
    "jobs/new/": Row("/jobs/new/", "302 200 403 200 200 200 200 403", WHO_ACTS, ACTIVE),
    "contracts/<slug:reference>/": Row(room(), BOTH_SIDES, ONLY_GET, SUBMITTED),
    "contracts/<slug:reference>/payments/": Row(room("payments/"), BOTH_SIDES, ONLY_GET, PAID),
    "contracts/<slug:reference>/messages/": Row(
        room("messages/"), ONLY_POST, BOTH_DO, ACTIVE, data={"text": "Hello"}
    ),
    "contracts/<slug:reference>/keep-open/": Row(room("keep-open/"), ONLY_POST, MANAGERS_DO, PAID),
    "contracts/<slug:reference>/checklist/<slug:code>/<slug:verb>/": Row(
        room("checklist/access/tick/"), ONLY_POST, BOTH_DO, ENDED
    ),
    "contracts/<slug:reference>/offer/": Row(room("offer/"), BOTH_SIDES, ONLY_GET, OFFERED),
    "contracts/<slug:reference>/offer/accept/": Row(
        room("offer/accept/"), ONLY_POST, MANAGERS_DO, OFFERED, TALENT
    ),
    "contracts/<slug:reference>/offer/decline/": Row(
        room("offer/decline/"), ONLY_POST, MANAGERS_DO, OFFERED, TALENT
    ),
    "contracts/<slug:reference>/offer/withdraw/": Row(
        room("offer/withdraw/"), ONLY_POST, MANAGERS_DO, OFFERED
    ),
    "contracts/<slug:reference>/end/": Row(
        room("end/"),
        BOTH_MANAGE,
        BOTH_MANAGE,
        SUBMITTED,
        data={"choice": "all", "confirm": "1"},
    ),
    "contracts/<slug:reference>/end/ask/": Row(
        room("end/ask/"),
        "302 404 403 403 403 200 404 403",
        "302 404 403 403 403 302 404 403",
        SUBMITTED,
        data={"text": "It is done."},
    ),
    "contracts/<slug:reference>/end/figures/": Row(
        room("end/figures/"),
        ONLY_POST,
        BOTH_MANAGE,
        SUBMITTED,
        script=True,
        data={"choice": "all"},
    ),
    "contracts/<slug:reference>/milestones/new/": Row(
        room("milestones/new/"), MANAGERS, MANAGERS_DO, ACTIVE, data=ADDED
    ),
    "contracts/<slug:reference>/milestones/propose/": Row(
        room("milestones/propose/"), MANAGERS, MANAGERS_DO, ACTIVE, TALENT, data=ADDED
    ),
    "contracts/<slug:reference>/milestones/<int:number>/edit/": Row(
        milestone("edit"), MANAGERS, MANAGERS_DO, PLANNED, data=ADDED
    ),
    "contracts/<slug:reference>/milestones/<int:number>/fund/": Row(
        milestone("fund"),
        MANAGERS,
        MANAGERS_DO,
        PLANNED,
        data={"method": sandbox.ACCEPTS, "shown": "0:0:50000:0"},
    ),
    "contracts/<slug:reference>/milestones/<int:number>/submit/": Row(
        milestone("submit"), OWN_SIDE, OWN_SIDE_DOES, FUNDED, TALENT, data={"message": "Done."}
    ),
    "contracts/<slug:reference>/milestones/<int:number>/changes/": Row(
        milestone("changes"), MANAGERS, MANAGERS_DO, SUBMITTED, data={"wanted": "Larger."}
    ),
    "contracts/<slug:reference>/milestones/<int:number>/extend/": Row(
        milestone("extend"), MANAGERS, MANAGERS_DO, SUBMITTED, data={"because": "Holidays."}
    ),
    "contracts/<slug:reference>/milestones/<int:number>/approve/": Row(
        milestone("approve"),
        MANAGERS,
        MANAGERS_DO,
        SUBMITTED,
        data={"choice": "whole", "shown": "500.00"},
    ),
    "contracts/<slug:reference>/milestones/<int:number>/agree/": Row(
        milestone("agree", 2), ONLY_POST, MANAGERS_DO, PROPOSED
    ),
    "contracts/<slug:reference>/milestones/<int:number>/decline/": Row(
        milestone("decline", 2), ONLY_POST, MANAGERS_DO, PROPOSED
    ),
    "contracts/<slug:reference>/milestones/<int:number>/take-back-proposal/": Row(
        milestone("take-back-proposal", 2), ONLY_POST, MANAGERS_DO, PROPOSED, TALENT
    ),
    "contracts/<slug:reference>/milestones/<int:number>/take-back/": Row(
        milestone("take-back"), ONLY_POST, OWN_SIDE_DOES, SUBMITTED, TALENT
    ),
    "contracts/<slug:reference>/milestones/<int:number>/delete/": Row(
        milestone("delete"), ONLY_POST, MANAGERS_DO, PLANNED
    ),
    "contracts/<slug:reference>/milestones/<int:number>/up/": Row(
        milestone("up", 2), ONLY_POST, MANAGERS_DO, TWO_PLANNED
    ),
    "escrow-refunds/<int:pk>/": Row(request_of(), BOTH_SIDES, ONLY_GET, REQUESTED, TALENT),
    "escrow-refunds/<int:pk>/let-go/": Row(
        request_of("let-go/"), MANAGERS, MANAGERS_DO, REQUESTED, TALENT
    ),
    "escrow-refunds/<int:pk>/split/": Row(
        request_of("split/"),
        MANAGERS,
        MANAGERS_DO,
        REQUESTED,
        TALENT,
        data={"to_talent": "200", "message": "", "shown": "200.00"},
    ),
    "escrow-refunds/<int:pk>/dispute/": Row(
        request_of("dispute/"), MANAGERS, MANAGERS_DO, REQUESTED, TALENT, data={"text": "I worked."}
    ),
    "escrow-refunds/<int:pk>/pay-instead/": Row(
        request_of("pay-instead/"), MANAGERS, MANAGERS_DO, REQUESTED
    ),
    "escrow-refunds/<int:pk>/reject/": Row(
        request_of("reject/"), MANAGERS, MANAGERS_DO, RETURN_DISPUTED, data={"text": "You did not."}
    ),
    "escrow-refunds/<int:pk>/add/": Row(
        request_of("add/"),
        BOTH_MANAGE,
        BOTH_MANAGE_DO,
        RETURN_DISPUTED,
        data={"text": "Besides.", "links": "https://example.com"},
    ),
    "escrow-refunds/<int:pk>/split/<int:split>/agree/": Row(
        split_of("agree/"), MANAGERS, MANAGERS_DO, SPLIT
    ),
    "escrow-refunds/<int:pk>/split/<int:split>/decline/": Row(
        split_of("decline/"), MANAGERS, MANAGERS_DO, SPLIT
    ),
    "escrow-refunds/<int:pk>/split/<int:split>/take-back/": Row(
        split_of("take-back/"), ONLY_POST, MANAGERS_DO, SPLIT, TALENT
    ),
    "contracts/<slug:reference>/bonus/": Row(
        room("bonus/"),
        MANAGERS,
        MANAGERS_DO,
        ACTIVE,
        data={"amount": "20", "note": "", "method": sandbox.ACCEPTS, "shown": "0:0:2000:0"},
    ),
    "contracts/<slug:reference>/bonus/ask/": Row(
        room("bonus/ask/"),
        MANAGERS,
        MANAGERS_DO,
        then(scenes.in_review, ended),
        TALENT,
        data={"hours": "1", "minutes": "0", "reason": "A call.", "shown": "60.00"},
    ),
    "contracts/<slug:reference>/bonus/requests/<int:pk>/decline/": Row(
        bonus_request("decline/"), ONLY_POST, MANAGERS_DO, BONUS_ASKED, data={"because": "No."}
    ),
    "contracts/<slug:reference>/bonus/requests/<int:pk>/withdraw/": Row(
        bonus_request("withdraw/"), ONLY_POST, MANAGERS_DO, BONUS_ASKED, TALENT
    ),
    "contracts/<slug:reference>/still-working/": Row(
        room("still-working/"), ONLY_POST, BOTH_DO, DORMANT
    ),
    "contracts/<slug:reference>/ask-release/": Row(
        room("ask-release/"), MANAGERS, MANAGERS_DO, DORMANT, TALENT, data={"note": "I delivered."}
    ),
    "contracts/<slug:reference>/diary/": Row(diary(), BOTH_SIDES, ONLY_GET, RECORDED, TALENT),
    "contracts/<slug:reference>/diary/add/": Row(
        diary("add/"), WHO_WORKS, WHO_WORKS_DOES, WORKING, TALENT, data=TIME
    ),
    "contracts/<slug:reference>/diary/<int:pk>/": Row(
        stretch(), WHO_TIDIES, WHO_TIDIES_DOES, RECORDED, TALENT, data=TIME
    ),
    "contracts/<slug:reference>/diary/<int:pk>/remove/": Row(
        stretch("remove/"), TO_THE_PAGE, WHO_TIDIES_DOES, RECORDED, TALENT
    ),
    "contracts/<slug:reference>/diary/timer/start/": Row(
        diary("timer/start/"), TO_THE_PAGE, WHO_WORKS_DOES, WORKING, TALENT, data={"memo": "Draft"}
    ),
    "contracts/<slug:reference>/diary/timer/stop/": Row(
        diary("timer/stop/"), TO_THE_PAGE, OWN_SIDE_DOES, RUNNING, TALENT, data={"memo": "Draft"}
    ),
    "contracts/<slug:reference>/people/": Row(
        room("people/"), BOTH_SIDES, ONLY_GET, WORKING, TALENT
    ),
    "contracts/<slug:reference>/people/assign/": Row(
        room("people/assign/"),
        ONLY_POST,
        MANAGERS_DO,
        TWO_WORK,
        TALENT,
        data=lambda contract: one_of(contract, assigned=False),
    ),
    "contracts/<slug:reference>/people/release/": Row(
        room("people/release/"),
        ONLY_POST,
        MANAGERS_DO,
        WORKING,
        TALENT,
        data=lambda contract: one_of(contract, assigned=True),
    ),
    "contracts/<slug:reference>/limit/": Row(
        room("limit/"), MANAGERS, MANAGERS_DO, WORKING, data={"hours": "30"}
    ),
    "contracts/<slug:reference>/pause/": Row(
        room("pause/"), MANAGERS, MANAGERS_DO, WORKING, data={"reason": "Holidays."}
    ),
    "contracts/<slug:reference>/restart/": Row(
        room("restart/"), MANAGERS, MANAGERS_DO, PAUSED, data={"reason": "We are back."}
    ),
    "contracts/<slug:reference>/weeks/<isodate:week>/pay/": Row(
        week("pay"),
        MANAGERS,
        MANAGERS_DO,
        UNPAID,
        data={"method": sandbox.ACCEPTS, "shown": "0:0:12000:0"},
    ),
    "contracts/<slug:reference>/weeks/<isodate:week>/dispute/": Row(
        week("dispute"),
        MANAGERS,
        MANAGERS_DO,
        IN_REVIEW,
        data={"s": ["0", "1"], "reason": "We had no call.", "confirm": "1"},
    ),
    "contracts/<slug:reference>/weeks/<isodate:week>/dispute/figures/": Row(
        week("dispute/figures"), ONLY_POST, MANAGERS, IN_REVIEW, script=True, data={"s": ["0"]}
    ),
    "hours-disputes/<int:pk>/": Row(hours_dispute(), BOTH_SIDES, ONLY_GET, DISPUTED, TALENT),
    "hours-disputes/<int:pk>/accept/": Row(
        hours_dispute("accept/"), ONLY_POST, MANAGERS_DO, DISPUTED, TALENT
    ),
    "hours-disputes/<int:pk>/decline/": Row(
        hours_dispute("decline/"),
        ONLY_POST,
        MANAGERS_DO,
        DISPUTED,
        TALENT,
        data={"because": "I took notes."},
    ),
    "hours-disputes/<int:pk>/withdraw/": Row(
        hours_dispute("withdraw/"), ONLY_POST, MANAGERS_DO, DISPUTED
    ),
    "contracts/<slug:reference>/feedback/": Row(
        room("feedback/"), BOTH_SIDES, "302 404 302 302 302 403 404 403", ENDED, data=FEEDBACK
    ),
    "contracts/<slug:reference>/feedback/edit/": Row(
        room("feedback/edit/"),
        "302 404 302 200 200 302 404 403",
        "302 404 409 302 302 403 404 403",
        then(active, lambda one: give_feedback(ended(one))),
        data=FEEDBACK,
    ),
    "people/<slug:slug>/": Row(
        lambda contract: f"/people/{contract.talent.slug}/",
        SIGNED_IN,
        NOT_SO_SIGNED_IN,
        ENDED,
    ),
    "payments/": Row("/payments/", MANAGES_MONEY, ONLY_GET, PAID),
    "payments/export.csv": Row("/payments/export.csv", MANAGES_MONEY, ONLY_GET, PAID),
    "payments/charges/<int:pk>/confirm/": Row(
        charge_of("confirm/"), OF_THEIR_OWN, ONLY_GET, OPEN_CHARGE, asks=True
    ),
    "payments/webhooks/stripe/": Row("/payments/webhooks/stripe/", NOT_SO, all_get(400)),
    "payments/withdraw/": Row(
        "/payments/withdraw/", TALENTS, TALENTS_DO, EARNED, TALENT, sure=True, data=WITHDRAWAL
    ),
    "payments/methods/": Row("/payments/methods/", MANAGES_MONEY, ONLY_GET, PAID),
    "payments/methods/add/": Row(
        "/payments/methods/add/", MANAGERS_POST, DO_WITH_MONEY, PAID, sure=True
    ),
    "payments/methods/added/": Row("/payments/methods/added/", DO_WITH_MONEY, ONLY_GET, PAID),
    "payments/methods/prefer/": Row(
        "/payments/methods/prefer/",
        MANAGERS_POST,
        DO_WITH_MONEY,
        PAID,
        sure=True,
        data={"token": sandbox.TIMES_OUT},
    ),
    "payments/methods/<int:pk>/remove/": Row(
        method_of("remove/"), OF_THEIR_OWN, OF_THEIR_OWN_DO, SAVED, sure=True
    ),
    "payments/methods/account/add/": Row(
        "/payments/methods/account/add/", MANAGERS_POST, TALENTS_DO, PAID, TALENT, sure=True
    ),
    "payments/methods/account/added/": Row(
        "/payments/methods/account/added/", DO_WITH_MONEY, ONLY_GET, PAID, TALENT, asks=True
    ),
    "payments/credit/back/": Row(
        "/payments/credit/back/",
        CLIENTS,
        "302 302 403 200 200 403 403 403",
        CREDITED,
        sure=True,
        data={"choice": "all"},
    ),
    "payments/credit/choice/": Row(
        "/payments/credit/choice/",
        "302 405 403 405 405 403 403 403",
        CLIENTS_DO,
        CREDITED,
        sure=True,
        data={"choice": "back"},
    ),
    "contracts/<slug:reference>/statement/": Row(room("statement/"), BOTH_SIDES, ONLY_GET, PAID),
    "contracts/<slug:reference>/statement/pdf/": Row(
        room("statement/pdf/"), BOTH_SIDES, ONLY_GET, PAID
    ),
    "contracts/<slug:reference>/statement/csv/": Row(
        room("statement/csv/"), BOTH_SIDES, ONLY_GET, PAID
    ),
    "payments/<int:pk>/refund/": Row(
        payment_of("refund/"),
        OF_THE_PARTY,
        OF_THE_PARTY,
        PAID,
        TALENT,
        data={"choice": "whole"},
    ),
    "payments/<int:pk>/refund/ask/": Row(
        payment_of("refund/ask/"),
        OF_THE_PARTY,
        OF_THE_PARTY_DO,
        PAID,
        data={"choice": "part", "amount": "80", "reason": "Late."},
    ),
    "payments/<int:pk>/refund/decline/": Row(
        payment_of("refund/decline/"),
        ONLY_POST,
        OF_THE_PARTY_DO,
        REFUND_ASKED,
        TALENT,
        data={"because": "It works.", "asked": ""},
    ),
    "payments/<int:pk>/refund/take-back/": Row(
        payment_of("refund/take-back/"), ONLY_POST, OF_THE_PARTY_DO, REFUND_ASKED
    ),
    "inbox/": Row("/inbox/", WHO_ACTS, ONLY_GET, ACTIVE),
    "inbox/read/": Row("/inbox/read/", ONLY_POST, all_get(302, support=403), ACTIVE),
    "inbox/<int:pk>/": Row(notice_of, "302 404 404 302 404 404 404 403", ONLY_GET, ACTIVE),
    "account/": Row("/account/", SIGNED_IN, SIGNED_IN, ACTIVE),
    "account/switch/": Row(
        "/account/switch/",
        NOT_SO_SIGNED_IN,
        "302 404 404 302 302 302 302 404",
        ACTIVE,
        data=lambda contract: {"party": contract.client_id},
    ),
    "help/": Row("/help/", EVERYBODY, NOT_SO),
    "help/contact/": Row("/help/contact/", EVERYBODY, EVERYBODY),
    "help/<slug:slug>/": Row("/help/refunds/", EVERYBODY, NOT_SO),
    "help/<slug:slug>/vote/": Row(
        "/help/refunds/vote/",
        NOT_SO,
        AWAY,
        data={"helpful": "yes"},
    ),
    "terms/": Row("/terms/", EVERYBODY, NOT_SO),
    "privacy/": Row("/privacy/", EVERYBODY, NOT_SO),
    "healthz": Row("/healthz", EVERYBODY, NOT_SO),
}

# Hourly contracts have pages of their own under addresses that every contract has.
OF_HOURS = {
    "jobs": Row("/jobs/", WHO_ACTS, ONLY_GET, RUNNING, TALENT),
    "new": Row("/jobs/new/?kind=hourly", "302 200 403 200 200 200 200 403", WHO_ACTS, WORKING),
    "again": Row(
        lambda contract: f"/jobs/new/?again={contract.reference}",
        "302 404 403 200 200 403 404 403",
        "302 404 403 200 200 403 404 403",
        then(scenes.in_review, ended),
    ),
    "offer": Row(room("offer/"), BOTH_SIDES, ONLY_GET, secret(hourly_offer)),
    "accept": Row(room("offer/accept/"), ONLY_POST, MANAGERS_DO, secret(hourly_offer), TALENT),
    "room": Row(room(), BOTH_SIDES, ONLY_GET, RUNNING, TALENT),
    "room after a dispute": Row(room(), BOTH_SIDES, ONLY_GET, DISPUTED),
    "payments": Row(room("payments/"), BOTH_SIDES, ONLY_GET, IN_REVIEW),
    "end": Row(room("end/"), BOTH_MANAGE, BOTH_MANAGE, RUNNING, TALENT, data={"confirm": "1"}),
    "end figures": Row(room("end/figures/"), ONLY_POST, BOTH_MANAGE, RUNNING, TALENT, script=True),
    "locked diary": Row(diary(), BOTH_SIDES, ONLY_GET, then(scenes.in_review, ended), TALENT),
    "money": Row("/payments/", MANAGES_MONEY, ONLY_GET, IN_REVIEW, TALENT),
    "refund": Row(
        payment_of("refund/"),
        OF_THE_PARTY,
        OF_THE_PARTY,
        IN_REVIEW,
        TALENT,
        data={"choice": "whole"},
    ),
}

# Money that comes back is told of on pages that every contract has, and on one page in many states.
OF_RETURNS = {
    "request with a split": Row(request_of(), BOTH_SIDES, ONLY_GET, SPLIT),
    "request with a dispute": Row(request_of(), BOTH_SIDES, ONLY_GET, RETURN_DISPUTED),
    "request in mediation": Row(request_of(), BOTH_SIDES, ONLY_GET, SPLIT_OF_SUPPORT, TALENT),
    "request that is settled": Row(request_of(), BOTH_SIDES, ONLY_GET, DECIDED, TALENT),
    "split of support": Row(
        split_of("agree/"), BOTH_MANAGE, BOTH_MANAGE_DO, SPLIT_OF_SUPPORT, TALENT
    ),
    "jobs": Row("/jobs/", WHO_ACTS, ONLY_GET, SPLIT_OF_SUPPORT),
    "dormant jobs": Row("/jobs/", WHO_ACTS, ONLY_GET, TALENT_ASKED, TALENT),
    "room with a request": Row(room(), BOTH_SIDES, ONLY_GET, SPLIT),
    "room with a bonus": Row(room(), BOTH_SIDES, ONLY_GET, BONUS, TALENT),
    "room with a bonus asked": Row(room(), BOTH_SIDES, ONLY_GET, BONUS_ASKED),
    "dormant room": Row(room(), BOTH_SIDES, ONLY_GET, DORMANT),
    "room with a release asked": Row(room(), BOTH_SIDES, ONLY_GET, RELEASE_ASKED),
    "dormant end": Row(
        room("end/"), BOTH_MANAGE, BOTH_MANAGE, DORMANT, data={"choice": "all", "confirm": "1"}
    ),
    "payments asked back": Row(room("payments/"), BOTH_SIDES, ONLY_GET, REFUND_ASKED, TALENT),
    "money asked back": Row("/payments/", MANAGES_MONEY, ONLY_GET, REFUND_ASKED, TALENT),
    "asked before": Row(
        payment_of("refund/ask/"),
        OF_THE_PARTY,
        OF_THE_PARTY_DO,
        REFUND_ASKED,
        data={"choice": "whole", "reason": "Late."},
    ),
    "refund that is asked for": Row(
        payment_of("refund/"),
        OF_THE_PARTY,
        OF_THE_PARTY,
        REFUND_ASKED,
        TALENT,
        data={"choice": "asked"},
    ),
    "refund of a bonus": Row(
        payment_of("refund/"), OF_THE_PARTY, OF_THE_PARTY, BONUS, TALENT, data={"choice": "whole"}
    ),
    "bonus that is asked for": Row(
        room("bonus/"),
        MANAGERS,
        MANAGERS_DO,
        BONUS_ASKED,
        data={"amount": "60", "note": "", "method": sandbox.ACCEPTS, "shown": "0:0:6000:0"},
    ),
}

# The demo bar is not there outside a demo market.
ROWS |= {
    f"demo/{name}/": Row(f"/demo/{name}/", NOT_THERE, NOT_THERE)
    for name in ("sign-in", "other-side", "next-deadline", "next-day", "start-over")
}

ROWS |= {
    f"accounts/{path}": Row(f"/accounts/{path}", get, post, data=data)
    for path, get, post, data in (
        ("login/", SIGNED_OUT, SIGNED_OUT, {}),
        ("signup/", SIGNED_OUT, SIGNED_OUT, {}),
        ("logout/", SIGNED_IN, AWAY, {}),
        ("inactive/", EVERYBODY, NOT_SO, {}),
        ("reauthenticate/", SIGNED_IN, SIGNED_IN, {}),
        ("email/", SIGNED_IN, AWAY, {}),
        ("confirm-email/", EVERYBODY, NOT_SO, {}),
        ("password/change/", SIGNED_IN, SIGNED_IN, {}),
        ("password/set/", AWAY, AWAY, {}),
        ("password/reset/", EVERYBODY, EVERYBODY, {}),
        ("login/code/confirm/", AWAY, AWAY, {}),
        ("password/reset/key/done/", EVERYBODY, NOT_SO, {}),
        ("password/reset/done/", EVERYBODY, NOT_SO, {}),
        ("2fa/", SIGNED_IN, NOT_SO_SIGNED_IN, {}),
        ("2fa/authenticate/", AWAY, AWAY, {}),
        ("2fa/reauthenticate/", AWAY, AWAY, {}),
        ("2fa/totp/activate/", AWAY, AWAY, {}),
        ("2fa/totp/deactivate/", NOT_SET_UP, NOT_SET_UP, {}),
        ("2fa/recovery-codes/", NOT_SET_UP, NOT_SO_SIGNED_IN, {}),
        ("2fa/recovery-codes/generate/", AWAY, AWAY, {}),
        ("2fa/recovery-codes/download/", NOT_SET_UP, NOT_SET_UP, {}),
    )
}
ROWS |= {
    r"accounts/^confirm-email/(?P<key>[-:\w]+)/$": Row(
        "/accounts/confirm-email/x/", EVERYBODY, NOT_THERE
    ),
    r"accounts/^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$": Row(
        "/accounts/password/reset/key/1-x/", EVERYBODY, EVERYBODY
    ),
}


def test_every_address_of_the_site_has_a_row():
    known = {route for route in routes() if not route.startswith("admin/")}

    assert known == set(ROWS)


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with clock.at(NOON):
        yield


def people_of(contract: Contract, side: Side) -> dict[str, Actor | None]:
    own, other = contract.party(side), contract.party(side.other)
    assigned = member_of(own)
    Assignment.objects.create(contract=contract, membership=assigned.as_member, since=NOON)
    return {
        "nobody": None,
        "stranger": owner_of(_stranger()),
        "other": owner_of(other),
        "owner": owner_of(own),
        "manager": member_of(own, Role.MANAGER),
        "assigned": assigned,
        "unassigned": member_of(own),
        "support": Actor.support(support()),
    }


def _stranger() -> Party:
    """A client with a contract of its own, so that its pages are not empty."""
    contract = active(title="Of somebody else", client=PartyFactory(), talent=FreelancerFactory())
    return contract.client


def browser_of(actor: Actor | None, *, sure: bool = False) -> Client:
    browser = Client()
    user = None if actor is None else (actor.user or actor.staff)
    if user is not None:
        browser.force_login(user)
        if sure:
            be_sure(browser)
    return browser


@contextmanager
def undone() -> Iterator[None]:
    block = transaction.atomic()
    block._from_testcase = True  # type: ignore[attr-defined]
    with block:
        yield
        transaction.set_rollback(True)


@pytest.mark.parametrize(
    "row",
    [*ROWS.values(), *OF_HOURS.values(), *OF_RETURNS.values()],
    ids=[*ROWS, *OF_HOURS, *OF_RETURNS],
)
def test_each_reader_gets_what_is_theirs_and_no_more(row):
    contract = row.make()
    people = people_of(contract, row.side)
    url = row.address(contract)
    gets, posts = {}, {}

    before = everything()
    for reader, actor in people.items():
        with undone():
            gets[reader] = answer = browser_of(actor, sure=row.sure).get(url)
            _leaks_nothing(answer, reader)
            asked = row.asks and answer.status_code < 400
            if not asked and (reader != "owner" or not url.startswith("/inbox/")):
                assert everything() == before, f"GET {url} by {reader} changed something"
        with undone():
            posts[reader] = answer = browser_of(actor, sure=row.sure).post(
                url, row.sends(contract), headers={"HX-Request": "true"} if row.script else {}
            )
            _leaks_nothing(answer, reader)
            if answer.status_code >= 400 or reader == "nobody":
                assert url.startswith("/help/") or everything() == before, (reader, url)

    assert _statuses(gets) == row.get
    assert _statuses(posts) == row.post


@pytest.mark.parametrize("route", [route for route, row in ROWS.items() if row.sure])
def test_who_is_not_sure_is_asked_first_and_nothing_happens(route):
    row = ROWS[route]
    contract = row.make()
    browser, url = browser_of(owner_of(contract.party(row.side))), row.address(contract)
    before = everything()

    for answer in (browser.get(url), browser.post(url, row.sends(contract))):
        assert answer.status_code == 302
        assert answer["Location"].startswith("/accounts/reauthenticate/?next=")
    assert everything() == before


def _statuses(answers: dict[str, Any]) -> str:
    assert tuple(answers) == READERS
    return " ".join(str(one.status_code) for one in answers.values())


def _leaks_nothing(answer: Any, reader: str) -> None:
    if reader in ("nobody", "stranger", "unassigned", "support"):
        text = b"".join(answer) if answer.streaming else answer.content
        assert TITLE.encode() not in text
        assert TEXT.encode() not in text


def test_what_does_not_exist_and_what_is_not_theirs_look_the_same():
    """Not even the length of the page tells a stranger that there is something."""
    contract = SUBMITTED()
    stranger = browser_of(owner_of(PartyFactory()))

    there = stranger.get(f"/contracts/{contract.reference}/")
    nowhere = stranger.get("/contracts/C-23456789/")

    assert there.status_code == nowhere.status_code == 404
    assert len(there.content) == len(nowhere.content)


# The support desk -------------------------------------------------------------------------------

PUBLIC_AT_THE_DESK = {"admin/login/", "admin/logout/"}


def desk_urls(pk: int) -> Iterator[tuple[str, str]]:
    for route in routes():
        if route.startswith("admin/") and "(?P" not in route:
            url = route
            for name in ("<path:object_id>", "<path:content_type_id>", "<int:pk>"):
                url = url.replace(name, str(pk))
            yield route, f"/{url}"


def test_nobody_but_staff_gets_into_any_page_of_the_support_desk():
    contract = busy_market()
    everybody = people_of(contract, CLIENT)
    people = {reader: everybody[reader] for reader in ("nobody", "stranger", "owner")}
    before = everything()

    for route, url in desk_urls(contract.pk):
        for reader, actor in people.items():
            browser = browser_of(actor)
            for answer in (browser.get(url), browser.post(url)):
                _leaks_nothing(answer, reader)
                if route not in PUBLIC_AT_THE_DESK:
                    assert answer.status_code in (302, 403), (url, reader, answer.status_code)
    assert everything() == before


def test_support_opens_every_page_of_the_desk_without_changing_anything():
    contract = busy_market()
    browser = browser_of(Actor.support(support()))
    before = everything()

    for _, url in desk_urls(contract.pk):
        assert browser.get(url).status_code in (200, 302, 403, 404, 405), url
    assert everything() == before


def test_support_changes_nothing_by_sending_an_empty_form_to_any_page_of_the_desk():
    contract = busy_market()
    browser = browser_of(Actor.support(support()))
    before = everything()

    for route, url in desk_urls(contract.pk):
        if route not in (*PUBLIC_AT_THE_DESK, "admin/marketplace/sweeprun/support/audit/"):
            assert browser.post(url).status_code in (200, 302, 403, 404, 405), url
    assert everything() == before
