"""Mounted in Django, behind its admin's login. It has one user, ann, with the password "secret"."""

from __future__ import annotations

import os
import sys
from typing import Any

import django
import waitress
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

from tests.browser import shop  # noqa: F401 - its periodic jobs are known then

_APPS = ("admin", "auth", "contenttypes", "sessions", "messages")
_MIDDLEWARE = (
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
)
_PROCESSORS = ("auth.context_processors.auth", "messages.context_processors.messages")


def configure() -> None:
    """Set up the project, in the folder where this runs."""
    templates: dict[str, Any] = {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                *(f"django.contrib.{each}" for each in _PROCESSORS),
            ]
        },
    }
    settings.configure(
        SECRET_KEY="of this test",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF="tests.browser.doors.django_urls",
        INSTALLED_APPS=[*(f"django.contrib.{each}" for each in _APPS), "kiq.contrib.django"],
        MIDDLEWARE=_MIDDLEWARE,
        TEMPLATES=[templates],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}},
        KIQ={"redis": os.environ["REDIS_URL"]},
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    )
    django.setup()


if __name__ == "__main__":
    configure()
    call_command("migrate", verbosity=0)
    os.environ["DJANGO_SUPERUSER_PASSWORD"] = "secret"
    call_command("createsuperuser", interactive=False, username="ann", email="ann@example.org")
    waitress.serve(get_wsgi_application(), host="127.0.0.1", port=int(sys.argv[1]))
