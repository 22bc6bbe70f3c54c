"""Deploy marks: when which version went out, as lines in the charts of metrics."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any

from ...api.home import connection
from ...errors import ConfigError
from . import keys

_SCRIPT = (resources.files("kiq.plugins.metrics") / "mark.lua").read_text("utf-8")
_LONGEST = 200  # characters of a label
_ONCE = 60  # seconds in which the same label counts once
_ISO = "%Y-%m-%dT%H:%M:%SZ"
_GIT = ("git", "log", "-1", "--format=%h %s")


class Deploy:
    """Sets and reads deploy marks, in Sidekiq's keys. *client* as for :func:`kiq.api.connection`."""

    def __init__(self, client: Any = None) -> None:
        self._connection = connection(client)

    def mark(self, label: str | None = None, at: datetime | None = None) -> bool:
        """Mark a deploy *at* this minute (now); one round trip.

        The *label* is the last commit here, as git tells it, unless it is given. False when nothing
        was marked: that label was used within the last minute (every process of a fleet may call
        this), or the minute has a mark already. Raises ConfigError for an empty label, and where git
        can't tell.
        """
        text = _checked(_last_commit() if label is None else label)
        moment = keys.floor(_utc(at or datetime.now(UTC)), keys.MINUTE)
        names = (keys.mark_lock(text), keys.marks(moment))
        arguments = (text, moment.strftime(_ISO), _ONCE, keys.MARKS_TTL)
        return bool(self._connection.call(("EVAL", _SCRIPT, len(names), *names, *arguments)))

    def between(self, since: datetime, until: datetime) -> dict[datetime, str]:
        """Return the marks from *since* until *until*, by their minute (UTC), the oldest first."""
        first, last = _utc(since), _utc(until)
        days = range((last.date() - first.date()).days + 1)
        commands = [("HGETALL", keys.marks(first + timedelta(days=day))) for day in days]
        found: dict[datetime, str] = {}
        for reply in self._connection.exchange(commands) if commands else ():
            for stamp, label in zip(reply[::2], reply[1::2], strict=True):
                moment = _moment(stamp.decode(errors="replace"))
                if moment is not None and first <= moment <= last:
                    found[moment] = label.decode(errors="replace")
        return dict(sorted(found.items()))


def mark(label: str | None = None, at: datetime | None = None, client: Any = None) -> bool:
    """Mark a deploy: :meth:`Deploy.mark`, for a line in a deploy script."""
    return Deploy(client).mark(label, at)


def _checked(label: str) -> str:
    text = "".join(each for each in label if each.isprintable()).strip()[:_LONGEST]
    if not text:
        raise ConfigError(f"a deploy mark needs a label of some characters, not {label!r}")
    return text


def _last_commit() -> str:
    try:
        done = subprocess.run(_GIT, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError) as error:
        raise ConfigError(
            f"git can't tell the last commit ({error}); give the mark a label"
        ) from error
    if done.returncode:
        raise ConfigError(
            f"git can't tell the last commit ({done.stderr.strip()[:200]}); give the mark a label"
        )
    return done.stdout


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ConfigError(
            f"{moment!r} is naive: it means another moment on another machine; pass an aware one, "
            "such as datetime.now(timezone.utc)"
        )
    return moment.astimezone(UTC)


def _moment(stamp: str) -> datetime | None:
    """Return the minute of a mark, or None for what another program wrote there."""
    try:
        moment = datetime.fromisoformat(stamp)
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None
