"""The escrow refund request's pages: both sides read the same, and each answer is read first."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts import escrow_answers
from contracts.models import Assignment, Contract
from contracts.states import Side
from marketplace import clock, sweeping
from marketplace.actors import Actor
from marketplace.states import Role
from payments.models import EscrowRefundRequest, SplitProposal
from payments.states import RequestState, SplitState
from tests.factories import (
    NOON,
    StaffFactory,
    approve,
    ended,
    funded,
    leftover,
    member_of,
    money_of,
    owner_of,
    submitted,
    usd,
)
from tests.pages import Browser, Page
from tests.support.asserting import assert_audit_clean, everything_of

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
LET_GO = "Let $400.00 go back"
ACCEPT = "Accept: $250.00 comes back to you"


def url_of(contract: Contract, path: str = "") -> str:
    return f"/escrow-refunds/{contract.book.escrow_refund_request.pk}/{path}"


def page_of(contract: Contract, side: Side, path: str = "") -> Page:
    return Browser.of(owner_of(contract.party(side))).open(url_of(contract, path))


def pay_label(contract: Contract) -> str:
    return f"Pay {contract.talent.name} $400.00 instead"


def request_of(contract: Contract) -> EscrowRefundRequest:
    return EscrowRefundRequest.objects.get(book=contract.book_id)


def state_of(contract: Contract) -> str:
    return str(request_of(contract).state)


def split_of(contract: Contract) -> SplitProposal:
    return SplitProposal.objects.select_related("request").latest("pk")


def ways_of(page: Page) -> list[str]:
    """What the cards' links and buttons say, in order."""
    found = page.dom.query(".ways .actions .btn")
    return [" ".join(one.to_text(separator=" ").split()) for one in found]


def said(page: Page) -> str:
    return page.part(".timeline")


def support() -> Actor:
    return Actor.support(StaffFactory())


# States, through the real doors -----------------------------------------------------------------


@pytest.fixture
def requested() -> Contract:
    """$400 left in escrow, no work submitted."""
    return ended(leftover(usd(400), title="App"))


@pytest.fixture
def requested_after_work() -> Contract:
    return ended(submitted(usd(400), title="App").contract)


@pytest.fixture
def split_open(requested: Contract) -> Contract:
    """The talent proposes $150 of it, two days later."""
    with clock.at(NOON + 2 * DAY):
        escrow_answers.propose_split(
            requested, to_talent=usd(150), message="Half a page.", by=owner_of(requested.talent)
        )
    return requested


@pytest.fixture
def disputed(requested: Contract) -> Contract:
    by = owner_of(requested.talent)
    link = "https://example.com/work"
    escrow_answers.dispute(requested, text="I delivered.", links=[link], by=by)
    return requested


@pytest.fixture
def mediating(disputed: Contract) -> Contract:
    escrow_answers.reject(disputed, text="Nothing came.", by=owner_of(disputed.client))
    return disputed


@pytest.fixture
def mediated_split(mediating: Contract) -> Contract:
    escrow_answers.propose_in_mediation(
        mediating, to_talent=usd(150), message="Half of it was prepared.", by=support()
    )
    return mediating


# The page ---------------------------------------------------------------------------------------


def test_both_sides_read_the_same_facts(requested):
    names = {Side.CLIENT: "You", Side.TALENT: requested.client.name}

    for side in Side:
        page = page_of(requested, side)
        assert "Return of $400.00 from escrow" in page.text
        assert "Paid: Milestone 1, Draft, $5.00" in said(page)
        assert f"{names[side]} ended the contract, with $400.00 left in escrow" in said(page)
        assert "until Thursday 26 November 2026, 12:00 (UTC)" in page.part(".countdown")
        assert "7 days left" in page.part(".countdown")
        assert "Settled at the latest 19 December" in page.part(".facts")


def test_talent_reads_whose_money_it_is_and_what_silence_does(requested):
    page = page_of(requested, Side.TALENT)

    client = requested.client.name
    assert f"to {client} · nothing is taken from your balance" in page.text
    assert page.part(".countdown h2") == f"{client} asks you to let $400.00 go back"
    assert (
        f"If you do not answer, $400.00 goes back from escrow to {client}. It is {client}'s money,"
        " held for this contract; nothing is taken from your balance."
    ) in page.part(".countdown")
    assert page.part(".stages") == "done: Asked 19 November Your answer by 26 November Returned"
    assert ways_of(page) == [LET_GO, "Propose a split", "Dispute"]


def test_client_reads_whose_money_it_is_and_what_silence_does(requested):
    page = page_of(requested, Side.CLIENT)

    talent = requested.talent.name
    assert f"nothing is taken from {talent}" in page.text
    assert page.part(".countdown h2") == f"{talent} is asked to let $400.00 go back"
    assert (
        f"If {talent} does not answer, $400.00 comes back to you as credit. It is your money in"
        f" escrow; nothing is taken from {talent}."
    ) in page.part(".countdown")
    assert f"{talent}'s answer by 26 November" in page.part(".stages")
    assert ways_of(page) == [pay_label(requested)]


def test_drawing_of_what_silence_does_has_its_words(requested):
    page = page_of(requested, Side.TALENT)

    drawn = [one.attrs["aria-label"] for one in page.dom.query(".countdown [role=img]")]
    assert drawn == [f"$400.00 back to {requested.client.name}"]


@pytest.mark.parametrize("side", Side)
def test_submitted_work_makes_silence_support_s_matter(requested_after_work, side):
    page = page_of(requested_after_work, side)

    assert (
        "support decides, because work was submitted that was neither paid nor taken back"
        in page.part(".countdown")
    )
    assert "Here it is." in said(page)
    assert page.part(".stages").endswith("With support")


def test_delivery_shows_its_links(requested_after_work):
    submission = requested_after_work.milestones.get().submissions.get()
    submission.links = ["https://example.com/a"]
    submission.save()

    assert "https://example.com/a" in page_of(requested_after_work, Side.CLIENT).links()


def test_end_by_support_is_told_so(requested):
    figures = {**requested.end_figures, "support": True}
    Contract.objects.filter(pk=requested.pk).update(end_figures=figures)

    assert f"Support, for {requested.client.name}, ended" in said(page_of(requested, Side.TALENT))


# Let it go, pay instead -------------------------------------------------------------------------


def test_talent_reads_what_letting_go_does_before_it_does(requested):
    before = everything_of(requested)

    page = page_of(requested, Side.TALENT, "let-go/")

    assert page.effects("What will happen") == {
        f"Goes back from escrow to {requested.client.name}": "$400.00",
        "You receive of it": "$0.00",
        "Taken from your balance": "$0.00",
    }
    assert "This cannot be undone." in page.text
    assert everything_of(requested) == before


def test_talent_lets_it_go(requested):
    done = page_of(requested, Side.TALENT, "let-go/").press(LET_GO)

    client = requested.client.name
    assert f"$400.00 went back to {client}. Nothing was taken from your balance." in done.flash
    assert done.url == url_of(requested)
    assert money_of(requested)[:2] == ("$0.00", "$400.00")
    assert ways_of(done) == []
    assert "You let $400.00 go back" in done.text
    assert f"{requested.talent.name} let $400.00 go back" in page_of(requested, Side.CLIENT).text
    assert_audit_clean()


def test_client_reads_what_paying_instead_does_before_it_does(requested):
    page = page_of(requested, Side.CLIENT, "pay-instead/")

    assert page.effects("What will happen") == {
        f"{requested.talent.name} receives": "$360.00",
        "Comes back to you": "$0.00",
        "Charged now": "$0.00",
    }
    assert state_of(requested) == RequestState.PENDING


def test_client_pays_instead(requested):
    name = requested.talent.name

    done = page_of(requested, Side.CLIENT, "pay-instead/").press(pay_label(requested))

    assert f"$400.00 was paid to {name}, who receives $360.00 after the fee." in done.flash
    assert money_of(requested)[0] == "$0.00"
    assert requested.book.payments.count() == 2
    assert f"You paid {name} $400.00 instead" in done.text
    talent = page_of(requested, Side.TALENT)
    assert f"{requested.client.name} paid you $400.00 instead" in talent.text
    assert "It is pending until 24 November 2026, and available then." in talent.text
    assert_audit_clean()


def test_paid_money_that_matured_is_told_so(requested):
    page_of(requested, Side.CLIENT, "pay-instead/").press(pay_label(requested))

    with clock.at(NOON + 5 * DAY):
        page = page_of(requested, Side.TALENT)

    assert "It became available on 24 November 2026." in page.text


# A split ----------------------------------------------------------------------------------------


def test_talent_is_told_what_a_split_does_to_its_clock(requested):
    with clock.at(NOON + 4 * DAY):
        page = page_of(requested, Side.TALENT, "split/")

    assert "accept or decline until Monday 30 November 2026, 12:00 (UTC)" in page.text
    assert "Without a yes you have 3 days left, and never less than 48 hours." in page.text
    assert "You can propose 2 splits in all." in page.text
    assert page.filled_in("Propose a split")["to_talent"] == ""


def test_figures_of_a_split_follow_what_is_typed(requested):
    page = page_of(requested, Side.TALENT, "split/")

    shown = page.press_enter("Propose a split", to_talent="150")

    assert shown.effects("What you propose") == {
        "You receive": "$135.00",
        f"Goes back to {requested.client.name}": "$250.00",
    }
    assert shown.alerts == []
    assert shown.filled_in("Propose a split")["to_talent"] == "150"
    assert not SplitProposal.objects.exists()


def test_split_is_proposed_only_with_the_figures_that_were_read(requested):
    page = page_of(requested, Side.TALENT, "split/")

    unseen = page.press("Propose a split", to_talent="150", message="Half a page.")
    assert "Here is what you propose." in unseen.alerts[0]
    changed = unseen.press("Propose a split", to_talent="160")
    assert "Here is what you propose." in changed.alerts[0]
    assert not SplitProposal.objects.exists()
    done = changed.press("Propose a split")

    assert "You proposed $160.00 for you." in done.flash
    assert split_of(requested).to_talent == usd(160)
    assert split_of(requested).message == "Half a page."
    assert request_of(requested).answer_by is None


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Type an amount."),
        ("0", "Type an amount above zero."),
        ("400", "Type less than $400.00. To ask for all of it, dispute the return."),
        ("much", "Type an amount in figures"),
    ],
)
def test_split_that_cannot_be_is_refused_at_its_field(requested, typed, sentence):
    page = page_of(requested, Side.TALENT, "split/")

    refused = page.press("Propose a split", to_talent=typed, message="Half a page.")

    assert sentence in refused.alerts[0]
    assert refused.filled_in("Propose a split")["to_talent"] == typed
    assert refused.filled_in("Propose a split")["message"] == "Half a page."
    assert state_of(requested) == RequestState.PENDING


def test_split_sent_twice_is_proposed_once(requested):
    page = page_of(requested, Side.TALENT, "split/").press("Propose a split", to_talent="150")

    page.press("Propose a split")
    page.press("Propose a split")

    assert SplitProposal.objects.count() == 1


def test_client_reads_a_split_and_that_silence_moves_nothing(split_open):
    talent = split_open.talent.name
    with clock.at(NOON + 2 * DAY):
        page = page_of(split_open, Side.CLIENT)

    assert page.part(".countdown h2") == f"{talent} proposes a split of $400.00"
    assert "until Monday 30 November 2026, 00:00 (UTC)" in page.part(".countdown")
    assert (
        "If you do not answer, the split is off and nothing moves: your $400.00 stays in escrow."
        f" {talent} then has 5 days left to answer your request."
    ) in page.part(".countdown")
    drawn = [one.attrs["aria-label"] for one in page.dom.query(".countdown [role=img]")]
    assert drawn == [f"$135.00 for {talent}, $15.00 fee, $250.00 back to you"]
    assert ways_of(page) == ["Accept the split", "Decline the split", pay_label(split_open)]
    assert "Half a page." in said(page)


def test_talent_reads_that_its_own_time_stands_still(split_open):
    with clock.at(NOON + 3 * DAY):
        page = page_of(split_open, Side.TALENT)

    assert "Your own time stands still: you have 5 days left" in page.part(".countdown")
    assert ways_of(page) == ["Take your split back", LET_GO, "Dispute"]


def test_client_accepts_a_split_after_reading_it(split_open):
    with clock.at(NOON + 3 * DAY):
        page = page_of(split_open, Side.CLIENT, f"split/{split_of(split_open).pk}/agree/")
        assert page.effects("What will happen") == {
            f"{split_open.talent.name} receives": "$135.00",
            "Comes back to you": "$250.00",
            "When": "at once",
        }
        done = page.press(ACCEPT)

    assert "You accepted the split, and it holds." in done.flash
    assert "Both sides agreed to a split of $400.00" in done.text
    assert money_of(split_open)[:2] == ("$0.00", "$250.00")
    assert_audit_clean()


def test_client_declines_a_split_and_the_talent_s_clock_goes_on(split_open):
    with clock.at(NOON + 3 * DAY):
        page = page_of(split_open, Side.CLIENT, f"split/{split_of(split_open).pk}/decline/")
        assert "Nothing moves now." in page.text
        done = page.press("Decline the split")
        assert "You declined the split. Nothing moved" in done.flash
        talent = page_of(split_open, Side.TALENT)

    assert "until Friday 27 November 2026, 12:00 (UTC)" in talent.part(".countdown")
    assert ways_of(talent) == [LET_GO, "Propose a split", "Dispute"]
    assert "It would be your last one." in talent.text
    assert f"{split_open.client.name} declined the split" in said(talent)


def test_talent_takes_its_split_back(split_open):
    with clock.at(NOON + 3 * DAY):
        done = page_of(split_open, Side.TALENT).press("Take your split back")

    assert "You took your split back. Your own time to answer goes on." in done.flash
    assert "You took the split back" in said(done)
    assert split_of(split_open).state == SplitState.TAKEN_BACK
    assert request_of(split_open).answer_by == NOON + 8 * DAY


def test_split_nobody_answered_is_off_before_a_sweep_comes_by(split_open):
    with clock.at(NOON + 12 * DAY):
        client, talent = (page_of(split_open, side) for side in Side)

    assert ways_of(client) == [pay_label(split_open)]
    assert ways_of(talent) == [LET_GO, "Propose a split", "Dispute"]
    assert "until Saturday 5 December 2026, 00:00 (UTC)" in talent.part(".countdown")


def test_talent_proposes_no_third_split(requested):
    by = owner_of(requested.talent)
    for _ in range(2):
        split = escrow_answers.propose_split(requested, to_talent=usd(1), message="", by=by)
        escrow_answers.take_back_split(split, by=by)

    assert ways_of(page_of(requested, Side.TALENT)) == [LET_GO, "Dispute"]
    late = page_of(requested, Side.TALENT, "split/")
    assert "You proposed 2 splits already." in late.flash
    assert late.url == url_of(requested)


def test_split_that_is_off_is_told_quietly(split_open):
    path = f"split/{split_of(split_open).pk}/agree/"
    with clock.at(NOON + 3 * DAY):
        page = page_of(split_open, Side.CLIENT, path)
        page_of(split_open, Side.TALENT).press("Take your split back")
        before = everything_of(split_open)

        late = page.press(ACCEPT)
        again = page_of(split_open, Side.CLIENT, path)

    assert "This split is off the table already. Here is what happened." in late.flash
    assert "This split is off the table already." in again.flash
    assert everything_of(split_open) == before


def test_split_of_another_request_is_not_found(split_open):
    other = ended(leftover(usd(400), client=split_open.client, talent=split_open.talent))
    path = url_of(other, f"split/{split_of(split_open).pk}/agree/")

    Browser.of(owner_of(other.client)).open(path, status=404)


# A dispute --------------------------------------------------------------------------------------


def test_talent_disputes_with_a_reason_and_links_that_both_read(requested):
    page = page_of(requested, Side.TALENT, "dispute/")
    assert "until Thursday 26 November 2026, 12:00 (UTC), 5 business days" in page.text
    assert "you receive $360.00 after the fee" in page.text

    done = page.press("Dispute", text="I delivered.\nTwice.", links="https://example.com/work")

    assert "You disputed the return." in done.flash
    assert state_of(requested) == RequestState.DISPUTED
    for side in Side:
        shown = page_of(requested, side)
        assert "I delivered. Twice." in said(shown)
        assert "https://example.com/work" in shown.links()


@pytest.mark.parametrize(
    ("text", "links", "sentence"),
    [
        ("", "", "Write what"),
        (" ", "https://example.com", "Write what"),
        ("x" * 5_001, "", "at most 5000 characters"),
        ("I delivered.", "javascript:alert(1)", "is no web address"),
        ("I delivered.", "\n".join(["https://example.com"] * 11), "Give at most 10 links."),
    ],
)
def test_dispute_that_cannot_be_keeps_what_was_typed(requested, text, links, sentence):
    page = page_of(requested, Side.TALENT, "dispute/")

    refused = page.press("Dispute", text=text, links=links)

    assert sentence in " ".join(refused.alerts)
    kept = refused.filled_in("Dispute")
    assert (kept["text"].strip(), kept["links"]) == (text.strip(), links)
    assert state_of(requested) == RequestState.PENDING


def test_client_reads_that_silence_pays_a_disputed_return(disputed):
    page, talent = page_of(disputed, Side.CLIENT), disputed.talent.name

    assert page.part(".countdown h2") == f"{talent} disputes the return of $400.00"
    assert "5 days" not in page.part(".countdown")
    assert "7 days left" in page.part(".countdown")
    assert (
        f"If you do not answer, $400.00 of your money in escrow is paid to {talent}, who receives"
        " $360.00 after the fee. Nothing else is taken from you."
    ) in page.part(".countdown")
    assert ways_of(page) == [pay_label(disputed), "Reject the dispute"]
    assert "Add to what you said" not in page.text
    assert "Say what happened" not in page.text


def test_talent_reads_what_the_client_s_silence_brings(disputed):
    page = page_of(disputed, Side.TALENT)

    client = disputed.client.name
    assert (
        f"If {client} does not answer, $400.00 is paid to you from escrow; you receive $360.00"
        " after the fee."
    ) in page.part(".countdown")
    assert ways_of(page) == [LET_GO]
    assert url_of(disputed, "add/") in page.links()


def test_client_rejects_with_a_reason_that_both_read(disputed):
    page = page_of(disputed, Side.CLIENT, "reject/")
    empty = page.press("Reject the dispute", links="https://example.com/empty")
    assert "Write what" in empty.alerts[0]
    assert empty.filled_in("Reject the dispute")["links"] == "https://example.com/empty"

    done = empty.press("Reject the dispute", text="Nothing came.")

    assert "You rejected the dispute. $400.00 stays in escrow" in done.flash
    assert state_of(disputed) == RequestState.MEDIATING
    for side in Side:
        shown = page_of(disputed, side)
        assert "Nothing came." in said(shown)
        assert "Support mediates" in shown.part(".countdown")
        assert "nobody's silence decides" in shown.part(".countdown")
        assert "decides by Saturday 19 December 2026, 12:00 (UTC)" in shown.part(".countdown")


@pytest.mark.parametrize("side", Side)
def test_either_side_adds_to_what_it_said(mediating, side):
    before = money_of(mediating)
    page = page_of(mediating, side, "add/")

    done = page.press("Add", text="One more thing.", links="https://example.com/more")
    page.press("Add", text="One more thing.", links="https://example.com/more")

    assert "It was added" in done.flash
    other = page_of(mediating, side.other)
    assert said(other).count("One more thing.") == 1
    assert "https://example.com/more" in other.links()
    assert money_of(mediating) == before


def test_nothing_is_added_before_there_is_a_dispute(requested):
    late = page_of(requested, Side.TALENT, "add/")

    assert "Nothing is disputed here." in late.flash
    assert late.url == url_of(requested)


def test_unpaid_work_goes_to_support_and_both_may_say_what_happened(requested_after_work):
    sweeping.run(as_of=NOON + 7 * DAY)

    with clock.at(NOON + 7 * DAY):
        for side in Side:
            page = page_of(requested_after_work, side)
            assert "Support has this request now" in page.part(".countdown")
            assert "Say what happened" in page.text
            assert "it went to support" in said(page)
            assert page.part(".stages").startswith("done: Asked 19 November done: Not answered")


# With support -----------------------------------------------------------------------------------


@pytest.mark.parametrize("side", Side)
def test_both_sides_read_support_s_split_and_can_accept_it(mediated_split, side):
    page = page_of(mediated_split, side)

    assert page.part(".countdown h2") == "Support proposes a split to both of you"
    assert "until Saturday 21 November 2026, 12:00 (UTC)" in page.part(".countdown")
    assert "the split is off and nothing moves yet" in page.part(".countdown")
    assert "support decides by 19 December 2026 at the latest" in page.part(".countdown")
    assert "Half of it was prepared." in said(page)
    assert ways_of(page)[:2] == ["Accept the split", "Decline the split"]


def test_split_of_support_holds_once_both_accepted(mediated_split):
    path = f"split/{split_of(mediated_split).pk}/agree/"
    page = page_of(mediated_split, Side.TALENT, path)
    assert page.effects("What will happen")["When"] == "once both have accepted"

    first = page.press("Accept: you receive $135.00")

    client, talent = mediated_split.client.name, mediated_split.talent.name
    assert f"It holds as soon as {client} accepts too." in first.flash
    assert f"You accepted support's split; {client} has not answered yet" in first.text
    assert ways_of(first) == [LET_GO]
    waiting = page_of(mediated_split, Side.CLIENT)
    assert f"{talent} accepted support's split; your answer is missing" in waiting.text
    assert "You accepted this split before." in page_of(mediated_split, Side.TALENT, path).flash
    done = page_of(mediated_split, Side.CLIENT, path).press(ACCEPT)
    assert "You accepted the split, and it holds." in done.flash
    assert money_of(mediated_split)[:2] == ("$0.00", "$250.00")
    assert_audit_clean()


def test_decline_of_support_s_split_leaves_it_to_support(mediated_split):
    path = f"split/{split_of(mediated_split).pk}/decline/"
    page = page_of(mediated_split, Side.CLIENT, path)
    assert "Support decides by 19 December 2026 at the latest" in page.text

    page.press("Decline the split")

    shown = page_of(mediated_split, Side.TALENT)
    assert f"{mediated_split.client.name} declined the split" in said(shown)
    assert "Support mediates" in shown.part(".countdown")


def test_after_a_dispute_the_talent_can_still_let_go_and_the_client_still_pay(mediating):
    assert ways_of(page_of(mediating, Side.TALENT)) == [LET_GO]
    assert ways_of(page_of(mediating, Side.CLIENT)) == [pay_label(mediating)]

    page_of(mediating, Side.CLIENT, "pay-instead/").press(pay_label(mediating))

    assert state_of(mediating) == RequestState.CONCEDED


def test_note_of_support_is_read_by_both(mediating):
    escrow_answers.write_note(mediating, note="Please send the files.", by=support())

    for side in Side:
        assert "Support wrote" in said(page_of(mediating, side))
        assert "Please send the files." in said(page_of(mediating, side))


def test_decision_of_support_is_read_by_both_with_its_reason(mediating):
    escrow_answers.decide(
        mediating, to_talent=usd(100), because="Half a page was delivered.", by=support()
    )

    client, talent = (page_of(mediating, side) for side in Side)
    for page in (client, talent):
        assert "Support decided about the $400.00" in page.text
        assert page.part(".bubble").count("Half a page was delivered.") == 2
    assert "$300.00 came back to you" in client.text
    assert "$90.00 for you, after the fee" in talent.text


# Silence ----------------------------------------------------------------------------------------


def test_answer_after_the_last_second_finds_it_decided(requested):
    page = page_of(requested, Side.TALENT, "dispute/")

    with clock.at(NOON + 7 * DAY):
        over = page_of(requested, Side.TALENT)
        assert ways_of(over) == []
        assert "The time to answer is over: $400.00 goes back" in over.part(".countdown")
        assert "The time to answer is over." in page_of(requested, Side.TALENT, "let-go/").flash
        late = page.press("Dispute", text="I delivered.")
        assert late.flash
        sweeping.run()
        shown = page_of(requested, Side.CLIENT)
    assert "$400.00 went back, as there was no answer in time" in shown.text
    assert state_of(requested) == RequestState.LAPSED
    assert money_of(requested)[:2] == ("$0.00", "$400.00")


def test_dispute_nobody_answered_is_told_as_paid(disputed):
    with clock.at(NOON + 7 * DAY):
        sweeping.run()
        client, talent = (page_of(disputed, side) for side in Side)

    late = "as the dispute was not answered in time"
    assert f"$400.00 was paid to you, {late}" in talent.text
    assert f"$400.00 was paid to {disputed.talent.name}, {late}" in client.text
    assert state_of(disputed) == RequestState.CONCEDED_BY_SILENCE


# Who comes second, and who may ------------------------------------------------------------------


@pytest.mark.parametrize("second", Side)
@pytest.mark.parametrize("first", Side)
def test_second_answer_is_told_quietly_and_moves_nothing(requested, first, second):
    paths = {Side.TALENT: "let-go/", Side.CLIENT: "pay-instead/"}
    button = {Side.TALENT: LET_GO, Side.CLIENT: pay_label(requested)}
    pages = {side: page_of(requested, side, paths[side]) for side in Side}
    pages[first].press(button[first])
    before = everything_of(requested)

    late = pages[second].press(button[second])
    opened = page_of(requested, second, paths[second])

    assert late.url == opened.url == url_of(requested)
    assert "This request is settled already. Here is what happened." in late.flash
    assert opened.flash
    assert everything_of(requested) == before


@pytest.mark.parametrize(
    ("path", "button", "typed"),
    [
        ("dispute/", "Dispute", {"text": "I delivered."}),
        ("split/", "Propose a split", {}),
    ],
)
def test_written_answer_that_comes_second_is_told_quietly(requested, path, button, typed):
    page = page_of(requested, Side.TALENT, path)
    if path == "split/":
        page = page.press(button, to_talent="150")
    page_of(requested, Side.CLIENT, "pay-instead/").press(pay_label(requested))
    before = everything_of(requested)

    late = page.press(button, **typed)

    assert "This request is settled already." in late.flash
    assert everything_of(requested) == before


def test_plain_member_reads_who_answers(requested):
    member = member_of(requested.talent, Role.MEMBER)
    Assignment.objects.create(contract=requested, membership=member.as_member, since=NOON)
    owner = owner_of(requested.talent).user
    browser = Browser.of(member)

    page = browser.open(url_of(requested))

    assert f"Only an owner or manager of {requested.talent.name}" in page.text
    assert f"{owner.name} can answer." in page.text
    assert ways_of(page) == []
    assert page.buttons() == []
    for path in ("let-go/", "split/", "dispute/"):
        refused = browser.open(url_of(requested, path), status=403)
        assert f"Only an owner or manager of {requested.talent.name}" in refused.text


@pytest.mark.parametrize(
    ("side", "path"),
    [
        (Side.CLIENT, "let-go/"),
        (Side.CLIENT, "split/"),
        (Side.CLIENT, "dispute/"),
        (Side.TALENT, "pay-instead/"),
        (Side.TALENT, "reject/"),
    ],
)
def test_answer_of_the_other_side_is_refused(requested, side, path):
    browser = Browser.of(owner_of(requested.party(side)))
    before = everything_of(requested)

    browser.open(url_of(requested, path), status=403)
    browser.send(url_of(requested, path), {"text": "x", "key": "k"}, status=403)

    assert everything_of(requested) == before


def test_what_was_typed_comes_back_after_signing_in(requested):
    page = page_of(requested, Side.TALENT, "dispute/")
    client, url = page.browser.client, url_of(requested, "dispute/")
    client.logout()
    typed = {"text": "I delivered.", "links": "https://example.com/work"}
    client.post(url, typed, headers={"referer": f"http://testserver{url}"})

    client.force_login(owner_of(requested.talent).user)
    back = page.browser.open(url)

    kept = back.filled_in("Dispute")
    assert (kept["text"], kept["links"]) == ("I delivered.", "https://example.com/work")


@pytest.mark.parametrize("side", Side)
def test_room_leads_to_the_request_until_and_after_it_is_answered(requested, side):
    browser = Browser.of(owner_of(requested.party(side)))
    room = f"/contracts/{requested.reference}/"
    assert url_of(requested) in browser.open(room).links()

    page_of(requested, Side.TALENT, "let-go/").press(LET_GO)

    assert url_of(requested) in browser.open(room).links()


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("rows", [1, 3])
def test_request_takes_as_many_queries_for_one_of_each_as_for_three(side, rows):
    milestone = funded(usd(500))
    contract = milestone.contract
    approve(milestone, usd(100))
    for number in range(2, rows + 1):
        page = Browser.of(owner_of(contract.client)).open(
            f"/contracts/{contract.reference}/milestones/new/"
        )
        page.press("Save", title="More", amount="50")
        approve(contract.milestones.get(number=number))
    ended(contract)
    by = owner_of(contract.talent)
    escrow_answers.dispute(contract, text="I delivered.", by=by)
    escrow_answers.reject(contract, text="Nothing came.", by=owner_of(contract.client))
    for _ in range(rows):
        escrow_answers.add_statement(contract, text="More.", by=by)
        split = escrow_answers.propose_in_mediation(
            contract, to_talent=usd(1), message="A little.", by=support()
        )
        escrow_answers.decline_split(split, by=by)

    assert Browser.of(owner_of(contract.party(side))).count(url_of(contract)) == 9
