"""The language of the request, carried along with the job."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.conf import settings
from django.utils import translation

from ...plugins import context


def carry_locale() -> None:
    """Run each job in the language that was active where it was pushed, if Django has that one."""
    context.carry_locale(_current, _used)


def _current() -> str | None:
    language: str | None = translation.get_language() if settings.USE_I18N else None
    return language


def _used(locale: str) -> AbstractContextManager[Any]:
    if not translation.check_for_language(locale):
        return nullcontext()
    override: AbstractContextManager[Any] = translation.override(locale)
    return override
