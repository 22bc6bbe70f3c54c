"""What is said of a job whose class the processes that would run it do not know."""

from __future__ import annotations

from collections.abc import Iterator

from ...api import Asked, Explainer, ProcessSet, Reason, shown
from ...wording import did_you_mean, visible
from . import keys


def explainer() -> Explainer:
    """Return what ``kiq why`` asks."""
    return Explainer("class_names", holds=_holds)


def _holds(asked: Asked) -> Iterator[Reason]:
    name = asked.payload.get("class")
    if asked.where not in ("waiting", "scheduled", "retrying") or not isinstance(name, str):
        return
    takers = [
        process
        for process in ProcessSet(asked.home)
        if asked.queue in process.queues and not process.is_quiet and not process.is_silent
    ]
    digests = {shown.text(process.info.get(keys.FIELD)) for process in takers}
    if not takers or "" in digests:
        return  # of one that does not tell nothing is known
    there, lacking = set[str](), 0
    for digest in sorted(digests):
        key = keys.names(digest)
        if not asked.call(("EXISTS", key)):
            return  # not told yet
        if not asked.call(("SISMEMBER", key, name)):
            lacking += 1
            there |= {raw.decode(errors="replace") for raw in asked.call(("SMEMBERS", key))}
    if lacking:
        some = lacking < len(digests)
        who = "some processes that take" if some else "no process that takes"
        do = "do not know" if some else "knows"
        near = "" if some else did_you_mean(name, sorted(there))
        text = (
            f"{who} {visible(asked.queue or '?')} {do} the class {visible(name)}: there it fails, and "
            f"is retried{near}"
        )
        yield Reason("class_unknown", text, "kiq ps", stops=not some)
