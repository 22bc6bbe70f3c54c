"""Acts on queues and their jobs, on what runs, on processes and periodic jobs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from ...api import PeriodicJob, PeriodicSet, Process, Queue, QueuedJob, QueueSummary
from ...errors import ConfigError, StoreError
from ...plugins.cancelling import cancel as cancel_job
from ...wording import counted
from .deed import Deed, Scope, Steps, command
from .undoing import can_be_undone, who


def _plainly(
    question: str,
    items: Sequence[Any],
    do: Callable[[Any], str],
    commands: Sequence[str],
    *details: str,
) -> Deed:
    """Return a deed that does *do* to each of *items*, and tells what each came to."""

    def all_of(steps: Steps) -> str:
        told = []
        for at, each in enumerate(items):
            try:
                told.append(do(each))
            except (ConfigError, StoreError) as error:
                told.append(str(error))
            if not steps(at + 1, len(items), at + 1):
                break
        return "; ".join(dict.fromkeys(told))

    return Deed(question, all_of, details, commands)


def _names(names: Sequence[str], noun: str, plural: str) -> str:
    return names[0] if len(names) == 1 else counted(len(names), noun, plural)


def pause(scope: Scope) -> Deed:
    """Pause queues; where the first is paused, let workers take from them again."""
    queues: Sequence[QueueSummary] = scope.subjects
    goes_on = queues[0].paused
    names = [each.name for each in queues]
    word = "unpause" if goes_on else "pause"

    def do(name: str) -> str:
        queue = _queue(scope, name)
        if goes_on:
            return f"{name} is taken again" if queue.unpause() else f"{name} was not paused"
        done = queue.pause(by=who(), reason="kiq top")
        return f"paused {name}" if done else f"{name} was paused already"

    question = f"{word.capitalize()} {_names(names, 'queue', 'queues')}?"
    return _plainly(question, names, do, [command(word, each) for each in names])


def clear(scope: Scope) -> Deed:
    """Delete all jobs of queues."""
    queues: Sequence[QueueSummary] = scope.subjects
    names, size = [each.name for each in queues], sum(each.size for each in queues)

    def do(name: str) -> str:
        return f"{name}: deleted {counted(_queue(scope, name).clear(), 'job')}"

    question = f"Delete all {counted(size, 'job')} of {_names(names, 'queue', 'queues')}?"
    deed = _plainly(question, names, do, [command("clear-queue", each) for each in names])
    undone = can_be_undone(size, at_once=True)
    return Deed(question, deed.do, [undone], deed.commands, str(size) if size > 1000 else "")


def delete_queued(scope: Scope) -> Deed:
    """Delete jobs that wait."""
    jobs: Sequence[QueuedJob] = scope.subjects

    def do(job: QueuedJob) -> str:
        return f"{job.jid} is deleted" if job.delete() else f"{job.jid} is gone: a worker took it"

    jids = [each.jid for each in jobs]
    undone = can_be_undone(len(jobs), [each.raw for each in jobs])
    return _plainly(f"Delete {_names(jids, 'job', 'jobs')}?", jobs, do, [], undone)


def cancel(scope: Scope) -> Deed:
    """Cancel jobs, wherever they are."""
    jids = [row.jid for row in scope.rows if row.jid]

    def do(jid: str) -> str:
        cancel_job(jid, scope.fleet.home)
        return f"{jid} is cancelled: dropped when it would start, interrupted where it runs"

    question = f"Cancel {_names(jids, 'job', 'jobs')}?"
    details = "a running job gets kiq.Cancelled within five seconds; it may catch that"
    return _plainly(question, jids, do, [], details)


def _signal(word: str, order: Callable[[Process], bool], warning: str, scope: Scope) -> Deed:
    processes: Sequence[Process] = scope.subjects
    names = [each.identity for each in processes]

    def do(process: Process) -> str:
        if not order(process):
            return f"{process.identity} is gone"
        return f"told {process.identity}: {word}; it hears that at its next beat, within 5 s"

    question = f"Tell {_names(names, 'process', 'processes')}: {word}?"
    return _plainly(question, processes, do, [command(word, each) for each in names], warning)


quiet = functools.partial(_signal, "quiet", Process.quiet, "it can't be undone")
_STOPS = "running jobs have their time, the rest goes back"
stop = functools.partial(_signal, "stop", Process.stop, _STOPS)
dump = functools.partial(_signal, "dump", Process.dump_threads, "its log tells where threads are")


def run_periodic(scope: Scope) -> Deed:
    """Push periodic jobs now."""
    jobs: Sequence[PeriodicJob] = scope.subjects
    names = [each.name for each in jobs]

    def do(name: str) -> str:
        job = PeriodicSet(scope.fleet.client()).get(name)
        if job is None:
            return f"there is no periodic job {name} any more"
        jid = job.run()
        return f"{name} was pushed: {jid}" if jid else f"{name} was not pushed: a veto"

    question = f"Run {_names(names, 'periodic job', 'periodic jobs')} now?"
    return _plainly(question, names, do, [command("periodic", "run", each) for each in names])


def pause_periodic(scope: Scope) -> Deed:
    """Pause periodic jobs; where the first is paused, let them go on."""
    jobs: Sequence[PeriodicJob] = scope.subjects
    goes_on = jobs[0].paused
    word = "resume" if goes_on else "pause"
    names = [each.name for each in jobs]

    def do(job: PeriodicJob) -> str:
        if goes_on:
            return f"resumed {job.name}" if job.resume() else f"{job.name} was not paused"
        return f"paused {job.name}" if job.pause(who()) else f"{job.name} was paused already"

    question = f"{word.capitalize()} {_names(names, 'periodic job', 'periodic jobs')}?"
    return _plainly(question, jobs, do, [command("periodic", word, each) for each in names])


def _queue(scope: Scope, name: str) -> Queue:
    """Return a queue, whatever its name: another program may have made it."""
    there = (each for each in Queue.all(scope.fleet.home) if each.name == name)
    return next(there, None) or Queue(name, scope.fleet.home)
