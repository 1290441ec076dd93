"""The site as in production, in this process: settings, databases, markets, a reader."""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any, Final

HOST: Final = "127.0.0.1"
EMPTY: Final = "bench_empty"


def start() -> None:
    """Set Django up with the production settings, on the database of ``DATABASE_URL``."""
    if "DATABASE_URL" not in os.environ:
        raise SystemExit("DATABASE_URL is missing: start this by `make bench`.")
    files = tempfile.mkdtemp(prefix="closeout-bench-")
    atexit.register(shutil.rmtree, files, ignore_errors=True)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "marketplace.settings.production",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "ALLOWED_HOSTS": HOST,
        "SSL_REDIRECT": "0",
        "STATIC_ROOT": files,
        "LOG_LEVEL": "WARNING",
    }
    import django  # noqa: PLC0415 - settings first
    from django.conf import settings  # noqa: PLC0415

    django.setup()
    settings.ROOT_URLCONF = "tools.bench.urls"
    from django.core.management import call_command  # noqa: PLC0415

    call_command("collectstatic", interactive=False, verbosity=0)
    call_command("migrate", verbosity=0)
    call_command("createcachetable")


def make_market(name: str, contracts: int, **built: Any) -> None:
    """Make a database of its own with a market of so many contracts.

    Args:
        built: how, see :func:`marketplace.management.demo.bulk.build`.
    """
    from django.db import connection  # noqa: PLC0415

    from marketplace import clock  # noqa: PLC0415
    from marketplace.management.demo import bulk  # noqa: PLC0415
    from marketplace.management.demo.progress import Progress  # noqa: PLC0415

    copy(EMPTY, name)
    began = time.perf_counter()
    with using(name):
        bar = Progress(contracts, "contracts", sys.stderr)
        bulk.build(contracts, **({"now": clock.now()} | built), progress=bar.show)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
            cursor.execute("CHECKPOINT")
            cursor.execute("SELECT pg_size_pretty(pg_database_size(current_database()))")
            size = cursor.fetchone()[0]
    took = time.perf_counter() - began
    print(f"{name}: {contracts:,} contracts, {size}, made in {took:.0f} s", flush=True)


def keep_empty() -> None:
    """Keep the migrated, empty database, to copy markets from."""
    from django.db import connection  # noqa: PLC0415

    first = str(connection.settings_dict["NAME"])
    connection.close()
    with _elsewhere() as cursor:
        cursor.execute(f'ALTER DATABASE "{first}" RENAME TO "{EMPTY}"')
    connection.settings_dict["NAME"] = EMPTY


def copy(source: str, name: str) -> None:
    """Copy a database, its sequences included."""
    from django.db import connection  # noqa: PLC0415

    connection.close()
    with _elsewhere() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}"')


@contextmanager
def using(name: str) -> Iterator[None]:
    """Turn to one of the markets."""
    from django.db import connection  # noqa: PLC0415

    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before


@contextmanager
def _elsewhere() -> Iterator[Any]:
    import psycopg  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415

    parameters = connection.get_connection_params() | {"dbname": "postgres"}
    host, user = parameters.get("host"), parameters.get("user")
    with psycopg.connect(host=host, user=user, dbname="postgres", autocommit=True) as other:
        yield other.cursor()


class Reader:
    """Who asks for pages through the WSGI application: a party's owner, or a stranger."""

    def __init__(self, party: Any = None) -> None:
        from marketplace.wsgi import application  # noqa: PLC0415

        self.party, self._application = party, application
        self._cookie = f"sessionid={self._signed_in()}" if party else ""

    def _signed_in(self) -> str:
        from django.contrib.auth import (  # noqa: PLC0415
            BACKEND_SESSION_KEY,
            HASH_SESSION_KEY,
            SESSION_KEY,
        )
        from django.contrib.sessions.backends.db import SessionStore  # noqa: PLC0415

        user = self.party.memberships.get().user
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.save()
        return str(session.session_key)

    def get(self, path: str) -> bytes:
        """The page's body.

        Raises:
            AssertionError: it is not a page.
        """
        path, _, query = path.partition("?")
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": HOST,
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": HOST,
            "HTTP_COOKIE": self._cookie,
            "REMOTE_ADDR": HOST,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }
        answered: list[str] = []
        response = self._application(environ, lambda status, _headers: answered.append(status))
        try:
            body = b"".join(response)
        finally:
            response.close()
        assert answered[0].startswith("200"), f"{path}: {answered[0]}"
        return body
