"""Where a test plays: a private server, the programs of a contender, their deaths and returns."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from parts.away_server import AwayServer
from support import BenchmarkError, Program, environment

from features.contender import Contender, Role
from features.homes import APPS
from features.journal import Mark, read

_LOOK_EVERY = 0.1  # seconds
_REDIS_AWAY = 1.0  # seconds
_RESTARTED_AFTER = 1.0  # seconds after it ended: systemd waits 0.1 s by default, Kubernetes longer

#: A fault: after so many seconds, what is done to the stage.
Fault = tuple[float, Callable[["Stage"], None]]


class Stage:
    """A context manager that runs the crew of *contender* for *test*. *bin_folder* has its programs."""

    def __init__(
        self, contender: Contender, test: str, bin_folder: Path, server: AwayServer
    ) -> None:
        self.contender = contender
        self.server = server
        self.deaths: dict[str, float] = {}
        self.ended_alone = 0
        self._bin = bin_folder
        self._journal = server.folder / "journal"
        self._journal.write_text("")
        self._variables = {
            "BENCH_JOURNAL": str(self._journal),
            "BENCH_TEST": test,
            "BENCH_PERIOD": f"{contender.period}",
            "KIQ_RUN_DIR": str(server.folder / "run"),
            "KIQ_LOG_LEVEL": "warning",
            **contender.variables,
        }
        self._stack = ExitStack()
        self._programs: dict[tuple[str, int], tuple[str, Program]] = {}
        self._lives = 0

    def __enter__(self) -> Stage:
        for role in self.contender.crew:
            for number in range(role.count):
                self._start(role, number)
        return self

    def __exit__(self, *_: object) -> None:
        for _name, program in self._programs.values():
            _kill(program)  # nobody waits for an orderly end: what was to be seen was seen
        self._stack.close()

    def marks(self) -> list[Mark]:
        """Return what was noted so far."""
        return read(self._journal)

    def play(
        self,
        seconds: float,
        faults: Sequence[Fault] = (),
        until: Callable[[], bool] | None = None,
    ) -> bool:
        """Let *seconds* pass, with *faults* at their times, or less when *until* says so; tell that.

        What ends by itself is started again after a second, as a supervisor does.
        """
        began, left = time.monotonic(), sorted(faults, key=lambda fault: fault[0])
        while (now := time.monotonic() - began) < seconds:
            self._tend()
            while left and left[0][0] <= now:
                left.pop(0)[1](self)
            if until is not None and until():
                return True
            time.sleep(_LOOK_EVERY)
        return False

    def push(self, what: str, name: str, *figures: float) -> Program:
        """Start a program that pushes; see features/apps/storm.py."""
        command = (*self.contender.pusher, what, name, *(f"{figure:g}" for figure in figures))
        return self._program(command, name)

    def kill(self, role: str, number: int) -> None:
        """Kill -9 that program with all that it has forked, and start another at once."""
        name, program = self._programs[role, number]
        _kill(program)
        self.deaths[name] = time.time()
        self._start(self._role(role), number)

    def kill_redis(self) -> None:
        """Kill -9 the server, and start it again after a second."""
        self.server.killed_for(_REDIS_AWAY)

    def said(self) -> str:
        """Return the ends of the logs of all programs that run, for whoever looks for a cause."""
        return "\n".join(f"{name}: {each.log[-500:]}" for name, each in self._programs.values())

    def _tend(self) -> None:
        for (role, number), (name, program) in list(self._programs.items()):
            try:
                program.check()
            except BenchmarkError:
                self.deaths.setdefault(name, time.time())
                self.ended_alone += 1
                time.sleep(_RESTARTED_AFTER)
                self._start(self._role(role), number)

    def _role(self, name: str) -> Role:
        return next(role for role in self.contender.crew if role.name == name)

    def _start(self, role: Role, number: int) -> None:
        self._lives += 1
        name = f"{role.name}{number}.{self._lives}"
        self._programs[role.name, number] = (name, self._program(role.command, name))

    def _program(self, command: Sequence[str], name: str) -> Program:
        url = self.server.url()
        variables = environment(url, **self._variables, BENCH_PROGRAM=name)
        variables["PYTHONPATH"] = str(APPS)
        places = {"bin": self._bin, "apps": APPS, "url": url, "me": name}
        words = [word.format(**places) for word in command]
        return self._stack.enter_context(Program(words, self.server.folder, variables))


def _kill(program: Program) -> None:
    """Kill the whole session at once, as the end of a container does: RQ's jobs leave their group."""
    for pid in _session(program.pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it ended before


def _session(leader: int) -> list[int]:
    """Return the processes of the session of *leader*, which comes first: it starts no more then."""
    found = [leader]
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it is gone
        if int(fields[3]) == leader and int(stat.parent.name) != leader:
            found.append(int(stat.parent.name))
    return found


def killed(role: str, number: int) -> Callable[[Stage], None]:
    """Return the fault that kills that program."""
    return lambda stage: stage.kill(role, number)


def redis_killed(stage: Stage) -> None:
    """Kill the server, and start it again: a fault."""
    stage.kill_redis()
