"""Whether a job class fails since the last deploy that was marked."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ..api import Connection, Deploy, Metrics
from ..wording import counted, duration, number, visible
from .finding import Finding

_DAY = timedelta(days=1)
_IN_MINUTES = 55.0  # minutes: what is older is looked at in steps of ten
_FEWEST = 5  # runs that failed
_SHARE, _ALONE = 0.2, 0.5  # of the runs: with a past to compare with, and without
_WORSE = 3.0  # times the share before
_MOST_NAMES = 3


@dataclass(frozen=True, slots=True)
class Runs:
    """How many runs of a class ended, and how many of them failed, before a deploy and after it."""

    before: int = 0
    failed_before: int = 0
    after: int = 0
    failed_after: int = 0

    @property
    def share(self) -> float:
        """The part of the runs since the deploy that failed."""
        return self.failed_after / self.after if self.after else 0.0

    @property
    def share_before(self) -> float:
        """The same before it."""
        return self.failed_before / self.before if self.before else 0.0

    @property
    def fails_since(self) -> bool:
        """Whether it fails as it did not before: a class that always fails is nothing new."""
        if self.failed_after < _FEWEST:
            return False
        if self.before < _FEWEST:
            return self.share >= _ALONE
        return self.share >= _SHARE and self.share >= _WORSE * self.share_before


@dataclass(frozen=True, slots=True)
class Deployed:
    """The last deploy within a day: its label, how many seconds ago, and the runs of each class."""

    label: str = ""
    age: float = 0.0
    runs: Mapping[str, Runs] = field(default_factory=dict)


def gather_deploy(home: Connection, now: float) -> Deployed:
    """Read it, by Redis's clock *now*. One round trip, or at most seventeen where one was marked."""
    today = datetime.fromtimestamp(now, UTC)
    marks = Deploy(home).between(today - _DAY, today)
    if not marks:
        return Deployed()
    at, label = max(marks.items())
    age = (today - at).total_seconds()
    metrics = Metrics(home)
    if age / 60 < _IN_MINUTES:
        period = metrics.top_jobs(minutes=max(30, 2 * math.ceil(age / 60)))
    else:
        period = metrics.top_jobs(hours=math.ceil(2 * age / 3600))
    # Of the step of the deploy nobody can tell which code ran.
    begin = max((step for step in period.times if step <= at), default=at)
    found: dict[str, Runs] = {}
    for name, job in period.jobs.items():
        before = [each for step, each in job.series.items() if step < begin]
        after = [each for step, each in job.series.items() if step > begin]
        found[name] = Runs(
            sum(each.processed for each in before),
            sum(each.failed for each in before),
            sum(each.processed for each in after),
            sum(each.failed for each in after),
        )
    return Deployed(label, age, found)


def failing(deploy: Deployed) -> Iterator[Finding]:
    """Judge whether a class fails since the deploy."""
    if not deploy.label:
        return
    since = f'the deploy "{visible(deploy.label)}" {duration(deploy.age)} ago'
    bad = {name: runs for name, runs in deploy.runs.items() if runs.fails_since}
    for name in sorted(bad, key=lambda each: -bad[each].failed_after)[:_MOST_NAMES]:
        runs, shown = bad[name], visible(name)
        what = f"{shown} fails since {since}: {number(runs.failed_after)} of "
        what += f"{counted(runs.after, 'run')}; before, "
        what += (
            f"{number(runs.failed_before)} of {number(runs.before)}"
            if runs.before
            else "it did not run"
        )
        advice = (
            f"kiq retries --class {shown} shows the errors: mend it, or deploy what was before; then "
            f"kiq retries retry --class {shown}"
        )
        yield Finding("failing", "warning", what, advice, name)
    if len(bad) > _MOST_NAMES:
        what = f"{len(bad) - _MOST_NAMES} more classes fail since {since}"
        yield Finding("failing", "warning", what, "kiq retries lists what failed")
    elif not bad and deploy.runs:
        yield Finding("failing", "ok", f"no class fails since {since} that did not before")
