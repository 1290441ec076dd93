"""For the test suite: quick to set up, strict about mistakes, otherwise as the embedded site."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from zeal.middleware import zeal_middleware

Handler = Callable[[HttpRequest], HttpResponse]

if "CLOSEOUT_DATA" not in os.environ:
    # Several runs may go on beside each other: each has its own directory for its files.
    os.environ["CLOSEOUT_DATA"] = tempfile.mkdtemp(prefix="closeout-test-")
    atexit.register(shutil.rmtree, os.environ["CLOSEOUT_DATA"], ignore_errors=True)
for variable in ("DEBUG", "DEMO", "EMAIL_URL", "CACHE_URL", "PAYMENT_GATEWAY", "SITE_URL"):
    os.environ.pop(variable, None)

from marketplace.settings.base import DATA_DIR  # noqa: E402
from marketplace.settings.embedded import *  # noqa: E402, F403
from marketplace.settings.embedded import DATABASES, INSTALLED_APPS, MIDDLEWARE  # noqa: E402

DEMO = False
LOCK_RANKS_CHECKED = True
SECRET_KEY = "for-tests-only-" * 4
SITE_URL = "http://testserver"
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, as in life: only a file has a journal, and processes that wait for each other.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}

CACHES = {
    alias: {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": alias}
    for alias in ("default", "queue")
}
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True

# A query per row in a page fails the test that asked for the page. The demo bar is no page: it runs
# the sweeps, which take their rows one by one, each in a transaction of its own.
INSTALLED_APPS = [*INSTALLED_APPS, "zeal"]
MIDDLEWARE = ["marketplace.settings.test.count_queries_of_pages", *MIDDLEWARE]
ZEAL_RAISE = True
# Money moves in several short transactions (what fell due, what is meant, the charge, its posting),
# and each locks and reads its rows anew through the same line.
ZEAL_ALLOWLIST = [
    {"model": "contracts.Contract", "field": "get()"},
    {"model": "payments.Book", "field": "get()"},
    {"model": "payments.GatewayOperation", "field": "get()"},
    {"model": "payments.GatewayIdentity", "field": "get()"},
    # Credit goes back to several charges, each by a call of its own.
    {"model": "payments.SandboxCall", "field": "get()"},
    # allauth looks for the address to remove and for the one to keep.
    {"model": "account.EmailAddress", "field": "get()"},
]


def count_queries_of_pages(get_response: Handler) -> Handler:
    """Watch pages, not the demo bar."""
    watched = zeal_middleware(get_response)

    def middleware(request: HttpRequest) -> HttpResponse:
        demo_bar = request.path.startswith("/demo/")
        return (get_response if demo_bar else watched)(request)

    return middleware
