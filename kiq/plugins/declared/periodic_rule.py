"""When a periodic job is due: a cron expression or an interval, in a time zone, between two moments."""

from __future__ import annotations

import functools
import importlib
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_NAMED = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SPAN = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?\Z")
_LONGEST = 3660 * 86_400  # seconds
_LAST = 253_370_000_000  # the year 9998: beyond that there is no datetime


@dataclass(frozen=True, slots=True)
class Rule:
    """*cron* in *timezone*, or *every* so many seconds; from *start* on, until *end* (epoch seconds).

    Ticks are whole epoch seconds, and depend on nothing but the rule: not on when it was loaded.
    """

    cron: str = ""
    every: int = 0
    timezone: str = "UTC"
    start: float | None = None
    end: float | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for what is no rule, or never comes."""
        if self.cron:
            self._cron_after(datetime.now(UTC).timestamp())

    def after(self, moment: float) -> int | None:
        """Return the first tick that is later than *moment* (epoch seconds); None where there is none."""
        if self.start is not None and moment < self.start:
            moment = math.ceil(self.start) - 1
        if moment >= _LAST:
            return None
        tick = self._cron_after(moment) if self.cron else self._interval_after(moment)
        if tick is None or (self.end is not None and tick > self.end):
            return None
        return tick

    def between(self, since: float, until: float) -> Iterator[int]:
        """Yield the ticks later than *since*, up to and with *until*."""
        tick = self.after(since)
        while tick is not None and tick <= until:
            yield tick
            tick = self.after(tick)

    def latest(self, moment: float, since: float) -> int | None:
        """Return the last tick that is not later than *moment*, and later than *since*.

        It looks back step by step, so that a month of ticks that nobody took costs no more than one.
        """
        span, found = 1.0, None
        while found is None and moment - span / 4 > since:
            found = self.after(max(moment - span, since))
            found = None if found is None or found > moment else found
            span *= 4
        last = found
        while found is not None and found <= moment:
            last, found = found, self.after(found)
        return last

    @property
    def identity(self) -> str:
        """What is another text for another rule."""
        return f"{self.cron}|{self.every}|{self.timezone}|{self.start}|{self.end}"

    def _interval_after(self, moment: float) -> int:
        # Of the epoch, or the start: a process that begins anew shifts nothing.
        anchor = math.ceil(self.start) if self.start is not None else 0
        return anchor + (math.floor(moment - anchor) // self.every + 1) * self.every

    def _cron_after(self, moment: float) -> int | None:
        cronsim = _engine()
        zone = zone_of(self.timezone)
        try:
            found = cronsim.CronSim(self.cron, datetime.fromtimestamp(math.floor(moment), zone))
            # In an hour that comes twice a fixed time has been: cronsim names it once more.
            tick = next((at for at in map(_seconds, found) if at > moment), None)
        except cronsim.CronSimError as error:
            raise ValueError(f"must be a cron expression, not {self.cron!r}: {error}") from None
        if tick is None:
            raise ValueError(f"{self.cron!r} never comes")
        return tick


def rule_of(
    cron: Any = None, every: Any = None, timezone: Any = None, start: Any = None, end: Any = None
) -> Rule:
    """Return the rule that somebody has written. Raises Wrong, which names the part that is wrong."""
    zone = _checked("timezone", _zone_name, "UTC" if timezone is None else timezone)
    if (cron is None) == (every is None):
        raise Wrong("", "needs one of cron and every")
    first = None if start is None else _checked("start", lambda it: moment_of(it, zone), start)
    last = None if end is None else _checked("end", lambda it: moment_of(it, zone), end)
    if first is not None and last is not None and last < first:
        raise Wrong("end", "must not be before start")
    if every is not None:
        return Rule(
            every=_checked("every", seconds_of, every), timezone=zone, start=first, end=last
        )
    text = _checked("cron", _expression, cron)
    rule: Rule = _checked("cron", lambda it: Rule(it, 0, zone, first, last), text)
    return rule


class Wrong(ValueError):
    """What is wrong with one *key* of what somebody wrote; "" is all of it."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


def _checked(key: str, check: Any, value: Any) -> Any:
    try:
        return check(value)
    except Wrong:
        raise
    except ValueError as error:
        raise Wrong(key, str(error)) from None


def seconds_of(value: Any) -> int:
    """Return whole seconds: of a number, a timedelta, or text such as ``90s``, ``1h30m``, ``1d``."""
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, str):
        text = value.replace(" ", "").lower()
        found = _SPAN.match(text) if text else None
        if found:
            value = sum(
                int(number) * unit
                for number, unit in zip(found.groups(), reversed(_UNITS.values()), strict=True)
                if number
            )
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise ValueError(f"must be a time such as 30s, 5m, 1h30m or 1d, not {value!r}")
    if not 1 <= value <= _LONGEST or value != int(value):
        raise ValueError(f"must be whole seconds, from 1s to 3660d, not {value!r}")
    return int(value)


def moment_of(value: Any, timezone: str) -> float:
    """Return epoch seconds: of a number, a datetime, or ISO text; in *timezone* where it names none."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(f"must be a moment such as 2030-01-31T12:00, not {value!r}") from None
    elif isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=zone_of(timezone))
        return aware.timestamp()
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _LAST:
        raise ValueError(f"must be a moment such as 2030-01-31T12:00, not {value!r}")
    return float(value)


@functools.lru_cache(maxsize=256)
def zone_of(name: str) -> tzinfo:
    """Return the time zone *name*. Raises ValueError where this machine has none of that name."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    try:
        ZoneInfo("Europe/Berlin")
    except (ZoneInfoNotFoundError, OSError):
        raise ValueError(
            f"{name!r} can't be looked up: this machine has no time zones; "
            "install the package tzdata: pip install tzdata"
        ) from None
    raise ValueError(f"must be a time zone such as Europe/Berlin, not {name!r}")


def _zone_name(value: Any) -> str:
    name = getattr(value, "key", value)  # a ZoneInfo
    if value is UTC:
        name = "UTC"
    if not isinstance(name, str):
        raise ValueError(f"must be a time zone such as Europe/Berlin, not {value!r}")
    zone_of(name)
    return name


def _expression(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be a cron expression such as '*/5 * * * *', not {value!r}")
    text = " ".join(value.split())
    if text.startswith("@"):
        if text.lower() not in _NAMED:
            raise ValueError(f"must be one of {', '.join(_NAMED)}, or five fields, not {value!r}")
        return _NAMED[text.lower()]
    if len(text.split()) not in (5, 6):
        raise ValueError(
            "must have five fields (minute hour day month weekday), or six with seconds first, "
            f"not {value!r}"
        )
    return text


def _seconds(at: datetime) -> int:
    return int(at.timestamp())


@functools.cache
def _engine() -> Any:
    try:
        # By name, and only now: it is an extra, and nobody else pays for it.
        return importlib.import_module("cronsim")
    except ImportError:
        raise ValueError(
            "a cron expression needs the package cronsim: pip install 'kiq[periodic]' "
            "(every: 5m needs none)"
        ) from None
