"""``crontab`` and ``schedule``, as of ``celery.schedules``: on kiq's periodic jobs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NoReturn

from ...errors import ConfigError

Field = str | int | Iterable[int]


@dataclass(frozen=True, init=False)
class crontab:
    """A cron expression by its fields. Raises ConfigError where both days of month and of week are given:
    Celery wants both to fit, cron takes either.
    """

    text: str

    def __init__(
        self,
        minute: Field = "*",
        hour: Field = "*",
        day_of_week: Field = "*",
        day_of_month: Field = "*",
        month_of_year: Field = "*",
        **others: Any,
    ) -> None:
        if others:
            raise ConfigError(
                f"crontab takes no {', '.join(others)} here: the time zone is app.conf.timezone"
            )
        given = (minute, hour, day_of_month, month_of_year, day_of_week)
        fields = [_text(each) for each in given]
        if "*" not in (fields[2][0], fields[4][0]):
            raise ConfigError(
                "crontab with day_of_month and day_of_week: Celery runs it when both fit, cron when "
                "either does; give one, and let the task look at the date for the other"
            )
        object.__setattr__(self, "text", " ".join(fields))

    @property
    def written(self) -> dict[str, Any]:
        """What ``kiq.periodic`` gets."""
        return {"cron": self.text}


@dataclass(frozen=True)
class schedule:
    """Each *run_every*: seconds or a timedelta; whole seconds, on the clock."""

    run_every: float | timedelta

    @property
    def written(self) -> dict[str, Any]:
        """What ``kiq.periodic`` gets."""
        return {"every": self.run_every}


def solar(*_args: Any, **_kwargs: Any) -> NoReturn:
    """Raise ConfigError: the sun has no cron."""
    raise ConfigError(
        "solar is not here: a periodic task every few minutes looks at the sun, and pushes the other"
    )


def of(given: Any) -> Any:
    """Return the schedule that an entry means: a number, a timedelta, or one of these classes."""
    if isinstance(given, crontab | schedule):
        return given
    if isinstance(given, int | float | timedelta) and not isinstance(given, bool):
        return schedule(given)
    raise ConfigError(
        f"a schedule is crontab(...), schedule(...), seconds or a timedelta, not {given!r}"
    )


def _text(field: Any) -> str:
    if isinstance(field, str):
        return "".join(field.split())
    if isinstance(field, int):
        return str(field)
    return ",".join(str(each) for each in sorted(field))
