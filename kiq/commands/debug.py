"""``kiq debug JID``: runs one job here and now, under a debugger, and leaves it where it is."""

from __future__ import annotations

import bdb
import importlib
import os
import pdb
import sys
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any

import click

from ..api import JobRecord, find
from ..cli.exit_codes import NOT_DONE
from ..clock import wall
from ..context import running
from ..errors import Discard, Kill, Retry, Snooze
from ..inline import perform_job
from ..middleware import Chain, ServerContext, fold_by_class
from ..plugin import host
from ..registry import JobSpec, registry
from ..undone import check_done
from .entries import in_full
from .find import where as place_of
from .ground import Ground, grounded
from .naming import did_you_mean
from .screen import is_terminal, note, say
from .text import visible

#: Layers of kiq's own that are for jobs of a worker: they limit, count and record.
_LEFT_OUT = ("kiq.plugins.metrics", "kiq.plugins.time_limits", "kiq.plugins.profiling")
_ASKED = (Retry, Snooze, Discard, Kill)
#: Where a job may be that is run here, as it is told.
_PLACES = {
    "dead": "in the dead set",
    "retrying": "in the retries",
    "scheduled": "in the schedule",
    "waiting": "in queue {}",
}


@click.command()
@click.argument("jid")
@click.option("--break", "at_start", is_flag=True, help="Stop at the first line of the job, too.")
@click.option("--bare", is_flag=True, help="Without the application's server middleware.")
@click.option("-y", "--yes", is_flag=True, help="Don't ask.")
@grounded(json=False, requires=True)
def debug(ground: Ground, jid: str, at_start: bool, bare: bool, yes: bool) -> None:
    """Run the job JID here, for real, and stop in a debugger where it fails.

    It may be dead, retrying, scheduled or in a queue, and stays there: nothing is settled, no limit of time
    counts. What it does, it does: mails, rows, pushes. The debugger is pdb, or what PYTHONBREAKPOINT
    names; with PYTHONBREAKPOINT=0 there is only the traceback.
    """
    where, record = _found(ground, jid)
    for line in in_full(record, wall()):
        say(line)
    if record.problem is not None:
        raise click.ClickException(f"these bytes are no job: {visible(record.problem)}")
    spec = registry.find(record.class_name)
    if spec is None:
        names = [each.name for each in registry.all()]
        raise click.ClickException(
            f"no imported module has a job class {visible(record.class_name)}"
            f"{did_you_mean(record.class_name, names)}: name it by -r"
        )
    say()
    note(f"it runs here, for real, and stays {where}{_beside(where)}")
    if not yes and is_terminal() and sys.stdin.isatty():
        click.confirm("Run it?", abort=True, err=True)
    if not _ran_well(spec, record, at_start, bare):
        raise click.exceptions.Exit(NOT_DONE)


def _found(ground: Ground, jid: str) -> tuple[str, JobRecord]:
    found = find(jid, ground.home)
    if found.record is not None and found.where in _PLACES:
        where = _PLACES[found.where].format(visible(found.queue or "?"))
        return where, found.record
    note(
        f"no job {visible(jid)} is dead, retrying, scheduled or in a queue: it {place_of(found, wall())}"
    )
    raise click.exceptions.Exit(NOT_DONE)


def _beside(where: str) -> str:
    return "" if "dead" in where else ": a worker may run it meanwhile, too"


def _ran_well(spec: JobSpec, record: JobRecord, at_start: bool, bare: bool) -> bool:
    """Run the job in its layers; False where it failed, which was looked at then."""
    context = ServerContext(
        dict(record.payload), record.queue or "default", spec.target, spec.make()
    )

    def perform(run: ServerContext) -> Any:
        return _stopped_at_start(spec, run) if at_start else perform_job(spec, run)

    layers: Chain[ServerContext] = Chain()
    for layer in () if bare else host.server_middleware.layers:
        if not _module_of(layer).startswith(_LEFT_OUT):
            layers.add(layer)
    try:
        result = fold_by_class(layers, perform, running.set)(context)
        check_done(result, "a layer of server middleware")
    except bdb.BdbQuit:
        note("left")
        return False
    except _ASKED as asked:
        say(f"it ran, and asked for {type(asked).__name__}: {visible(str(asked))}")
        return True
    except Exception as error:  # noqa: BLE001 (that is what we are here for)
        _look_at(error)
        return False
    say("it ran well, and is where it was")
    return True


def _module_of(layer: object) -> str:
    return str(getattr(layer, "__module__", type(layer).__module__))


def _stopped_at_start(spec: JobSpec, run: ServerContext) -> Any:
    """Run the job's own code; the debugger stops before its first line."""
    if spec.is_async or _hook() is not None:
        sys.breakpointhook()
        return perform_job(spec, run)
    job, payload = run.job, run.payload
    if job is not None:
        object.__setattr__(job, "_kiq_context", run)
    call: Callable[..., Any] = spec.function if job is None else job.perform
    result = pdb.Pdb().runcall(call, *payload["args"], **(payload.get("kwargs") or {}))
    return check_done(result, spec.label)


def _hook() -> str | None:
    """Return what PYTHONBREAKPOINT names, "0" included; None: pdb."""
    named = os.environ.get("PYTHONBREAKPOINT", "")
    return None if named in ("", "pdb.set_trace") else named


def _look_at(error: BaseException) -> None:
    """Show where *error* came from, and open the debugger there."""
    traceback.print_exception(error)
    hook = _hook()
    if hook == "0" or error.__traceback__ is None:
        return
    _post_mortem(hook)(error.__traceback__)


def _post_mortem(hook: str | None) -> Callable[[TracebackType], Any]:
    """Return the function for this of the debugger that *hook* belongs to: ipdb.set_trace -> ipdb's."""
    if hook is not None:
        try:
            module = importlib.import_module(hook.rpartition(".")[0] or hook)
            found: Callable[[TracebackType], Any] = module.post_mortem
            return found
        except (ImportError, AttributeError) as error:
            note(f"PYTHONBREAKPOINT={visible(hook)} has no post_mortem ({error}): this is pdb")
    return pdb.post_mortem
