"""``manage.py diagrams``: draw the state machines and the import map into docs/architecture.md.

Both are read off the code, so that the document cannot say something else; ``--check`` fails when
it does.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Model
from django_fsm import FSMField

FLOORS: Final = ("feedback", "contracts", "payments", "marketplace")
ROOF: Final = ("settings", "management", "urls.py", "wsgi.py", "asgi.py")


class Command(BaseCommand):
    help = "Draw the state machines and the import map into docs/architecture.md."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="change nothing; fail when a drawing is old"
        )

    def handle(self, **options: Any) -> None:
        path = settings.BASE_DIR / "docs" / "architecture.md"
        old = path.read_text()
        new = _replace(old, "machines", "\n".join(_machines()))
        new = _replace(new, "map", _map(settings.BASE_DIR))
        if options["check"] and new != old:
            raise CommandError("docs/architecture.md is old: run manage.py diagrams.")
        if new != old:
            path.write_text(new)
        self.stdout.write("The drawings are as the code has it.")


def _replace(text: str, name: str, drawing: str) -> str:
    marked = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    if not marked.search(text):
        raise CommandError(f"docs/architecture.md has no place for the {name}.")
    return marked.sub(lambda found: f"{found[1]}{drawing}\n{found[2]}", text)


def _machines() -> Iterable[str]:
    for model in apps.get_models():
        for field in model._meta.get_fields():
            if isinstance(field, FSMField) and model._meta.app_label in FLOORS:
                yield _machine(model, field)


def _machine(model: type[Model], field: FSMField) -> str:
    found = field.get_all_transitions(model)
    arrows = sorted({f"    {one.source} --> {one.target}: {one.name}" for one in found})
    start = f"    [*] --> {field.get_default()}"
    name = str(model._meta.verbose_name).capitalize()
    return "\n".join([f"### {name}\n", "```mermaid", "stateDiagram-v2", start, *arrows, "```\n"])


def _map(base: Path) -> str:
    """Which floor imports which; the roof, which may name all, is left out."""
    arrows = {
        f"    {floor} --> {below}"
        for floor in FLOORS
        for module in (base / floor).rglob("*.py")
        if not _is_roof(module, base)
        for below in _below(module) - {floor}
    }
    return "\n".join(["```mermaid", "flowchart TD", *sorted(arrows), "```"])


def _below(module: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
        elif isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
    return names & set(FLOORS)


def _is_roof(module: Path, base: Path) -> bool:
    parts = module.relative_to(base).parts
    return parts[0] == "marketplace" and parts[1] in ROOF
