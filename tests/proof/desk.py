"""The rules that play the support desk: cases, hours that stay owed, corrections by two people."""

from __future__ import annotations

from hypothesis.stateful import precondition, rule

from contracts import owed
from contracts.models import Week
from contracts.states import WeekState
from marketplace import cases
from marketplace.models import Case
from marketplace.money import Money
from marketplace.states import CaseState
from payments import corrections
from payments.models import Account, Book, Correction
from payments.states import AccountKind, CorrectionState
from tests.proof.hours_kept import must
from tests.proof.playing import DICE, Dice, Player, Theme, plays, when
from tests.proof.world import pick

CORRECTABLE = (
    AccountKind.CREDIT,
    AccountKind.AVAILABLE,
    AccountKind.FEES,
    AccountKind.OUTSIDE,
)
AMOUNTS = (1, 333, 5_000, 50_000, 10**9)


class DeskPlayer(Player):
    """Plays what two people of support do, and what others try."""

    @plays(cases.open_case, cases.answer, cases.assign, cases.close)
    @precondition(lambda life: life.steps % 8 == 3)
    @rule(dice=DICE)
    def ask_support(self, dice: Dice) -> None:
        by = self.world.stranger if dice.one_in(8) else self.world.support
        case = pick(dice, Case.objects.exclude(state=CaseState.CLOSED), Case.objects.all())
        if case is None or dice.one_in(4):
            opener = self.world.owners[self.world.clients[0].pk]
            given = {"subject": "Help", "text": "Please.", "email": opener.user.email}
            self.act(lambda: cases.open_case(**given, person=opener.user, by=opener))
            return
        do, words = dice.choice(
            ((cases.answer, {"text": "Here."}), (cases.assign, {"to": by.user}), (cases.close, {}))
        )
        self.act(lambda: do(case, **words, by=by))

    @plays(owed.write_off, owed.propose_settlement)
    @when("week unpaid")
    @precondition(lambda life: life.steps % 3 == 0)
    @rule(dice=DICE)
    def give_up_or_settle(self, dice: Dice) -> None:
        rows = Week.objects.select_related("contract__client", "contract__talent", "contract__book")
        week = pick(dice, rows.filter(state=WeekState.UNPAID), rows)
        if week is None:
            return
        do = dice.choice((owed.write_off, owed.propose_settlement))
        because = dice.choice(("It is not worth it.", "It is not worth it.", " "))
        who = self.support_or(week.contract, dice)
        self.act(lambda: do(week, because=because, by=who), week.contract)

    @plays(corrections.propose)
    @precondition(lambda life: life.steps % (2 if life.theme == Theme.DESK else 8) == 0)
    @rule(dice=DICE)
    def propose_correction(self, dice: Dice) -> None:
        book = pick(dice, Book.objects.select_related("contract"))
        if book is None:
            return
        debit, credit = (self.account(book, dice) for _ in range(2))
        amount = Money(dice.choice(AMOUNTS), book.currency)

        def do() -> Correction:
            correction = corrections.propose(
                book, debit=debit, credit=credit, amount=amount, reason="A mistake.", by=who
            )
            must(correction.amount == amount, f"{correction} was proposed as {amount}")
            return correction

        who = self.support_or(book.contract, dice)
        self.act(do)

    @plays(corrections.approve, corrections.reject)
    @when("correction")
    @rule(dice=DICE)
    def decide_correction(self, dice: Dice) -> None:
        rows = Correction.objects.select_related("book__contract", "debit", "credit")
        correction = pick(dice, rows.filter(state=CorrectionState.PROPOSED), rows)
        if correction is None:
            return
        who = dice.choice((self.world.colleague, self.world.support))
        if dice.one_in(12):
            who = self.world.anybody(correction.book.contract, dice.randrange(6))
        if dice.one_in(3):
            self.act(lambda: corrections.reject(correction, because="Not so.", by=who))
        else:
            self.act(lambda: corrections.approve(correction, by=who))

    def account(self, book: Book, dice: Dice) -> Account:
        """One of the book's, most likely one that may be corrected."""
        kinds = AccountKind if dice.one_in(6) else CORRECTABLE
        found: Account = getattr(book, f"{dice.choice(tuple(kinds)).value}_account")
        return found


def desk_there() -> set[str]:
    """What these rules can act on, in words."""
    waits = Correction.objects.filter(state=CorrectionState.PROPOSED).exists()
    return {"correction"} if waits else set()
