"""Production refuses what would be unsafe, in a sentence that says what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any, Final

import pytest
from django.conf import settings

from marketplace.settings.base import form_targets

SAFE: Final = {
    "DJANGO_SETTINGS_MODULE": "marketplace.settings.production",
    "SECRET_KEY": "k3y-with-many-different-characters-0123456789-abcdefgh",
    "ALLOWED_HOSTS": "closeout.example",
    "DATABASE_URL": "postgres://closeout@db.example/closeout",
    "EMAIL_URL": "smtp+tls://closeout:secret@mail.example:587",
}
READ_SETTINGS: Final = "from django.conf import settings; settings.DEBUG"
PASSED_ON: Final = ("PATH", "HOME", "LANG")


def start(code: str = READ_SETTINGS, **changes: str | None) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own, with a safe environment but for the changes."""
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    environment |= {name: value for name, value in {**SAFE, **changes}.items() if value is not None}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_safe_settings_start() -> None:
    assert start().returncode == 0


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"SECRET_KEY": None}, "SECRET_KEY is missing"),
        ({"SECRET_KEY": ""}, "SECRET_KEY is missing"),
        ({"SECRET_KEY": "django-insecure-" + SAFE["SECRET_KEY"]}, "SECRET_KEY is a placeholder"),
        ({"SECRET_KEY": "short-0123456789"}, "SECRET_KEY is too easy to guess"),
        ({"SECRET_KEY": "ab" * 40}, "SECRET_KEY is too easy to guess"),
        ({"DEBUG": "1"}, "DEBUG is on"),
        ({"DEMO": "1"}, "DEMO is on"),
        ({"ALLOWED_HOSTS": None}, "ALLOWED_HOSTS is missing"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS is open to every name"),
        ({"SITE_URL": "http://closeout.example"}, "SITE_URL must start with https"),
        ({"DATABASE_URL": None}, "DATABASE_URL is missing"),
        ({"DATABASE_URL": "sqlite:////tmp/x.sqlite3"}, "DATABASE_URL names SQLite"),
        ({"PAYMENT_GATEWAY": "stripe"}, "Set STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET"),
        ({"STRIPE_API_BASE": "http://127.0.0.1:9"}, "STRIPE_API_BASE leads payments to a stand-in"),
    ],
)
def test_unsafe_setting_is_refused(changes: dict[str, Any], sentence: str) -> None:
    refused = start(**changes)
    assert refused.returncode != 0
    last_line = refused.stderr.strip().splitlines()[-1]
    assert "ImproperlyConfigured" in last_line
    assert sentence in last_line


def test_sqlite_starts_when_it_is_meant() -> None:
    assert start(DATABASE_URL=None, ALLOW_SQLITE="1").returncode == 0


def test_stripe_may_be_redirected_to_only_when_it_is_on() -> None:
    code = (
        "from django.conf import settings;"
        "print(settings.CONTENT_SECURITY_POLICY['DIRECTIVES']['form-action'])"
    )
    keys = {"STRIPE_SECRET_KEY": "sk_test_x", "STRIPE_WEBHOOK_SECRET": "whsec_x"}
    assert "stripe" not in start(code).stdout
    named = start(code, PAYMENT_GATEWAY="stripe", **keys).stdout
    for host in ("checkout", "connect", "hooks"):
        assert f"https://{host}.stripe.com" in named


def test_pages_of_a_stand_in_may_be_redirected_to_where_it_is_allowed() -> None:
    stand_in = "http://127.0.0.1:9"
    assert form_targets("stripe", stand_in)[-1] == stand_in
    assert form_targets("stripe", "") == form_targets("stripe", stand_in)[:-1]
    assert form_targets("sandbox", stand_in) == []


def test_deployment_check_is_clean() -> None:
    code = (
        "import django; django.setup();"
        "from django.core.management import call_command;"
        "call_command('check', deploy=True, fail_level='WARNING')"
    )
    checked = start(code)
    assert checked.returncode == 0, checked.stderr
