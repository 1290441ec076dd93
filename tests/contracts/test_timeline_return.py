"""What each side reads on the timeline of escrow that was asked back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts import escrow_answers
from contracts.models import Contract
from contracts.queries.timeline_return import return_events
from contracts.states import Side
from marketplace import clock, sweeping
from marketplace.actors import Actor
from payments.models import SplitProposal
from tests.factories import NOON, StaffFactory, ended, funded, owner_of, submitted, usd

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
REQUESTED = "The return of what is left in escrow was requested"


class Life:
    """A request of $400.00, whose deeds are an hour apart."""

    def __init__(self, make=funded) -> None:
        self.contract = ended(make(usd(400)).contract)
        self.now = NOON
        self.client, self.talent = (owner_of(self.contract.party(side)) for side in Side)
        self.support = Actor.support(StaffFactory())

    def do(self, name: str, *, by: Actor, **given) -> Life:
        self.now += HOUR
        with clock.at(self.now):
            getattr(escrow_answers, name)(self.contract, by=by, **given)
        return self

    def answer(self, name: str, *, by: Actor) -> Life:
        self.now += HOUR
        split = SplitProposal.objects.latest("pk")
        with clock.at(self.now):
            getattr(escrow_answers, name)(split, by=by)
        return self

    def split(self, to_talent=150) -> Life:
        return self.do("propose_split", to_talent=usd(to_talent), message="", by=self.talent)

    def dispute(self) -> Life:
        return self.do("dispute", text="I delivered.", by=self.talent)

    def reject(self) -> Life:
        return self.do("reject", text="Not so.", by=self.client)

    def told(self, side: Side) -> list[str]:
        """Oldest first; the parties by their kinds."""
        contract = Contract.objects.select_related(
            "client", "talent", "book__escrow_refund_request"
        ).get(pk=self.contract.pk)
        events = sorted(return_events(contract, side), key=lambda one: (one.at, one.order))
        return [
            one.words.replace(contract.client.name, "CLIENT").replace(
                contract.talent.name, "TALENT"
            )
            for one in events
        ]


def test_each_side_reads_of_a_split_in_its_own_words():
    life = Life()
    life.split().answer("decline_split", by=life.client)
    life.split(200).answer("agree_to_split", by=life.client)

    assert life.told(Side.CLIENT) == [
        REQUESTED,
        "TALENT proposed a split of the escrow: $150.00 to TALENT, $250.00 to you",
        "You declined the split of the escrow",
        "TALENT proposed a split of the escrow: $200.00 to TALENT, $200.00 to you",
        "You accepted the split of the escrow: $200.00 to TALENT, $200.00 to you",
    ]
    assert life.told(Side.TALENT) == [
        REQUESTED,
        "You proposed a split of the escrow: $150.00 to you, $250.00 to CLIENT",
        "CLIENT declined the split of the escrow",
        "You proposed a split of the escrow: $200.00 to you, $200.00 to CLIENT",
        "CLIENT accepted the split of the escrow: $200.00 to you, $200.00 to CLIENT",
    ]


def test_mediation_is_told_with_what_was_said_and_supports_split():
    life = Life()
    life.dispute().do("add_statement", text="Look.", by=life.talent).reject()
    life.do("write_note", note="Send the files.", by=life.support)
    life.do("propose_in_mediation", to_talent=usd(200), message="Half.", by=life.support)
    life.answer("agree_to_split", by=life.client)
    life.answer("take_back_split", by=life.support)
    life.do("decide", to_talent=usd(100), because="So.", by=life.support)

    assert life.told(Side.TALENT) == [
        REQUESTED,
        "You disputed the return from escrow",
        "You added to what was said",
        "CLIENT rejected the dispute; support mediates",
        "Support wrote to both sides",
        "Support proposed a split of the escrow: $200.00 to you, $200.00 to CLIENT",
        "CLIENT accepted support's split; the other side has to, too",
        "Support took the split of the escrow back",
        "Support decided about what was left in escrow",
    ]


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("let_go", {}, "You let the money in escrow go back"),
        ("dispute", {"text": "No."}, "You disputed the return from escrow"),
    ],
)
def test_split_that_ended_with_another_answer_is_not_told_as_taken_back(name, given, said):
    life = Life()
    life.split().do(name, by=life.talent, **given)

    assert life.told(Side.TALENT)[2:] == [said]


def test_split_that_was_taken_back_by_itself_is_told():
    life = Life()
    life.split().answer("take_back_split", by=life.talent)

    assert life.told(Side.CLIENT)[2:] == ["TALENT took the split of the escrow back"]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (Life, "The request was not answered in time"),
        (lambda: Life(submitted), "The request was not answered in time; support decides"),
        (
            lambda: Life().dispute(),
            "The dispute was not answered in time; the escrow is paid",
        ),
        (lambda: Life().split(), "The split of the escrow was not accepted in time"),
    ],
)
def test_silence_is_nobodys_deed(make, said):
    life = make()

    sweeping.run(as_of=NOON + timedelta(days=8))

    assert [life.told(side)[-1] for side in Side] == [said, said]


def test_all_of_it_takes_one_query(django_assert_num_queries):
    life = Life()
    life.split().dispute().reject().do("write_note", note="We look.", by=life.support)
    contract = Contract.objects.select_related(
        "client", "talent", "book__escrow_refund_request"
    ).get(pk=life.contract.pk)

    with django_assert_num_queries(1):
        assert len(list(return_events(contract, Side.CLIENT))) == 5
