"""The house: no key points up a floor; templates hold no inline code and no business numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from django.apps import apps
from django.conf import settings
from django.db.models import ForeignKey, ManyToManyField

FLOORS: Final = ("marketplace", "payments", "contracts", "feedback")
"""From the ground up; apps of others lie below all of them."""

TEMPLATES: Final = Path(settings.BASE_DIR) / "templates"
NUMBERS: Final = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    " twenty thirty sixty ninety hundred"
).replace(" ", "|")
BUSINESS_NUMBER: Final = re.compile(
    rf"(?<![\w.#-])(\d[\d,.]*|{NUMBERS})[ -](business )?(%|percent|minutes?|hours?|days?|weeks?)"
    r"(?!\w)|[$€£]\d",
    re.IGNORECASE,
)
MARKUP: Final = re.compile(r"{%.*?%}|{{.*?}}|{#.*?#}", re.DOTALL)


def floor(label: str) -> int:
    return FLOORS.index(label) if label in FLOORS else -1


def relations() -> list[tuple[str, str, str]]:
    return [
        (model._meta.label, field.name, field.related_model._meta.app_label)
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.get_fields()
        if isinstance(field, ForeignKey | ManyToManyField)
    ]


def test_no_foreign_key_points_up_a_floor():
    upwards = [
        f"{model}.{name} points up to {target}"
        for model, name, target in relations()
        if model.partition(".")[0] in FLOORS and floor(target) > floor(model.partition(".")[0])
    ]

    assert not upwards


def test_foreign_keys_of_every_floor_are_looked_at():
    looked_at = {model.partition(".")[0] for model, _, _ in relations()}

    assert looked_at >= set(FLOORS)


STYLED: Final = {"marketplace/email.html"}
"""Mail programs read no stylesheets."""

LABELS: Final = {"frame/demo.html": {"1 day"}}
"""What a button says it does."""


def templates() -> Iterator[tuple[str, str]]:
    """The name of each template, and its text without tags."""
    for path in sorted(TEMPLATES.rglob("*")):
        if path.suffix in (".html", ".txt"):
            yield str(path.relative_to(TEMPLATES)), MARKUP.sub("", path.read_text())


def test_no_template_has_inline_code():
    inline = re.compile(
        r"\s(style|on[a-z]+)\s*=|<style|javascript:|<script(?![^>]*\ssrc=)", re.IGNORECASE
    )

    assert not [name for name, text in templates() if name not in STYLED and inline.search(text)]


def test_no_template_names_a_business_number():
    """They come from marketplace.policy: see the tags in ``rulebook``."""
    found = {
        name: numbers
        for name, text in templates()
        if (
            numbers := {one.group() for one in BUSINESS_NUMBER.finditer(text)}
            - LABELS.get(name, set())
        )
    }

    assert not found


@pytest.mark.parametrize(
    "text", ["the past 180 days", "waits seven days", "a fee of 10 %", "5 business days", "$5.00"]
)
def test_business_numbers_are_found(text):
    assert BUSINESS_NUMBER.search(text)


@pytest.mark.parametrize(
    "text", ["seven articles", "step 1", "in {{ days }} days", "100% wide", "24 px", "one dayroom"]
)
def test_other_numbers_are_let_be(text):
    assert not BUSINESS_NUMBER.search(MARKUP.sub("", text))
