"""Django, set up for the tests of this process: two SQLite files, which are emptied by hand."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path
from typing import Any

import django
from django.conf import settings

FOLDER = Path(tempfile.mkdtemp(prefix="kiq-django-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)


def _database(name: str) -> dict[str, Any]:
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(FOLDER / name)}


if not settings.configured:
    settings.configure(
        DATABASES={"default": _database("default"), "other": _database("other")},
        INSTALLED_APPS=[],
        LANGUAGE_CODE="en",
        SECRET_KEY="no secret",
        USE_I18N=True,
        USE_TZ=True,
    )
    django.setup()
