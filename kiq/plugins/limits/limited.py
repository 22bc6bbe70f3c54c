"""What a job raises when a limit is reached, and how an API says for how long."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from ...clock import wall
from ...errors import PayloadError, Snooze

_DAY = 86_400.0
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
#: As HTTP writes dates today, and wrote them once: "Sun, 06 Nov 2030 08:49:37 GMT".
_DATE = re.compile(r"(\d{1,2})[ -]([A-Za-z]{3})[ -](\d{2,4}) (\d{2}):(\d{2}):(\d{2})")


class RateLimited(Snooze):
    """A limit is reached, of an API say: the job runs again after *retry_after*; no attempt is counted.

    *retry_after* is seconds, a timedelta, a datetime, or text as in the header ``Retry-After``: seconds,
    or a date. What is past is now, a day is the longest; a job that is limited for a day fails. *limit* is
    the limit of its class that is closed for all until then, by name: if empty, the first that is a rate.
    ``with`` a limit that is reached raises it, too. Raises PayloadError for what is no time.
    """

    longest = _DAY

    def __init__(
        self,
        retry_after: float | str | timedelta | datetime = 1.0,
        reason: str = "",
        limit: str = "",
    ) -> None:
        super().__init__(seconds_until(retry_after), reason or "a limit is reached")
        self.limit = limit

    @property
    def retry_after(self) -> float:
        """Seconds until it makes sense to try again."""
        return self.seconds or 0.0


class LimitReached(RateLimited):
    """A limit of kiq's is reached that a block wanted to enter: what that says to others, they know."""


def seconds_until(when: Any) -> float:
    """Return seconds, from 0 to a day, until *when*, in any form that RateLimited takes."""
    if isinstance(when, str):
        when = _read(when.strip())
    if isinstance(when, datetime):
        # Without a zone it is that of HTTP.
        when = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - wall()
    if isinstance(when, timedelta):
        when = when.total_seconds()
    if isinstance(when, bool) or not isinstance(when, int | float) or when != when:
        raise PayloadError(f"RateLimited takes seconds, or a date as in Retry-After, not {when!r}")
    return float(min(max(when, 0.0), _DAY))


def _read(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        found = _DATE.search(text)
    try:
        if found is None:
            return datetime.fromisoformat(text)
        day, month, year, *clock = found.groups()
        century = 2000 if len(year) == 2 else 0
        at = _MONTHS.index(month.lower()) + 1
        hour, minute, second = map(int, clock)
        return datetime(century + int(year), at, int(day), hour, minute, second, tzinfo=UTC)
    except ValueError:
        return text
