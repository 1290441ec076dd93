"""Messages between the sides."""

from __future__ import annotations

from typing import Any

from contracts.forms.base import KeyedForm, prose


class MessageForm(KeyedForm):
    """A message to the other side."""

    text = prose("Message", rows=2)

    def __init__(self, *args: Any, other: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].widget.attrs["placeholder"] = f"Write to {other}"
