"""``kiq jobs start``, ``stop``, ``restart``, ``status``, ``run``: workers in the background."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from ...cli.exit_codes import NOT_DONE
from ...clock import steady
from ...errors import ConfigError
from ..screen import note, say
from ..text import counted, visible
from . import pools
from .environment import WITHOUT_EFFECT
from .passing import PassesOn
from .pid_files import holder, terminate
from .pools import Daemon
from .working import FLAGS, begin

_LOOK = 0.05  # seconds between two looks
_TAIL = 2000  # bytes of a log that are shown where a start came to nothing


@dataclass(frozen=True, slots=True)
class Options:
    """What was said of the daemons: *flags* are for ``kiq run``; *timeout* is seconds."""

    daemons: list[Daemon]
    alone: bool
    pooled: bool
    pid_dir: Path
    log_dir: Path
    prefix: str
    monitored: bool
    ends: bool
    timeout: float
    flags: tuple[str, ...]

    def pid_file(self, name: str) -> Path:
        """Return the pid file of the daemon *name*."""
        return self.pid_dir / f"{name}.pid"


_OPTIONS = (
    click.option(
        "-n", "--number-of-workers", "count", type=int, default=1, metavar="N", help="Processes."
    ),
    click.option(
        "--pool", "specs", multiple=True, metavar="QUEUES[:N]", help="mailers,default:2; repeat it."
    ),
    click.option("--queue", "--queues", "queues", default="", metavar="NAMES", help="mail,default"),
    click.option("-i", "--identifier", metavar="ID", help="A part of the name of its files."),
    click.option(
        "-p",
        "--prefix",
        default="delayed_job",
        show_default=True,
        metavar="NAME",
        help="Of its files.",
    ),
    click.option(
        "--pid-dir", default="tmp/pids", show_default=True, metavar="FOLDER", help="For pid files."
    ),
    click.option(
        "--log-dir", default="log", show_default=True, metavar="FOLDER", help="For the log."
    ),
    click.option(
        "-m", "--monitor", is_flag=True, help="Under a parent, which replaces it when it dies."
    ),
    click.option("--exit-on-complete", is_flag=True, help="End when nothing is left."),
    click.option(
        "--timeout", default=60.0, type=click.FloatRange(min=0), metavar="SECONDS", help="To wait."
    ),
    *(
        click.option(f"--{name.lower().replace('_', '-')}", name.lower(), metavar="N", hidden=True)
        for name in WITHOUT_EFFECT
    ),
)


def _with_options(action: Callable[[Options], None]) -> click.Command:
    @functools.wraps(action)
    def command(**given: Any) -> None:
        for name in WITHOUT_EFFECT:
            if given.pop(name.lower()) is not None:
                note(
                    f"kiq: --{name.lower().replace('_', '-')} does nothing: {WITHOUT_EFFECT[name]}"
                )
        action(_options(**given))

    made: Any = FLAGS(command)
    for option in reversed(_OPTIONS):
        made = option(made)
    return click.command(cls=PassesOn)(made)


def _options(
    *,
    count: int,
    specs: Sequence[str],
    queues: str,
    identifier: str | None,
    prefix: str,
    pid_dir: str,
    log_dir: str,
    monitor: bool,
    exit_on_complete: bool,
    timeout: float,
    flags: tuple[str, ...],
) -> Options:
    found = pools.daemons(prefix, pools=specs, queues=queues, count=count, identifier=identifier)
    return Options(
        daemons=found,
        alone=identifier is not None,
        pooled=bool(specs),
        pid_dir=Path(pid_dir),
        log_dir=Path(log_dir),
        prefix=prefix,
        monitored=monitor,
        ends=exit_on_complete,
        timeout=timeout,
        flags=flags,
    )


@_with_options
def start(options: Options) -> None:
    """Start workers in the background; returns when each has its pid file. Flags of `kiq run` behind."""
    _start(options)


@_with_options
def stop(options: Options) -> None:
    """Stop them in order, and wait until they have ended: all of the prefix, or with -i that one."""
    if not _stop(options):
        raise click.exceptions.Exit(NOT_DONE)


@_with_options
def restart(options: Options) -> None:
    """Stop those that run, then start. Without a gap, under a parent: `kiq restart --pidfile FILE`."""
    if not _stop(options):
        raise click.exceptions.Exit(NOT_DONE)
    _start(options)


@_with_options
def status(options: Options) -> None:
    """Say which of them run; exit code 1 if one does not, or there is none."""
    names = _names(options)
    if not names:
        say(f"no pid file is in {visible(str(options.pid_dir))}")
    running = 0
    for name in names:
        pid = holder(options.pid_file(name))
        running += pid is not None
        say(f"{visible(name)}: " + (f"running [pid {pid}]" if pid else "not running"))
    if not names or running < len(names):
        raise click.exceptions.Exit(NOT_DONE)


@_with_options
def run(options: Options) -> None:
    """Start one in the foreground, with its pid file."""
    if len(options.daemons) != 1:
        raise ConfigError("run is for one pool; `kiq jobs start` starts several")
    (daemon,) = options.daemons
    options.pid_dir.mkdir(parents=True, exist_ok=True)
    os.environ.update(pools.variables(daemon))
    _, _, *flags = _command(options, daemon)
    begin([*flags, *options.flags])


def _command(options: Options, daemon: Daemon) -> list[str]:
    pid_file = options.pid_file(daemon.name).absolute()
    return pools.command(daemon, pid_file, monitored=options.monitored, ends=options.ends)


def _start(options: Options) -> None:
    commands = [(daemon, _command(options, daemon)) for daemon in options.daemons]
    for folder in (options.pid_dir, options.log_dir):
        folder.mkdir(parents=True, exist_ok=True)
    failed = False
    for daemon, arguments in commands:
        pid = holder(options.pid_file(daemon.name))
        if pid is not None:
            note(f"{visible(daemon.name)} runs already [pid {pid}]")
            failed = True
            continue
        failed |= not _started(options, daemon, [*arguments, *options.flags])
    if failed:
        raise click.exceptions.Exit(NOT_DONE)


def _started(options: Options, daemon: Daemon, arguments: Sequence[str]) -> bool:
    log = options.log_dir / f"{options.prefix}.log"
    with log.open("ab") as output:
        began = output.tell()
        process = subprocess.Popen(
            [sys.executable, "-m", "kiq", *arguments],
            env={**os.environ, **pools.variables(daemon)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    until = steady() + options.timeout
    while steady() < until and process.poll() is None:
        if _number_in(options.pid_file(daemon.name)) == process.pid:
            workers = counted(daemon.count, "process", "processes")
            say(
                f"{visible(daemon.name)}: started [pid {process.pid}], {workers}, {visible(daemon.takes)}"
            )
            return True
        time.sleep(_LOOK)
    if process.poll() is None:
        note(f"{visible(daemon.name)} has not started within {options.timeout:g} s; see {log}")
        return False
    if process.returncode == 0 and options.ends:
        say(f"{visible(daemon.name)}: nothing was left")
        return True
    note(f"{visible(daemon.name)} has ended with {process.returncode}; {log} says:")
    with log.open("rb") as written:
        written.seek(max(began, log.stat().st_size - _TAIL))
        note(written.read().decode(errors="replace").rstrip())
    return False


def _number_in(path: Path) -> int:
    try:
        return int(path.read_text(encoding="ascii", errors="replace").strip() or 0)
    except (OSError, ValueError):
        return 0


def _names(options: Options) -> list[str]:
    """Return the names of the daemons that are meant: of the options, and all that left a file.

    With an identifier those of the options alone; else fewer pools than before leave none behind.
    """
    meant = [daemon.name for daemon in options.daemons]
    if options.alone:
        return meant
    own = options.prefix
    found = {path.stem for path in options.pid_dir.glob("*.pid")}
    left = {name for name in found if name == own or name.startswith(f"{own}.")}
    return sorted(left | set(meant)) if options.pooled else sorted(left)


def _stop(options: Options) -> bool:
    """Stop those that are meant; tell whether all have ended."""
    told: dict[str, int] = {}
    refused = False
    for name in _names(options):
        pid = holder(options.pid_file(name))
        if pid is None:
            note(f"{visible(name)} does not run")
            continue
        if terminate(pid):
            told[name] = pid
        else:
            note(f"{visible(name)} [pid {pid}] is another user's: it can't be stopped from here")
            refused = True
    until = steady() + options.timeout
    for name, pid in told.items():
        while holder(options.pid_file(name)) == pid and steady() < until:
            time.sleep(_LOOK)
        if holder(options.pid_file(name)) == pid:
            note(
                f"{visible(name)} [pid {pid}] has not ended within {options.timeout:g} s; it still may"
            )
        else:
            say(f"{visible(name)}: stopped")
            told[name] = 0
    return not refused and not any(told.values())
