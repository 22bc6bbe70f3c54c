"""Why a job of the schedule or of the retries does not go to its queue."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from ... import keys
from ...clock import wall
from ...wording import duration, visible
from ..explaining import Reason
from ..finding import Found
from ..home import Connection
from ..process_set import Process

_LATE = 5.0  # seconds for which a job that is due is on its way as a rule


def reasons(home: Connection, found: Found, everyone: Sequence[Process]) -> Iterator[Reason]:
    """Yield when *found* is due; who should move it if it is. A round trip."""
    due = found.score if found.score is not None else wall()
    jid = shlex.quote(found.jid)
    now = "kiq scheduled enqueue" if found.where == "scheduled" else "kiq retries retry"
    if due > wall():
        what = "it is due later" if found.where == "scheduled" else _failed(found)
        yield Reason("due", what, f"{now} {jid}", until=due)
        return
    late = wall() - due
    (leader,) = home.replies([("GET", keys.POLLER)])
    name = leader.decode(errors="replace") if isinstance(leader, bytes) else ""
    if not any(not process.is_dead and process.is_kiq for process in everyone):
        return  # that no process is there is said anyway
    if not name:
        text = f"it is due for {duration(late)}, and no process moves what is due at this moment"
        yield Reason("no_poller", text, "kiq ps", stops=late > _LATE)
    else:
        text = f"it is due for {duration(late)}, and {visible(name)} has not moved it yet"
        yield Reason("late", text, f"{now} {jid}", stops=False)


def _failed(found: Found) -> str:
    record = found.record
    if record is None or record.error_class is None:
        return "it waits for its next attempt"
    said = visible(f"{record.error_class}: {record.error_message or ''}"[:200].strip().rstrip(":"))
    return f"it failed, and waits for its next attempt ({said})"
