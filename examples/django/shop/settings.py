"""Settings of the project."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parents[1]

SECRET_KEY = "an example has no secrets"
INSTALLED_APPS = ["kiq.contrib.django", "orders"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": FOLDER / "shop.sqlite3",
        "CONN_MAX_AGE": 60,
        "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True

KIQ = {"after_commit": True, "locale": True}
