"""``kiq restart``: a rolling restart of the parents of this machine, and what came of it."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import click

from .. import machine
from ..cli.exit_codes import NOT_DONE
from ..clock import steady
from ..parent.record import State, look, parents
from .screen import document, note, say
from .text import counted, visible

_LOOK = 0.1  # seconds between two looks
_STEPS = {
    "trying": "the application is tried out",
    "replacing": "it begins anew, and replaces its children one by one",
}


@dataclass(slots=True)
class _Parent:
    path: Path
    state: State

    @property
    def name(self) -> str:
        tag = f" {visible(self.state.tag)}" if self.state.tag else ""
        return f"parent {self.state.pid}{tag}"


@click.command()
@click.option(
    "--all", "everyone", is_flag=True, help="All parents of this user, one after another."
)
@click.option("--pid", "pids", type=int, multiple=True, metavar="N", help="This one; repeat it.")
@click.option("--pidfile", metavar="FILE", help="The one with this pid file.")
@click.option(
    *("-t", "--timeout"),
    type=click.FloatRange(min=1),
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for each.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document, for scripts.")
def restart(
    everyone: bool, pids: tuple[int, ...], pidfile: str | None, timeout: float, as_json: bool
) -> None:
    """Replace the children of a parent on this machine, one by one, by new ones with new code.

    Waits until each place has a new child that takes jobs. Old ones finish what they run. Exit code 1:
    it came to nothing, which is told with the reason; what can't be booted changes nothing.
    """
    chosen = _chosen(everyone, [*pids, *_pid_in(pidfile)])
    results: list[dict[str, object]] = []
    for number, parent in enumerate(chosen):
        why = _restart(parent, timeout, quiet=as_json)
        state = parent.state
        results.append(
            {"pid": state.pid, "done": not why, "why": why, "ready": state.ready, "old": state.old}
        )
        if why:
            note(f"{parent.name}: {why}")
            left = chosen[number + 1 :]
            for other in left:
                note(f"{other.name} was not told to restart")
            break
        if not as_json:
            say(f"{parent.name}: {_done(state)}")
    if as_json:
        document({"parents": results})
    if not results or any(not result["done"] for result in results):
        raise click.exceptions.Exit(NOT_DONE)


def _done(state: State) -> str:
    text = f"through, {counted(state.ready, 'new child takes', 'new children take')} jobs"
    return text + (f"; {state.old} old finish theirs" if state.old else "")


def _chosen(everyone: bool, pids: list[int]) -> list[_Parent]:
    """Return whom to restart. Leaves the command where that is nobody, or not said."""
    folder = machine.run_folder()
    found = [_Parent(path, state) for path, state in parents(folder)]
    found.sort(key=lambda parent: parent.state.pid)
    if pids:
        there = {parent.state.pid: parent for parent in found}
        for pid in pids:
            if pid not in there:
                note(f"no parent has pid {pid}, as far as {folder} tells{_who(found)}")
                raise click.exceptions.Exit(NOT_DONE)
        return [there[pid] for pid in dict.fromkeys(pids)]
    if not found:
        note(
            f"no parent of this user runs here, as far as {folder} tells. The variable KIQ_RUN_DIR must be "
            "the parent's; a worker without a parent (processes) can't be restarted so"
        )
        raise click.exceptions.Exit(NOT_DONE)
    if len(found) > 1 and not everyone:
        raise click.UsageError(f"which? Say --all, or --pid{_who(found)}")
    return found


def _who(found: list[_Parent]) -> str:
    lines = (
        f"\n  {parent.state.pid}  {visible(parent.state.tag or '-')}  {visible(parent.state.folder)}"
        for parent in found
    )
    return "; there are:" + "".join(lines) if found else ""


def _pid_in(pidfile: str | None) -> list[int]:
    if pidfile is None:
        return []
    try:
        return [int(Path(pidfile).read_text(encoding="ascii", errors="replace").strip())]
    except (OSError, ValueError) as error:
        note(f"{visible(pidfile)} has no pid: {error}")
        raise click.exceptions.Exit(NOT_DONE) from None


def _restart(parent: _Parent, timeout: float, *, quiet: bool) -> str:
    """Order it, and wait until it is through; return why it came to nothing, "" if it didn't."""
    orders, until, said = parent.state.orders, steady() + timeout, ""
    try:
        os.kill(parent.state.pid, signal.SIGUSR2)
    except OSError as error:
        return f"it can't be told: {error.strerror}"
    while steady() < until:
        state = look(parent.path)
        if state is None:
            return "it has ended, see its log"
        parent.state = state
        if state.orders > orders:
            if state.over:
                return state.why if state.step == "failed" else ""
            if state.step != said and not quiet:
                note(f"{parent.name}: {_STEPS.get(state.step, state.step)}")
            said = state.step
        time.sleep(_LOOK)
    if not said:
        return f"it has not heard the order within {timeout:g} s: it hangs, or ignores USR2"
    return f"not through after {timeout:g} s; it goes on, see its log"
