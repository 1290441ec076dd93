"""Shapes of CHECK constraints that tie facts to states."""

from django.db.models import Q


def exactly_when(condition: Q, fact: Q) -> Q:
    """``fact`` holds exactly when ``condition`` holds. Both must never be NULL in SQL terms."""
    return (condition & fact) | (~condition & ~fact)


def only_when(condition: Q, fact: Q) -> Q:
    """``fact`` holds at most when ``condition`` holds."""
    return condition | ~fact
