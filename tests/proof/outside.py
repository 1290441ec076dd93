"""The rules that play money from and to the outside world: the sandbox, the bank and the clock.

Credit is sent back and money withdrawn to every place the sandbox knows; charges that are open,
late or disputed meet them, and what the sandbox tells comes early, late, twice or not at all.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from hypothesis.stateful import precondition, rule

from contracts import bonuses, milestones, offers
from contracts.closing import Choice
from contracts.models import Contract
from contracts.offers import MilestoneDraft
from contracts.states import ContractState, Side
from marketplace import clock, once
from marketplace.actors import Actor
from marketplace.models import Party
from marketplace.money import Money
from marketplace.refusals import Refused
from payments import (
    chargebacks,
    credits,
    gateways,
    operations,
    payouts,
    reconciling,
    refunds,
    wallet,
)
from payments.gateways import sandbox
from payments.gateways.base import Saved
from payments.models import (
    Account,
    Chargeback,
    Correction,
    GatewayOperation,
    Payment,
    PaymentMethod,
    SandboxCall,
    SandboxDispute,
    SandboxMovement,
)
from payments.states import OPEN_OPERATIONS, OUTGOING, AccountKind, ChargebackState, OperationKind
from payments.sweeps import take_sandbox_report
from tests.proof.hours_kept import must
from tests.proof.outside_kept import (
    can_be_sent_back,
    can_be_withdrawn,
    check_told_and_swept,
    due_of,
)
from tests.proof.playing import DICE, Dice, Player, Theme, every, plays, share, when
from tests.proof.world import CURRENCIES, pick

SCENES = (
    "paid",
    "withdrawn",
    "withdrawn",
    "credit",
    "sent back",
    "sent back",
    "goes back",
    "disputed",
    "decided",
)
CARDS = (
    sandbox.ACCEPTS,
    sandbox.ACCEPTS,
    sandbox.ANSWERS_TWICE,
    sandbox.TIMES_OUT,
    sandbox.DISPUTED,
    sandbox.DISPUTED,
    sandbox.NEVER_ANSWERS,
    sandbox.DECLINES,
)
PAYS_AT_ONCE = (sandbox.ACCEPTS, sandbox.ANSWERS_TWICE)
DESTINATIONS = (*(one.token for one in sandbox.DESTINATIONS), sandbox.SENDS_BACK)
TAKES_IT = frozenset(one.token for one in sandbox.DESTINATIONS) - {sandbox.REFUSES}
PARTS = (1.0, 1.0, 0.5, 0.333, 0.07, 1.01, 0.0)
AGES = (timedelta(days=4), timedelta(days=5), timedelta(days=6))
"""How long ago the payment may have been made; what is five days old is available by now."""
BONUSES = (5_000, 12_345, 333, 100)


def outside(life: Player) -> bool:
    """Whether these rules may be played: other lives stay as they are."""
    return life.theme is Theme.OUTSIDE or life.mixed


class OutsidePlayer(Player):
    """Plays withdrawals, credit that goes back, disputes at the bank, and what is told of them."""

    # How it begins -------------------------------------------------------------------------------

    def begin_outside(self, contract: Contract, scene: str, dice: Dice) -> None:
        """An active contract, its milestone funded; what became of it.

        Args:
            scene: one of ``SCENES``.
        """
        self.everything_adds_up()
        if scene in ("credit", "sent back", "goes back"):
            self.begin_credit(contract, scene, dice)
        else:
            self.begin_earned(contract, scene, dice)
        if scene in ("disputed", "decided"):
            self.now += sandbox.DISPUTED_AFTER
        if scene == "decided":
            self.sweep()
            self.everything_adds_up()
            self.now += sandbox.DECIDED_AFTER - dice.choice((timedelta(days=1), timedelta(0)))

    def begin_earned(self, contract: Contract, scene: str, dice: Dice) -> None:
        """Some of it was paid to the talent, who may have withdrawn of that."""
        first, by = contract.milestones.get(number=1), self.world.owner(contract, Side.CLIENT)
        with clock.at(self.now):
            amount = share(first.amount, dice.choice((1.0, 1.0, 0.333)))
            milestones.approve(first, amount=amount, key="", by=by)
        if scene in ("paid", "withdrawn"):
            self.now += dice.choice(AGES)
        if scene == "withdrawn":
            self.everything_adds_up()
            self.begin_withdrawn(contract, dice)

    def begin_credit(self, contract: Contract, scene: str, dice: Dice) -> None:
        """It is the client's credit again, some of which may be on its way back."""
        with clock.at(self.now):
            if scene == "goes back":
                self.begin_goes_back(contract)
            else:
                self.charge_once_more(contract, dice)
            self.end_now(contract, Side.TALENT, Choice.nothing())
        if scene != "goes back" and dice.one_in(3):
            self.now += sandbox.DISPUTED_AFTER
            self.sweep()
        if scene == "sent back":
            self.everything_adds_up()
            self.begin_sent_back(contract)

    def charge_once_more(self, contract: Contract, dice: Dice) -> None:
        """A second, newer charge becomes credit: of an offer that was withdrawn."""
        by, currency = self.world.owner(contract, Side.CLIENT), contract.currency
        offer = offers.make(
            talent=contract.talent,
            title="Second",
            description="",
            currency=currency,
            milestones=[MilestoneDraft("Draft", Money(12_345, currency))],
            fund_first=True,
            method=dice.choice((sandbox.ACCEPTS, sandbox.DISPUTED)),
            key=once.new_key(),
            by=by,
        )
        offers.withdraw(offer, by=by)

    def begin_goes_back(self, contract: Contract) -> None:
        """The client wishes that credit goes back at once, while a charge is open."""
        by = self.world.owner(contract, Side.CLIENT)
        credits.choose(contract.client, goes_back=True, by=by)
        amount = Money(5_000, contract.currency)
        given = {"note": "", "method": sandbox.NEVER_ANSWERS, "key": once.new_key()}
        bonuses.give(contract, amount=amount, **given, by=by)

    def begin_withdrawn(self, contract: Contract, dice: Dice) -> None:
        talent, currency = contract.talent, contract.currency
        amount = Money(can_be_withdrawn(talent, currency, self.now), currency)
        if amount:
            given = {"destination": dice.choice(DESTINATIONS), "key": once.new_key()}
            by = self.world.owner(contract, Side.TALENT)
            with clock.at(self.now), suppress(Refused):
                payouts.withdraw(talent, amount=share(amount, 0.5), **given, by=by)

    def begin_sent_back(self, contract: Contract) -> None:
        account = contract.book.credit_account
        account.refresh_from_db()
        by = self.world.owner(contract, Side.CLIENT)
        with clock.at(self.now), suppress(Refused):
            credits.send_back(account, amount=share(account.balance, 0.5), key="", by=by)

    # What leaves ---------------------------------------------------------------------------------

    @plays(payouts.withdraw)
    @when("payment", "available")
    @precondition(outside)
    @rule(dice=DICE)
    def withdraw(self, dice: Dice) -> None:
        party, currency = self.somebody_paid(dice)
        possible = can_be_withdrawn(party, currency, self.now)
        amount = share(Money(possible, currency), dice.choice(PARTS))
        destination = dice.choice(DESTINATIONS)
        given = {"amount": amount, "destination": destination, "key": once.new_key()}
        may = destination in TAKES_IT and 0 < amount.minor <= possible
        shown = payouts.available(party, currency, self.now)
        must(shown.minor == possible, f"{shown} of {party} can be withdrawn, not {possible}")

        def do(by: Actor) -> GatewayOperation:
            try:
                operation = payouts.withdraw(party, **given, by=by)
            except Refused as refusal:
                may_they = may and by == self.world.owners[party.pk]
                must(not may_they, f"{amount} of {shown} cannot leave: {refusal.sentence}")
                raise
            must(0 < operation.amount_minor <= possible, f"{operation} of {possible}")
            must(operation.amount == amount, f"{operation} was asked for as {amount}")
            must(not due_of(party, currency, self.now), f"{operation} left what was due pending")
            return operation

        self.as_somebody(party, do, dice)

    @plays(credits.send_back)
    @when("credit")
    @precondition(outside)
    @rule(dice=DICE)
    def send_credit_back(self, dice: Dice) -> None:
        accounts = Account.objects.filter(kind=AccountKind.CREDIT).select_related("party")
        account = pick(dice, accounts.filter(balance_minor__gt=0), accounts)
        if account is None:
            return
        possible = can_be_sent_back(account, self.now)
        amount = share(Money(possible, account.currency), dice.choice(PARTS))
        key, shown = once.new_key(), credits.sendable(account, self.now).possible
        must(shown.minor == possible, f"{shown} can go back, not {possible}")

        def do(by: Actor) -> list[GatewayOperation]:
            try:
                sent = credits.send_back(account, amount=amount, key=key, by=by)
            except Refused as refusal:
                may = 0 < amount.minor <= possible and by == self.world.owners[account.party_id]
                must(not may, f"{amount} of {possible} cannot go back: {refusal.sentence}")
                raise
            total = sum(one.amount_minor for one in sent)
            must(total == amount.minor, f"{sent} were sent back for {amount}")
            return sent

        self.as_somebody(account.party, do, dice)

    @plays(credits.choose)
    @when("credit", "goes back")
    @precondition(lambda life: outside(life) and life.steps % 3 == 0)
    @rule(dice=DICE)
    def choose_what_credit_does(self, dice: Dice) -> None:
        party, goes_back = dice.choice(self.world.clients), not dice.one_in(3)
        do = credits.choose
        self.as_somebody(party, lambda by: do(party, goes_back=goes_back, by=by), dice)

    @plays(wallet.prefer, wallet.add, wallet.remove, wallet.take_saved)
    @precondition(lambda life: outside(life) and life.steps % 8 == 2)
    @rule(dice=DICE)
    def tidy_the_wallet(self, dice: Dice) -> None:
        """Cards of other gateways are kept along; the sandbox's own are there for everybody."""
        party = dice.choice((*self.world.clients, *self.world.talents))
        saved = Saved(f"card-{dice.randrange(4)}", "Visa ending 4242")
        kept = pick(dice, PaymentMethod.objects.select_related("party"))
        token = dice.choice((*CARDS, "no-such-card"))
        deeds: list[Callable[[Actor], Any]] = [
            lambda by: wallet.prefer(party, token, by=by),
            lambda by: wallet.add(party, saved, by=by),
            lambda by: wallet.take_saved(party, "a-session", by=by),
        ]
        if kept is not None:
            party = kept.party
            deeds.append(lambda by: wallet.remove(kept, by=by))
        self.as_somebody(party, dice.choice(deeds), dice, repeatable=False)

    # What comes in, and is given back meanwhile --------------------------------------------------

    @when("contract active", "contract ended")
    @precondition(lambda life: outside(life) and life.steps % 2 == 0)
    @rule(dice=DICE)
    def pay_with_any_card(self, dice: Dice) -> None:
        """A bonus is the shortest way from a card to the talent."""
        states = (ContractState.ACTIVE, ContractState.ENDED)
        contract = pick(dice, every().filter(state__in=states), every())
        if contract is None:
            return
        given = {
            "amount": Money(dice.choice(BONUSES), contract.currency),
            "note": "",
            "method": dice.choice(CARDS),
            "key": once.new_key(),
        }
        do = bonuses.give
        self.on(contract, lambda by: do(contract, **given, by=by), Side.CLIENT, dice)

    @when("payment leaving")
    @precondition(outside)
    @rule(dice=DICE)
    def refund_what_is_leaving(self, dice: Dice) -> None:
        """A talent gives back what it is withdrawing: only what it still has."""
        open_ones = GatewayOperation.objects.filter(
            kind=OperationKind.PAYOUT, state__in=OPEN_OPERATIONS
        )
        parties = open_ones.values("account__party")
        rows = Payment.objects.select_related("book__contract", "book__talent")
        payment = pick(dice, rows.filter(book__talent__in=parties))
        if payment is None:
            return
        given = {
            "amount": share(payment.gross, dice.choice(PARTS)),
            "reason": "",
            "key": once.new_key(),
        }
        do = refunds.give
        self.as_somebody(payment.book.talent, lambda by: do(payment, **given, by=by), dice)

    # The gateway, the bank and support -----------------------------------------------------------

    @when("call")
    @precondition(outside)
    @rule(dice=DICE)
    def the_sandbox_tells(self, dice: Dice) -> None:
        """Of any call, again and again, whether it is time or not."""
        call = pick(dice, SandboxCall.objects.exclude(report_due_at=None), SandboxCall.objects)
        if call is None:
            return
        for _ in range(dice.choice((1, 1, 2))):
            self.act(lambda: operations.hear_of(call.key))
        if dice.one_in(2):
            self.act(lambda: take_sandbox_report(call.pk))

    @when("call")
    @precondition(lambda life: outside(life) and life.steps % 2 == 1)
    @rule(dice=DICE)
    def wait_for_the_gateway(self, dice: Dice) -> None:
        """Until it would tell more, or we would look again; or just before."""
        later = SandboxCall.objects.filter(report_due_at__gt=self.now)
        moments = list(later.values_list("report_due_at", flat=True))
        open_ones = GatewayOperation.objects.filter(watch_at__gt=self.now)
        moments += open_ones.values_list("watch_at", flat=True)
        open_ones = GatewayOperation.objects.filter(due_at__gt=self.now)
        moments += open_ones.values_list("due_at", flat=True)
        if moments:
            early = timedelta(microseconds=dice.choice((0, 0, 0, 1)))
            self.now = dice.choice(sorted(moments)) - early
        self.sweep()

    @plays(chargebacks.write_off)
    @when("chargeback")
    @precondition(outside)
    @rule(dice=DICE)
    def the_bank_decides(self, dice: Dice) -> None:
        """For the platform, or against it; heard of at once, late, or by the sweep."""
        chosen = SandboxDispute.objects.filter(outcome=ChargebackState.OPEN)
        dispute = pick(dice, chosen.select_related("call"))
        if dispute is None or dice.one_in(3):
            self.write_off(dice)
            return
        self.changed = True
        with clock.at(self.now):
            decided = dice.choice((ChargebackState.WON, ChargebackState.WON, ChargebackState.LOST))
            decide(dispute, decided)
        if dice.one_in(2):
            self.hear_of_dispute(dispute)

    def write_off(self, dice: Dice) -> None:
        chargeback = pick(dice, Chargeback.objects.filter(state=ChargebackState.LOST))
        chargeback = chargeback or pick(dice, Chargeback.objects.all())
        if chargeback is None:
            return
        contract = every().get(book=chargeback.book_id)
        who, because = self.support_or(contract, dice), dice.choice(("It is over.", " "))
        self.act(lambda: chargebacks.write_off(chargeback, because=because, by=who))

    def hear_of_dispute(self, dispute: SandboxDispute) -> None:
        """As a webhook has it: the bank's decision, as often as it is sent."""
        with clock.at(self.now):
            told = gateways.gateway().dispute(dispute.reference)
            assert told is not None
            for _ in range(2):
                chargebacks.take(told, gateway=sandbox.Sandbox.name)

    @when("call")
    @precondition(lambda life: outside(life) and life.steps % 4 == 1)
    @rule(dice=DICE)
    def compare_a_day(self, dice: Dice) -> None:
        """With the sandbox's own statement; what we had not heard of is taken in on the way."""
        moments = SandboxMovement.objects.order_by("pk").values_list("at", flat=True)
        days = sorted({moment.date() for moment in moments if moment.date() < self.now.date()})
        if not days:
            return
        day, name = dice.choice(days), sandbox.Sandbox.name
        rows = self.act(lambda: reconciling.reconcile(name, day)) or []
        corrected = Correction.objects.exclude(entry=None).exists()
        open_ones = GatewayOperation.objects.filter(state__in=OPEN_OPERATIONS).exists()
        for row in rows:
            sums = (row.ours_minor, row.theirs_minor, row.different)
            agrees = row.ours_minor == row.theirs_minor and not row.different
            must(agrees or corrected or open_ones, f"{row}: {sums}, {row.differences}")

    # In other words ------------------------------------------------------------------------------

    def check_swept(self) -> None:
        super().check_swept()
        if outside(self):
            check_told_and_swept(self.now)

    def somebody_paid(self, dice: Dice) -> tuple[Party, str]:
        """A talent, most likely one that can withdraw something now."""
        pairs = [(party, currency) for party in self.world.talents for currency in CURRENCIES]
        rich = [pair for pair in pairs if can_be_withdrawn(*pair, self.now)]
        return dice.choice(rich or pairs)

    def as_somebody(
        self, party: Party, do: Callable[[Actor], Any], dice: Dice, *, repeatable: bool = True
    ) -> None:
        """Act for a party, most likely as its owner."""
        by = self.world.owners[party.pk]
        if dice.one_in(8):
            others = (self.world.members[party.pk], self.world.stranger, self.world.support)
            by = dice.choice(others)
        self.act(lambda: do(by), twice=repeatable and dice.one_in(3))


def decide(dispute: SandboxDispute, decided: ChargebackState) -> None:
    """The bank that the sandbox plays decides; won, it gives the money back."""
    dispute.outcome = decided
    dispute.save(update_fields=["outcome"])
    SandboxCall.objects.filter(pk=dispute.call_id).update(report_due_at=clock.now())
    if decided == ChargebackState.WON:
        SandboxMovement.objects.create(
            key=dispute.call.key,
            dispute=dispute.reference,
            amount_minor=dispute.call.amount_minor,
            currency=dispute.call.currency,
            at=clock.now(),
        )


def outside_there() -> set[str]:
    """What these rules can act on, in words."""
    there = set()
    kept = Account.objects.filter(balance_minor__gt=0)
    kinds = set(kept.order_by().values_list("kind", flat=True).distinct())
    there |= {kind for kind in ("credit", "available") if kind in kinds}
    if Account.objects.filter(goes_back=True).exists():
        there.add("goes back")
    operations_ = GatewayOperation.objects.order_by()
    for kind, state in operations_.values_list("kind", "state").distinct():
        there.add("call")
        if kind == OperationKind.PAYOUT and state in OPEN_OPERATIONS:
            there.add("payment leaving")
        if kind in OUTGOING:
            there.add("outgoing")
    if Chargeback.objects.exists():
        there.add("chargeback")
    return there
