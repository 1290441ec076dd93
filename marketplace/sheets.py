"""Cells of files that people open in a spreadsheet."""

from __future__ import annotations

from typing import Final

_STARTS_A_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def text(words: str) -> str:
    """Words that somebody wrote, so that no spreadsheet takes them for a formula."""
    return f"'{words}" if words.lstrip(" ").startswith(_STARTS_A_FORMULA) else words
