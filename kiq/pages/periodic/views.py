"""What the pages of periodic jobs show, and what their buttons do."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from werkzeug.exceptions import NotFound

from ...api import PeriodicJob, PeriodicSet, Tick
from ...errors import KiqError
from ...web import Call, Done, Fleet, Page, masked, moment_of
from ...wording import arguments, duration, visible
from ..asked import text_of

_PAGE = 50
_STRIP = 20  # ticks of a row
_LATE = 60.0  # seconds: a tick that waits for longer is taken by nobody


@dataclass(frozen=True, slots=True)
class Line:
    """A periodic job as the pages show it. *ticks* are its last ones, the newest first."""

    job: PeriodicJob
    ticks: Sequence[Tick]
    now: float

    @property
    def rule(self) -> str:
        """When it is due: the expression of cron, or ``every 5 min``."""
        if self.job.definition is None:
            return "?"
        rule = self.job.definition.rule
        return (
            rule.cron or f"every {duration(rule.every) if rule.every >= 10 else f'{rule.every} s'}"
        )

    @property
    def job_class(self) -> str:
        """The class of its job; why it can't be read, where it can't."""
        if self.job.definition is None:
            return self.job.problem
        return str(self.job.definition.payload.get("class"))

    @property
    def queue(self) -> str:
        """The queue of its job."""
        return str(self.job.definition.payload.get("queue", "")) if self.job.definition else ""

    @property
    def zone(self) -> str:
        """The time zone of the rule."""
        return self.job.definition.rule.timezone if self.job.definition else "UTC"

    @property
    def by_seconds(self) -> bool:
        """Whether its ticks are told apart by seconds."""
        one = self.job.definition
        return one is not None and one.rule.every % 60 != 0

    @property
    def state(self) -> str:
        """``unreadable``, ``paused``, ``off`` (it says that it is not enabled), ``late`` or ""."""
        if self.job.definition is None:
            return "unreadable"
        if self.job.paused:
            return "paused"
        if not self.job.definition.enabled:
            return "off"
        late = self.job.next_at is not None and self.now - self.job.next_at > _LATE
        return "late" if late else ""

    @property
    def last(self) -> Tick | None:
        """The newest tick."""
        return self.ticks[0] if self.ticks else None

    @property
    def marks(self) -> Sequence[tuple[str, Tick]]:
        """The last ticks, the oldest first, each with a word for how it went."""
        return [(kind_of(tick), tick) for tick in reversed(self.ticks[:_STRIP])]


def kind_of(tick: Tick) -> str:
    """Return how a tick went: done, failed, dead, open (its job has not ended), or none (no job ran)."""
    if tick.what not in ("run", "by_hand"):
        return "none"
    if tick.outcome in ("failed", "dead", "done"):
        return tick.outcome
    return "none" if tick.outcome else "open"


def overview(call: Call) -> Page:
    """Show all, by name, a page of them: two round trips, a second for all who look."""
    jobs, known = call.fleet.look("periodic", functools.partial(_read, call.fleet))
    text, begin = text_of(call), call.said("from")
    meant = [job for job in jobs if job.name > begin and _fits(job, text)]
    shown = meant[:_PAGE]
    missing = [job.name for job in shown if job.name not in known]
    ticks = {**known, **PeriodicSet(call.home).histories(missing, _STRIP)}
    now = moment_of(call.fleet).at
    values = {
        "title": "Periodic",
        "lines": [Line(job, ticks[job.name], now) for job in shown],
        "size": len(jobs),
        "text": text or "",
        "begin": begin,
        "next": shown[-1].name if len(meant) > _PAGE else "",
    }
    return Page("periodic/list.html", values)


def one(call: Call) -> Page:
    """Show one: its next runs, what became of the last ticks, what it runs. Two round trips."""
    job = _known(PeriodicSet(call.home), call)
    line = Line(job, job.history(), moment_of(call.fleet).at)
    quoted = shlex.quote(job.name)
    values = {
        "title": visible(job.name),
        "line": line,
        "job": job,
        "called": _called(job, call.visitor.may("unmask")),
        "next_ticks": () if job.paused else job.next(10, line.now),
        "kinds": {tick: kind_of(tick) for tick in line.ticks},
        "commands": [f"kiq periodic {verb} {quoted}" for verb in ("run", "pause", "resume")],
        "python": f"kiq.api.PeriodicSet(kiq.Client()).get({job.name!r}).run()",
    }
    return Page("periodic/one.html", values)


def run(call: Call) -> Done:
    """Push the job of one now, whatever its plan, which stays as it is."""
    job = _known(PeriodicSet(call.fleet.client), call)
    try:
        jid = job.run()
    except (KiqError, ValueError, TypeError) as error:
        return _told(call, job, "failed: {name} was not pushed: {why}", why=visible(str(error)))
    if jid is None:
        return _told(call, job, "failed: {name} was not pushed: client middleware refused it")
    return _told(call, job, "{name} was pushed as {jid}", jid=visible(jid))


def pause(call: Call) -> Done:
    """Have no ticks of one from now on."""
    job = _known(PeriodicSet(call.home), call)
    done = job.pause(call.visitor.name)
    return _told(call, job, "paused {name}" if done else "{name} was paused already")


def resume(call: Call) -> Done:
    """Have ticks of one again; what did not run meanwhile is not made up for."""
    job = _known(PeriodicSet(call.home), call)
    done = job.resume()
    return _told(call, job, "{name} has ticks again" if done else "{name} was not paused")


def _read(fleet: Fleet) -> tuple[Sequence[PeriodicJob], Mapping[str, Sequence[Tick]]]:
    found = PeriodicSet(fleet.home)
    jobs = list(found)
    return jobs, found.histories([job.name for job in jobs[:_PAGE]], _STRIP)


def _fits(job: PeriodicJob, text: str | None) -> bool:
    if text is None or text in job.name:
        return True
    one = job.definition
    return one is not None and (text in str(one.payload.get("class")) or text in one.description)


def _known(jobs: PeriodicSet, call: Call) -> PeriodicJob:
    name = call.said("name")
    job = jobs.get(name)
    if job is None:
        raise NotFound(f"there is no periodic job {visible(name)!r}")
    return job


def _called(job: PeriodicJob, shows_all: bool) -> str:
    if job.definition is None:
        return ""
    payload = job.definition.payload
    args, kwargs = payload.get("args"), payload.get("kwargs")
    args = args if isinstance(args, list) else []
    kwargs = kwargs if isinstance(kwargs, dict) else {}
    if not shows_all:
        args, kwargs = masked(args), masked(kwargs)
    return f"{payload.get('class')}({arguments(args, kwargs)})"


def _told(call: Call, job: PeriodicJob, words: str, **values: str) -> Done:
    said = call.locale.text(words, name=visible(job.name), **values)
    if call.said("page") == "one":
        return Done(said, "periodic.one", {"name": job.name})
    return Done(said, "periodic")
