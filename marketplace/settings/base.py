"""What every way of running the site has in common; values that differ come from the environment.

docs/operating.md lists the environment variables. Settings of the site itself that differ between
installations are read here and nowhere else.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import bootstrap_wrapper
import environ
import fontpkg_figtree
from csp.constants import NONE, SELF
from django.contrib.messages import constants as message_levels

env = environ.Env()

BASE_DIR: Final = Path(__file__).resolve().parents[2]
DATA_DIR: Final = Path(env.str("CLOSEOUT_DATA", default=str(BASE_DIR / "var"))).resolve()

# What is installed -----------------------------------------------------------------------------

INSTALLED_APPS = [
    "feedback",
    "contracts",
    "payments",
    "marketplace",
    "marketplace.support.apps.SupportDeskConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "crispy_forms",
    "crispy_bootstrap5",
    "csp",
    "django_htmx",
    "django_q",
    "heroicons",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "marketplace.middleware.ClockMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "marketplace.middleware.PlainTextMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "marketplace.middleware.ActingPartyMiddleware",
    "marketplace.middleware.RefusalMiddleware",
]

ROOT_URLCONF = "marketplace.urls"
WSGI_APPLICATION = "marketplace.wsgi.application"
ASGI_APPLICATION = "marketplace.asgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "marketplace.context.frame",
            ],
        },
    },
]

CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"
# A form fails loudly where it cannot be rendered, instead of leaving a gap in the page.
CRISPY_FAIL_SILENTLY = False

# Bootstrap has its own word for the colour of an error.
MESSAGE_TAGS = {message_levels.ERROR: "danger"}

# Data ------------------------------------------------------------------------------------------

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Tried under load: without IMMEDIATE, writers that meet fail with "database is locked"; without
# synchronous=FULL, WAL may lose the last commits when the power goes. This is money: FULL.
SQLITE_OPTIONS: Final = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": (
        "PRAGMA journal_mode=WAL;"
        "PRAGMA synchronous=FULL;"
        "PRAGMA foreign_keys=ON;"
        "PRAGMA mmap_size=134217728;"
        "PRAGMA journal_size_limit=27103364;"
        "PRAGMA cache_size=2000;"
    ),
}


def database(default_sqlite: Path) -> dict[str, Any]:
    """Return the database that ``DATABASE_URL`` names, or SQLite in the given file.

    PostgreSQL keeps its connections for ``DATABASE_MAX_AGE`` seconds, or takes them from a pool of
    at most ``DATABASE_POOL`` connections per process when that is set.
    """
    config: dict[str, Any] = env.db_url("DATABASE_URL", default=f"sqlite:///{default_sqlite}")
    options = config.setdefault("OPTIONS", {})
    config["ATOMIC_REQUESTS"] = False
    if config["ENGINE"] == "django.db.backends.sqlite3":
        options.update(SQLITE_OPTIONS)
    elif pool_size := env.int("DATABASE_POOL", default=0):
        options["pool"] = {"min_size": min(2, pool_size), "max_size": pool_size}
    else:
        config["CONN_MAX_AGE"] = env.int("DATABASE_MAX_AGE", default=60)
        config["CONN_HEALTH_CHECKS"] = True
    return config


# People ----------------------------------------------------------------------------------------

AUTH_USER_MODEL = "marketplace.User"
# allauth's backend is Django's own with sign-in by e-mail; both would hash each password twice.
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"

ACCOUNT_ADAPTER = "marketplace.adapters.AccountAdapter"
ACCOUNT_FORMS = {"signup": "marketplace.forms.SignupForm"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "10/m/ip,5/5m/key",
    "signup": "20/h/ip",
    "reset_password": "20/h/ip,5/h/key",
    "change_password": "5/m/user",
    "manage_email": "10/h/user",
    "reauthenticate": "10/m/user",
    "contact_support": "20/h/ip",
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Closeout"

# Browser ---------------------------------------------------------------------------------------

# "sandbox" plays the payment provider inside the site; "stripe" talks to the real one.
PAYMENT_GATEWAY = env.str("PAYMENT_GATEWAY", default="sandbox")
STRIPE_SECRET_KEY = env.str("STRIPE_SECRET_KEY", default="")
STRIPE_WEBHOOK_SECRET = env.str("STRIPE_WEBHOOK_SECRET", default="")
# Stripe signs what happens to the accounts of talents with a secret of its own.
STRIPE_CONNECT_WEBHOOK_SECRET = env.str("STRIPE_CONNECT_WEBHOOK_SECRET", default="")
# The country of talents' accounts, when it is one for all; otherwise they choose it at Stripe.
STRIPE_COUNTRY = env.str("STRIPE_COUNTRY", default="")
# Where Stripe is asked; only tests and trials set it, to talk to a stand-in.
STRIPE_API_BASE = env.str("STRIPE_API_BASE", default="").rstrip("/")


def form_targets(gateway: str, stand_in: str) -> list[str]:
    """Return whose pages a form may lead to.

    A form that answers with a redirect to the provider's page is blocked unless its host is named,
    and it is named only where that can happen: to save a card, to say where one is paid to, and,
    after a sign-in on the way, to confirm a charge at the bank.
    """
    if gateway != "stripe":
        return []
    hosts = [f"https://{name}.stripe.com" for name in ("checkout", "connect", "hooks")]
    return [*hosts, stand_in] if stand_in else hosts


CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF, *form_targets(PAYMENT_GATEWAY, STRIPE_API_BASE)],
        "object-src": [NONE],
    }
}
PERMISSIONS_POLICY: dict[str, list[str]] = {
    feature: []
    for feature in (
        "accelerometer",
        "autoplay",
        "camera",
        "display-capture",
        "encrypted-media",
        "fullscreen",
        "geolocation",
        "gyroscope",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "usb",
    )
}
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True

STATIC_URL = "/static/"
WHITENOISE_MIMETYPES = {".ttf": "font/ttf"}
STATICFILES_DIRS: list[Any] = [
    BASE_DIR / "static",
    ("bootstrap", bootstrap_wrapper.get_bootstrap_dir()),
    ("font", fontpkg_figtree.ROOT / "files"),
]

# Words and times -------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
# One language, so no catalogues are looked up; amounts and dates are formatted by our own tags.
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

# Mail and queue --------------------------------------------------------------------------------

SITE_NAME = "Closeout"
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Closeout <closeout@localhost>")
SERVER_EMAIL = env.str("SERVER_EMAIL", default=DEFAULT_FROM_EMAIL)


def queue(*, workers: int) -> dict[str, Any]:
    """Return django-q2's settings for a cluster on the site's own database.

    A task that was not finished ``retry`` seconds after it was taken is handed out again, so retry
    must exceed ``timeout``, which kills what runs too long.
    """
    return {
        "name": "closeout",
        "label": "Queue",
        "orm": "default",
        "workers": workers,
        "timeout": 240,
        "retry": 300,
        "max_attempts": 5,
        "ack_failures": False,
        "catch_up": False,
        "poll": env.float("QUEUE_POLL", default=0.5),
        "save_limit": 1000,
        "recycle": 500,
        "bulk": 1,
        # The cluster notes its own state every half second: not a thing to write to a database.
        "cache": "queue",
        "log_level": "WARNING",
    }


# Journal ---------------------------------------------------------------------------------------

# To standard error, nowhere else. Requests that were answered with 4xx are not written down: their
# paths may hold the keys of password and e-mail links. Nothing logs names, addresses or texts.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "django.request": {"level": "ERROR"},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        # The client writes each call down, with the provider's words about it.
        "stripe": {"level": "WARNING"},
        "django-q": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
        # What it subsets a font from is of no use to an operator.
        "fontTools": {"level": "WARNING"},
        "weasyprint": {"level": "ERROR"},
    },
}

# The product's own -----------------------------------------------------------------------------

# Business numbers that differ here from marketplace/policy.py, by name.
CLOSEOUT_POLICY: dict[str, Any] = {}
# Raise where locks are taken against the house's order, instead of risking a deadlock.
LOCK_RANKS_CHECKED = False
