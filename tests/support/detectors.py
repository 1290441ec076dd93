"""Mistakes that no single test looks for, found in whatever the tests do.

* A template of ours that names a variable which is not there.
* A list that has no order: it comes back shuffled.
* A row lock of ours that does not say which table it locks, or locks harder than needed.
* A page that is no valid HTML, holds what our Content-Security-Policy forbids, uses an id twice,
  or has a form that posts without the token against forgery.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final

import pytest
from django.conf import settings
from django.db.models import OrderBy, QuerySet, manager
from django.db.models.functions import Random
from django.db.models.sql.compiler import (
    SQLAggregateCompiler,
    SQLCompiler,
    SQLDeleteCompiler,
    SQLInsertCompiler,
    SQLUpdateCompiler,
)
from django.template.base import FilterExpression, Parser, Variable, VariableDoesNotExist
from django.test.client import Client
from justhtml import JustHTML, StrictModeError
from justhtml.parser.context import FragmentContext

PROJECT: Final = Path(settings.BASE_DIR)
NO_LISTS: Final = (SQLAggregateCompiler, SQLDeleteCompiler, SQLInsertCompiler, SQLUpdateCompiler)
TEMPLATES: Final = str(PROJECT / "templates")

_unseen: list[str] = []
"""What was found outside the test's own thread, where raising would reach nobody."""


def pytest_configure() -> None:
    _watch_templates()
    _shuffle_unordered_lists()
    _watch_locks()
    _watch_pages()


@pytest.fixture(autouse=True)
def _nothing_found_elsewhere() -> Iterator[None]:
    yield
    found, _unseen[:] = list(_unseen), []
    if found:
        pytest.fail("\n".join(found))


def _found(mistake: str) -> None:
    if threading.current_thread() is threading.main_thread():
        pytest.fail(mistake)
    _unseen.append(mistake)


# Templates ---------------------------------------------------------------------------------------

_in_condition: ContextVar[bool] = ContextVar("in_condition", default=False)


class _DeclaredVariable(Variable):
    """A variable of one of our templates."""

    __slots__ = ("template",)

    def __init__(self, var: str, template: str) -> None:
        super().__init__(var)
        self.template = template

    def resolve(self, context: Any) -> Any:
        try:
            return super().resolve(context)
        except VariableDoesNotExist as error:
            missing, owner = error.params
            # In a condition, asking for a part of nothing or for an optional key is a question.
            if not (_in_condition.get() and (owner is None or isinstance(owner, Mapping))):
                _found(f"{self.template} uses {self.var}, but there is no {missing}.")
            raise


def _watch_templates() -> None:
    compile_expression, resolve = FilterExpression.__init__, FilterExpression.resolve

    def compile_ours(self: FilterExpression, token: str, parser: Parser) -> None:
        compile_expression(self, token, parser)
        origin = getattr(parser, "origin", None)
        if self.is_var and origin is not None and origin.name.startswith(TEMPLATES):
            self.var = _DeclaredVariable(self.var.var, origin.template_name)

    def resolve_ours(self: FilterExpression, context: Any, ignore_failures: bool = False) -> Any:
        marker = _in_condition.set(ignore_failures)
        try:
            return resolve(self, context, ignore_failures)
        finally:
            _in_condition.reset(marker)

    FilterExpression.__init__ = compile_ours  # type: ignore[method-assign]
    FilterExpression.resolve = resolve_ours  # type: ignore[method-assign]


# Queries -----------------------------------------------------------------------------------------


def _shuffle_unordered_lists() -> None:
    execute, order_by = SQLCompiler.execute_sql, SQLCompiler._order_by_pairs

    def execute_shuffled(self: SQLCompiler, *args: Any, **kwargs: Any) -> Any:
        self.may_shuffle = not isinstance(self, NO_LISTS) and _lists_rows(self.query)
        return execute(self, *args, **kwargs)

    def order_shuffled(self: SQLCompiler) -> Iterator[Any]:
        ordering = list(order_by(self))
        yield from ordering
        if not ordering and getattr(self, "may_shuffle", False):
            yield OrderBy(Random()), False

    SQLCompiler.execute_sql = execute_shuffled
    SQLCompiler._order_by_pairs = order_shuffled


def _lists_rows(query: Any) -> bool:
    selects_columns = query.default_cols or query.select
    return bool(
        selects_columns
        and query.group_by is None
        and not query.distinct
        and not query.combinator
        and not query.explain_info
    )


def _watch_locks() -> None:
    lock = QuerySet.select_for_update

    def lock_named(
        self: QuerySet[Any],
        nowait: bool = False,
        skip_locked: bool = False,
        of: tuple[str, ...] = (),
        no_key: bool = False,
    ) -> QuerySet[Any]:
        caller = _caller()
        if _is_ours(caller) and not (of and no_key):
            _found(f'{caller.name} locks rows without of=("self",), no_key=True.')
        return lock(self, nowait=nowait, skip_locked=skip_locked, of=of, no_key=no_key)

    QuerySet.select_for_update = lock_named  # type: ignore[method-assign]


def _caller() -> Path:
    """Return the file that asked for the lock, straight or through a manager's own method."""
    frame = sys._getframe(2)
    while frame.f_code.co_filename == manager.__file__:
        frame = frame.f_back  # type: ignore[assignment]
    return Path(frame.f_code.co_filename)


def _is_ours(path: Path) -> bool:
    return path.is_relative_to(PROJECT) and "site-packages" not in path.parts


# Pages -------------------------------------------------------------------------------------------


def _watch_pages() -> None:
    request = Client.request

    def request_checked(self: Client, **environ: Any) -> Any:
        response = request(self, **environ)
        content_type = response.headers.get("Content-Type", "")
        if content_type.startswith("text/html") and not response.streaming and response.content:
            where = f"{environ.get('REQUEST_METHOD', 'GET')} {environ.get('PATH_INFO', '')}"
            for mistake in page_mistakes(
                response.content.decode(), fragment="HTTP_HX_REQUEST" in environ
            ):
                _found(f"{where}: {mistake}")
        return response

    Client.request = request_checked  # type: ignore[method-assign]


def page_mistakes(html: str, *, fragment: bool = False) -> list[str]:
    """Return what is wrong with a page, or with a part of one that a script will put in place."""
    try:
        page = JustHTML(
            html,
            strict=True,
            sanitize=False,
            fragment=fragment,
            fragment_context=_context(html) if fragment else None,
        )
    except StrictModeError as error:
        return [f"is no valid HTML: {error.error.message} {_around(html, error)}"]
    elements = [node for node in page.query("*") if node.attrs is not None]
    return [*_repeated_ids(elements), *_forbidden_inline(elements), *_forgeable_forms(page)]


def _context(html: str) -> FragmentContext:
    """Return the element that the part will stand in: rows of a table stand nowhere else."""
    return FragmentContext("tbody" if html.lstrip().startswith("<tr") else "div")


def _around(html: str, error: StrictModeError) -> str:
    line = error.error.line or 1
    lines = html.splitlines()
    return f"(line {line}: {lines[line - 1].strip()[:160]!r})" if line <= len(lines) else ""


def _repeated_ids(elements: list[Any]) -> list[str]:
    counts = Counter(element.attrs["id"] for element in elements if element.attrs.get("id"))
    return [f"has the id {name!r} {count} times." for name, count in counts.items() if count > 1]


def _forbidden_inline(elements: list[Any]) -> list[str]:
    mistakes = []
    for element in elements:
        handlers = [name for name in element.attrs if name.startswith("on") or name == "style"]
        if handlers:
            mistakes.append(f"has an inline {handlers[0]} on <{element.name}>.")
        if element.name == "style" or (element.name == "script" and _is_inline_script(element)):
            mistakes.append(f"has an inline <{element.name}>.")
    return mistakes


def _is_inline_script(element: Any) -> bool:
    is_data = element.attrs.get("type") in ("application/json", "application/ld+json")
    return "src" not in element.attrs and not is_data


def _forgeable_forms(page: JustHTML) -> list[str]:
    return [
        f"has a form to {form.attrs.get('action') or 'itself'} that posts without csrf_token."
        for form in page.query("form")
        if form.attrs.get("method", "get").lower() == "post"
        and not form.query("input[name=csrfmiddlewaretoken]")
    ]
