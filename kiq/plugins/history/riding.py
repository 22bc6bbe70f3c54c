"""The riders of history: what is kept of an attempt is written in the step that settles the job."""

from __future__ import annotations

from importlib import resources

from ...clock import wall
from ...plugin import Ride, Rider
from ...settled import Settled
from ...verdict import ToRetry, ToSchedule
from . import keys
from .entry import WORDS, entry
from .runs import Runs

_LUA = resources.files("kiq.plugins.history") / "lua"


class Riders:
    """What writes. Threads: whichever settles."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    def riders(self) -> list[Rider]:
        """Return both: that of attempts, and that of logs."""
        texts = [(_LUA / f"{name}.lua").read_text("utf-8") for name in ("note", "log")]
        return [
            Rider("history", lua=texts[0], releasing=self._attempt, payload_field="history"),
            Rider("job_log", lua=texts[1], releasing=self._log, payload_field="capture_log"),
        ]

    def _attempt(self, job: Settled) -> Ride | None:
        most = job.payload.get("history")
        if type(most) is not int or most <= 0 or not job.jid:
            return None
        made = entry(job, self._runs.of(job.jid, job.token))
        if made is None:
            return None
        word, text = made
        return Ride([keys.history(job.jid)], [text, most, _life(job, word)])

    def _log(self, job: Settled) -> Ride | None:
        if not job.jid:
            return None
        made = entry(job, self._runs.of(job.jid, job.token))
        if made is None:
            return None
        run = self._runs.of(job.jid, job.token)
        text = run.log or "" if run is not None else ""
        return Ride([keys.log(job.jid)], [text, _life(job, made[0])])


def _life(job: Settled, word: str) -> int:
    """Return for how many seconds what is kept lives from now on."""
    if WORDS[word]:
        return keys.TTL
    due = job.verdict.at if isinstance(job.verdict, ToRetry | ToSchedule) else wall()
    return keys.LIFE + max(0, int(due - wall()))
