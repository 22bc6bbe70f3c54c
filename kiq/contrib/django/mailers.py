"""Whether mail of a Django project is sent by jobs."""

from __future__ import annotations

from typing import Any

from django.conf import settings

_CLASS = "BACKEND"  # of one of MAILERS
BACKEND = "kiq.contrib.django.mail.EmailBackend"


def pushes_mail() -> bool:
    """Tell whether jobs send it: then a worker has to know the one that does."""
    mailers: Any = getattr(settings, "MAILERS", None)  # of Django 6.1 and later
    if mailers is not None:
        return any(each.get(_CLASS) == BACKEND for each in mailers.values())
    by_us = settings.EMAIL_BACKEND == BACKEND
    return bool(by_us or "email_backend" in getattr(settings, "KIQ", {}))
