"""Forms act once: a double click, a retried request or a second tab gets the first result.

A form that creates something carries a key made when it was rendered. The capability claims the key
in its own transaction; whoever comes second with the same key waits for the first to commit.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import Any

from django.db import IntegrityError, transaction

from marketplace import clock
from marketplace.facts import freeze
from marketplace.models import FormKey
from marketplace.refusals import KeyReused


def new_key() -> str:
    """A key for a form about to be rendered."""
    return secrets.token_urlsafe(16)


def claim(key: str, **given: Any) -> FormKey | None:
    """Take a key for this transaction.

    Args:
        key: the form's key; empty for callers that are no forms, who act each time.
        given: everything that decides what the action does, as facts.

    Returns:
        The earlier claim when the same form acted before, its ``result`` set; None when this is
        the first time: finish with :func:`keep`.

    Raises:
        KeyReused: the key was used with other input.
    """
    if not key:
        return None
    digest = digest_of(**given)
    try:
        with transaction.atomic():
            FormKey.objects.create(key=key, input_hash=digest, at=clock.now())
    except IntegrityError:
        earlier = FormKey.objects.get(key=key)
        if earlier.input_hash != digest:
            raise KeyReused from None
        return earlier
    return None


def keep(key: str, result: object) -> None:
    """Remember what came of a claimed key, in the same transaction."""
    if key:
        FormKey.objects.filter(key=key).update(result=str(result))


def result_of(key: str) -> str:
    """What came of a key, for a page that answers a form sent again; empty when nothing did."""
    return FormKey.objects.filter(key=key).values_list("result", flat=True).first() or ""


def digest_of(**given: Any) -> str:
    """A stable hash of facts."""
    text = json.dumps(freeze(given), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
