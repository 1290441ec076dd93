"""What somebody had typed when their session was over, back on the page after they sign in again.

Kept in the browser's (then anonymous) session, for the page it was typed on, and given out once. A
consent is never kept: nobody gives money up because they signed in.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from django.http import HttpRequest

SESSION_KEY: Final = "typed"
LONGEST: Final = 20_000
"""Characters kept of one form; a longer one is not kept at all."""
NEVER_KEPT: Final = (
    "csrfmiddlewaretoken",
    "confirm",
    "gives_up",
    "key",
    "password",
    "seen",
    "shown",
    "update",
)


def keep(request: HttpRequest, page: str) -> None:
    """Keep the fields of a form that nobody was signed in for.

    Args:
        page: the address of the page with the form, which the person comes back to.
    """
    fields = {name: text for name, text in request.POST.items() if name not in NEVER_KEPT}
    if sum(len(str(text)) for text in fields.values()) <= LONGEST:
        request.session[SESSION_KEY] = {"path": urlsplit(page).path, "fields": fields}


def kept_for(request: HttpRequest) -> dict[str, Any]:
    """What was typed on this page before, as initial values of its form; empty the next time."""
    kept = request.session.get(SESSION_KEY)
    if not kept or kept["path"] != request.path:
        return {}
    del request.session[SESSION_KEY]
    fields: dict[str, Any] = kept["fields"]
    return fields
