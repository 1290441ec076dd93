"""In public: several processes and machines on PostgreSQL, and no start with unsafe settings.

A value that is missing or unsafe ends the start with one sentence that says what to set.
"""

from __future__ import annotations

import os
from typing import Final

from django.core.exceptions import ImproperlyConfigured
from whitenoise.compress import Compressor

from marketplace.settings.base import *  # noqa: F403
from marketplace.settings.base import (
    BASE_DIR,
    DATA_DIR,
    PAYMENT_GATEWAY,
    STRIPE_API_BASE,
    database,
    env,
    queue,
)

SECRET_MINIMUM: Final = 50
"""The least length of the secret key; what Django's deployment check asks for."""
SECRET_MINIMUM_VARIETY: Final = 5
"""The least number of different characters in it."""
YEAR: Final = 365 * 24 * 3600


def _refuse(unsafe: bool, sentence: str) -> None:
    if unsafe:
        raise ImproperlyConfigured(sentence)


DEBUG = env.bool("DEBUG", default=False)
_refuse(DEBUG, "DEBUG is on. In production it would show code and settings to everybody: unset it.")

DEMO = env.bool("DEMO", default=False)
_refuse(DEMO, "DEMO is on. It opens accounts with a known password to everybody: unset it.")

SECRET_KEY = env.str("SECRET_KEY", default="")
_refuse(not SECRET_KEY, "SECRET_KEY is missing. Set it to a long random text and keep it secret.")
_refuse(
    "insecure" in SECRET_KEY.lower() or "changeme" in SECRET_KEY.lower(),
    "SECRET_KEY is a placeholder. Set it to a long random text and keep it secret.",
)
_refuse(
    len(SECRET_KEY) < SECRET_MINIMUM or len(set(SECRET_KEY)) < SECRET_MINIMUM_VARIETY,
    f"SECRET_KEY is too easy to guess. Set it to at least {SECRET_MINIMUM} random characters.",
)
# The keys of before, still accepted for what was signed with them.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[])
_refuse(not ALLOWED_HOSTS, "ALLOWED_HOSTS is missing. Name the hosts of this site, with commas.")
_refuse(
    "*" in ALLOWED_HOSTS,
    "ALLOWED_HOSTS is open to every name, so strangers could forge links in e-mails: name hosts.",
)
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
SITE_URL = env.str("SITE_URL", default=f"https://{ALLOWED_HOSTS[0].lstrip('.')}")
_refuse(
    not SITE_URL.startswith("https://"),
    "SITE_URL must start with https://, since links in e-mails lead to pages behind a sign-in.",
)

_refuse(
    "DATABASE_URL" not in os.environ and not env.bool("ALLOW_SQLITE", default=False),
    "DATABASE_URL is missing. Name a PostgreSQL database, or set ALLOW_SQLITE=1 to stay on one"
    " machine with SQLite.",
)
DATABASES = {"default": database(DATA_DIR / "closeout.sqlite3")}
_refuse(
    DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3"
    and not env.bool("ALLOW_SQLITE", default=False),
    "DATABASE_URL names SQLite, which serves one machine only. Name a PostgreSQL database, or set"
    " ALLOW_SQLITE=1 to mean it.",
)

_refuse(
    PAYMENT_GATEWAY == "stripe"
    and not (env.str("STRIPE_SECRET_KEY", "") and env.str("STRIPE_WEBHOOK_SECRET", "")),
    "PAYMENT_GATEWAY is stripe. Set STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET as well.",
)
_refuse(
    bool(STRIPE_API_BASE),
    "STRIPE_API_BASE leads payments to a stand-in, which moves no money: unset it.",
)

# "dbcache://cache_entries" needs `manage.py createcachetable` once; "redis://…" needs a server.
CACHES = {
    "default": env.cache_url("CACHE_URL", default="dbcache://cache_entries"),
    "queue": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "queue"},
}
Q_CLUSTER = queue(workers=env.int("QUEUE_WORKERS", default=2))
if "QUEUE_REDIS_URL" in os.environ:
    Q_CLUSTER |= {"orm": None, "redis": env.str("QUEUE_REDIS_URL")}

vars().update(env.email_url("EMAIL_URL", default="smtp://localhost:25"))
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT", default=20)

# Encryption: the site's own redirect, or what a proxy in front of it says about the request.
SECURE_SSL_REDIRECT = env.bool("SSL_REDIRECT", default=True)
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
if PROXIES := env.int("TRUSTED_PROXIES", default=0):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    ALLAUTH_TRUSTED_PROXY_COUNT = PROXIES
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=YEAR)
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("HSTS_INCLUDE_SUBDOMAINS", default=True)
SECURE_HSTS_PRELOAD = env.bool("HSTS_PRELOAD", default=True)
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https"

STATIC_ROOT = env.str("STATIC_ROOT", default=str(BASE_DIR / "staticfiles"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
# Besides what is compressed already: nobody but a developer's tools asks for source maps.
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = [*Compressor.SKIP_COMPRESS_EXTENSIONS, "map"]
