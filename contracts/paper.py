"""Pages on paper: a page becomes a PDF, of our own files and nothing else.

WeasyPrint is optional, and needs libraries of the system. Where they are missing there is no PDF;
the page itself can be printed.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from importlib import import_module
from mimetypes import guess_type
from pathlib import Path
from types import ModuleType
from typing import Any, Final
from urllib.parse import unquote

from django.contrib.staticfiles import finders

SITE: Final = "https://paper.invalid"
"""Where the addresses of a page on paper begin: nowhere."""
STATIC: Final = f"{SITE}/static/"

logger = logging.getLogger(__name__)


class NotOurs(Exception):
    """A page on paper names a file that is none of ours. Reaching this is a defect."""


class NoPaper(Exception):
    """This machine cannot make PDFs."""


def is_possible() -> bool:
    """Whether PDFs can be made here; found out once."""
    return _weasyprint() is not None


def pdf(html: str) -> bytes:
    """A whole page as a PDF, tagged so that it can be read aloud.

    Args:
        html: its stylesheets and pictures are addresses below ``/static/``.

    Raises:
        NoPaper: see :func:`is_possible`.
    """
    weasyprint = _weasyprint()
    if weasyprint is None:
        raise NoPaper
    page = weasyprint.HTML(string=html, base_url=SITE, url_fetcher=_OwnFiles(weasyprint))
    made: bytes = page.write_pdf(pdf_variant="pdf/ua-1")
    return made


@lru_cache(maxsize=1)
def _weasyprint() -> ModuleType | None:
    """Imported when it is first needed, because it may be missing; the log says so once."""
    try:
        return import_module("weasyprint")
    except (ImportError, OSError) as missing:
        logger.warning("No PDFs can be made: %s", missing)
        return None


class _OwnFiles:
    """Fetches static files from where they lie; anything else ends the work."""

    _fail_on_errors = True

    def __init__(self, weasyprint: ModuleType) -> None:
        self._response = weasyprint.urls.URLFetcherResponse

    def __call__(self, url: str) -> Any:
        name = unquote(url.removeprefix(STATIC)) if url.startswith(STATIC) else ""
        found = finders.find(name) if name else None
        if found is None:
            raise NotOurs(url)
        kind = guess_type(name)[0] or "application/octet-stream"
        return self._response(url, Path(found).read_bytes(), {"Content-Type": kind})
