"""Everything on one machine, nothing beside it: SQLite, mail to files, sandbox payments.

The default for development, for trying the site, and for a small market of one's own. All data is
in one directory, ``var/`` unless ``CLOSEOUT_DATA`` names another.
"""

from __future__ import annotations

import os
from pathlib import Path

from django.core.management.utils import get_random_secret_key

from marketplace.settings.base import *  # noqa: F403
from marketplace.settings.base import DATA_DIR, database, env, queue


def _kept_secret(path: Path) -> str:
    """Return the secret in the file, made on first use; readable by its owner alone."""
    if not path.exists():
        draft = path.with_suffix(f".{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(get_random_secret_key())
        try:
            # A link fails when another process was faster; its secret is then the one to use.
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text()


for directory in (DATA_DIR, DATA_DIR / "static", DATA_DIR / "mail"):
    directory.mkdir(parents=True, exist_ok=True)

DEBUG = env.bool("DEBUG", default=False)
DEMO = env.bool("DEMO", default=True)
SECRET_KEY = env.str("SECRET_KEY", default="") or _kept_secret(DATA_DIR / "secret_key")

PORT = env.int("PORT", default=8000)
SITE_URL = env.str("SITE_URL", default=f"http://127.0.0.1:{PORT}")
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]", *env.list("ALLOWED_HOSTS", default=[])]
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

DATABASES = {"default": database(DATA_DIR / "closeout.sqlite3")}
CACHES = {
    # Shared by the web processes, so that limits on sign-in count together.
    "default": env.cache_url("CACHE_URL", default=f"filecache://{DATA_DIR / 'cache'}"),
    "queue": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "queue"},
}
Q_CLUSTER = queue(workers=env.int("QUEUE_WORKERS", default=1))

if "EMAIL_URL" in os.environ:
    vars().update(env.email_url("EMAIL_URL"))
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = DATA_DIR / "mail"

# The files are found where they are, so an edit shows at once; `manage.py serve` collects and
# compresses them first and then says so here.
STATIC_ROOT = DATA_DIR / "static"
WHITENOISE_USE_FINDERS = not env.bool("CLOSEOUT_STATIC_COLLECTED", default=False)
WHITENOISE_AUTOREFRESH = DEBUG
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
