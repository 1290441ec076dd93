"""Parts of addresses that are not plain words or numbers."""

from __future__ import annotations

from datetime import date


class IsoDate:
    """A day, such as the Monday that names a week: 2026-11-16."""

    regex = r"\d{4}-\d{2}-\d{2}"

    def to_python(self, value: str) -> date:
        return date.fromisoformat(value)

    def to_url(self, value: date | str) -> str:
        return str(value)
