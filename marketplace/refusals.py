"""How the product says no: one family of errors, each with a sentence for people."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something may not be done now. Rules return it; buttons, pages and doors show it."""

    sentence: str

    def __str__(self) -> str:
        return self.sentence


class Refused(Exception):
    """A capability said no and changed nothing. Shown as a 409 page, form error or message."""

    status = 409

    def __init__(self, reason: Refusal | str) -> None:
        self.sentence = str(reason)
        super().__init__(self.sentence)


class NotYours(Refused):
    """This person may not do it at all: not their side, or not their role."""

    status = 403


class Overtaken(Refused):
    """Somebody, or the clock, was faster; the sentence says what happened instead."""


class FiguresChanged(Refused):
    """What was confirmed is no longer what would happen; nothing was done.

    Attributes:
        was: the figures the person saw, by row, if known.
    """


class InvalidInput(Refused):
    """An input that no state allows. ``field`` names where a form shows the sentence."""

    status = 422

    def __init__(self, sentence: str, *, field: str | None = None) -> None:
        self.field = field
        super().__init__(sentence)


class KeyReused(Refused):
    """A form's key came back with other input than the first time."""

    def __init__(self) -> None:
        super().__init__("This form was sent before with other values. Open it again.")
