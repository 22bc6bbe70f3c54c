"""Of a job that will not run: it is dead, over, or nobody knows of it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from ...wording import visible
from ..explaining import Reason
from ..finding import Found


def reasons(found: Found) -> Iterator[Reason]:
    """Yield that *found* is dead, is over, or is not there. No round trip."""
    if found.where == "dead":
        record = found.record
        said = ""
        if record is not None and record.problem is not None:
            said = f": {visible(record.problem)}"
        elif record is not None and record.error_class is not None:
            error = f"{record.error_class}: {record.error_message or ''}"
            said = f": {visible(error[:200])}"
        yield Reason("dead", f"it was given up{said}", f"kiq dead retry {shlex.quote(found.jid)}")
        return
    if found.ended:
        yield Reason("over", f"it is over: {visible(found.ended)}")
        return
    text = (
        "no job with this jid is in this Redis: it is done, was dropped or deleted, or was never pushed "
        "here (jobs that run are found; of those that are over nothing is kept unless a class asks for it)"
    )
    yield Reason("unknown", text, "kiq config")
