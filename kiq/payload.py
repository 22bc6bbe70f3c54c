"""Payloads: the dict that a job is at rest, in Sidekiq's fields."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Generic, ParamSpec

from . import priority
from .clock import milliseconds, wall
from .config import check_queue_name
from .errors import ConfigError, PayloadError
from .jid import new_jid
from .options import DEFAULTS

Payload = dict[str, Any]
P = ParamSpec("P")

#: Field of a payload: somebody wants it to run in spite of cancel requests up to this score.
UNCANCELLED = "uncancelled"

#: At and above this a number is a date (epoch seconds), below it a span: Sidekiq's rule.
EPOCH_FROM = 1_000_000_000
_LARGEST = sys.float_info.max
_YEAR_10000 = 253_402_300_800  # in seconds
_FACTORS = (1_000, 1_000_000, 1_000_000_000)  # of milliseconds, and so on
#: From here on a moment is in milliseconds (since 1973), below it in seconds (until the year 5138).
MILLISECONDS_FROM = 100_000_000_000
_MOMENTS = ("created_at", "enqueued_at", "failed_at", "retried_at", "discarded_at")


class Args(Generic[P]):
    """The arguments of one job, checked by ``HardWorker.args(...)``; *calls* push jobs of that class."""

    __slots__ = ("args", "calls", "kwargs")

    def __init__(self, args: Sequence[Any], kwargs: Mapping[str, Any], calls: Any = None) -> None:
        self.args = args
        self.kwargs = kwargs
        self.calls = calls


def build(
    name: str,
    args: Sequence[Any],
    kwargs: Mapping[str, Any] | None,
    options: Mapping[str, Any],
    jid: str | None = None,
) -> Payload:
    """Return a new payload for job class *name*; *options* are those of the class and the push."""
    payload: Payload = {
        **options,
        "class": name,
        "args": list(args),
        "jid": jid or new_jid(),
        "created_at": milliseconds(),
    }
    if kwargs:
        payload["kwargs"] = dict(kwargs)
    return payload


def normalized(item: Mapping[str, Any], defaults: Mapping[str, Any] = DEFAULTS) -> Payload:
    """Return a payload from a bare dict such as other languages push, with what is missing.

    Needs ``class`` (a string) and ``args`` (a list). Raises PayloadError that names the field.
    """
    for key in item:
        if not isinstance(key, str):
            raise PayloadError(f"a payload has string keys only, not {key!r}")
    payload: Payload = {**defaults, **item}
    name = payload.get("class")
    if not isinstance(name, str) or not name:
        raise PayloadError(f"a payload needs 'class', the name of a job class, not {name!r}")
    if not isinstance(payload.get("args"), list):
        raise PayloadError(
            f"{name}: a payload needs 'args', a list of arguments, not {payload.get('args')!r}"
        )
    if "kwargs" in payload and not isinstance(payload["kwargs"], dict):
        raise PayloadError(f"{name}: 'kwargs' must be a dict, not {payload['kwargs']!r}")
    _check_fields(name, payload)
    payload.setdefault("jid", new_jid())
    payload.setdefault("created_at", milliseconds())
    return payload


def moment(payload: Payload, now: float, in_seconds: bool) -> int | float:
    """Return *now* (epoch seconds) in the unit that *payload* has its times in.

    Sidekiq 8 counts whole milliseconds, earlier ones count seconds: a job keeps the form that it came
    with. *in_seconds* is for one that says nothing.
    """
    made = payload.get("created_at")
    if isinstance(made, int | float) and not isinstance(made, bool):
        in_seconds = made < MILLISECONDS_FROM
    return float(now) if in_seconds else int(now * 1000)


def count_seconds(payload: Payload) -> None:
    """Write the times in *payload* as Sidekiq up to 7 reads them: seconds."""
    for name in _MOMENTS:
        value = payload.get(name)
        if type(value) is int and value >= MILLISECONDS_FROM:
            payload[name] = value / 1000


def _check_fields(name: str, payload: Payload) -> None:
    try:
        check_queue_name(payload["queue"])
    except (ConfigError, TypeError) as error:
        raise PayloadError(f"{name}: queue: {error}") from None
    jid = payload.get("jid", "x")
    if not isinstance(jid, str) or not jid:
        raise PayloadError(f"{name}: 'jid' must be a string, not {jid!r}")
    tags = payload.get("tags", [])
    if not isinstance(tags, list):
        raise PayloadError(f"{name}: 'tags' must be a list, not {tags!r}")
    window = payload.get("retry_for", 0)
    if isinstance(window, bool) or not isinstance(window, int | float) or window > EPOCH_FROM:
        raise PayloadError(f"{name}: 'retry_for' must be at most 1e9 seconds, not {window!r}")
    try:
        priority.checked(payload.get(priority.FIELD))
    except ValueError as error:
        raise PayloadError(f"{name}: {priority.FIELD!r} {error}") from None
    if "at" in payload:
        payload["at"] = finite(name, payload["at"])


def finite(name: str, at: Any) -> float:
    """Return *at* as a float. Raises PayloadError unless it is a number of epoch seconds."""
    # A comparison: math.isfinite overflows at an int that is longer than any float.
    if isinstance(at, bool) or not isinstance(at, int | float) or not abs(at) <= _LARGEST:
        raise PayloadError(
            f"{name}: 'at' must be a finite number of epoch seconds, got {at!r}{_instead(at)}"
        )
    if at > _YEAR_10000:  # what datetime.max is rounded to
        factor = next((each for each in _FACTORS if at / each < _YEAR_10000), _FACTORS[-1])
        raise PayloadError(
            f"{name}: {at!r} is after the year 9999: it is no number of seconds; did you mean "
            f"{at!r} / {factor:_}?"
        )
    return float(at)


def _instead(at: Any) -> str:
    """Return what to pass for a moment of another library."""
    if isinstance(getattr(at, "datetime", None), datetime):  # arrow
        return "; pass value.datetime"
    return "; pass value.item()" if hasattr(at, "dtype") else ""  # a number of numpy


def due_in(name: str, delay: float | timedelta) -> float:
    """Return the epoch seconds that are *delay* (seconds or timedelta) from now.

    A number of 1e9 or more is refused: it is a date, and belongs in ``perform_at``.
    """
    seconds = delay.total_seconds() if isinstance(delay, timedelta) else delay
    if isinstance(seconds, datetime):
        raise PayloadError(f"{name}: perform_in takes a delay; use perform_at for {delay!r}")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds != seconds:
        raise PayloadError(
            f"{name}: perform_in takes a delay in seconds, or a timedelta, not {delay!r}{_instead(delay)}"
        )
    if seconds >= EPOCH_FROM:
        raise PayloadError(
            f"{name}: perform_in({delay!r}) is over 31 years from now: it looks like a date; "
            "use perform_at"
        )
    if seconds <= -EPOCH_FROM:
        raise PayloadError(f"{name}: perform_in({delay!r}) is over 31 years ago: that is no delay")
    return wall() + float(seconds)


def due_at(name: str, when: float | datetime) -> float:
    """Return *when* (epoch seconds or an aware datetime) as epoch seconds.

    Refuses a naive datetime, whose moment depends on the machine, and a number below 1e9, which is a
    delay (Sidekiq takes it for one; in Python ``perform_in`` says it).
    """
    if isinstance(when, datetime):
        return _moment_of(name, when)
    if isinstance(when, timedelta):
        raise PayloadError(f"{name}: perform_at takes a date; use perform_in for {when!r}")
    seconds = finite(name, when)
    if seconds < EPOCH_FROM:
        raise PayloadError(
            f"{name}: perform_at({when!r}) is a moment before 2001; for a delay of {when!r} "
            f"seconds write perform_in({when!r}, ...)"
        )
    return seconds


def _moment_of(name: str, when: datetime) -> float:
    try:
        aware = when.utcoffset() is not None
        seconds = when.timestamp() if aware else 0.0
    except Exception as error:  # noqa: BLE001 (pandas.NaT, or a time zone that fails)
        why = f"{type(error).__name__}: {error}"
        raise PayloadError(f"{name}: {when!r} is no moment: {why}") from None
    if not aware:
        raise PayloadError(
            f"{name}: {when!r} is naive: it means another moment on another machine; "
            "pass an aware datetime, such as datetime.now(timezone.utc) + timedelta(hours=1)"
        )
    return float(seconds)
