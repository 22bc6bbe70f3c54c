"""The Rubies that Sidekiq is tried with, and what is said of those that can't be had.

``KIQ_TEST_RUBIES`` has one on each line: ``machine`` (what ``ruby`` is here), ``NAME=FOLDER`` (one in a
Debian that ``.ci/debian-release`` made), or ``NAME!REASON`` (one that can't be had: the summary says
why its tests are not run). Without the variable it is the machine's, if it has Sidekiq.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_FOLDER = _ROOT / "tests" / "contract" / "ruby"
_MACHINE = "machine"


@dataclass(frozen=True)
class Ruby:
    """A Ruby with Sidekiq: what it is called here, and how to run a program of it."""

    name: str
    prefix: tuple[str, ...] = ()

    def program(self, name: str, *arguments: str) -> list[str]:
        """Return the command that runs *name*, ``ruby`` or ``sidekiq``."""
        return [*self.prefix, name, *arguments]

    @functools.cached_property
    def version(self) -> str:
        """The version of its Sidekiq; empty where it can't be used."""
        done = self._probed
        return done.stdout.strip() if done is not None and done.returncode == 0 else ""

    @functools.cached_property
    def problem(self) -> str:
        """Why it can't be used; empty if it can."""
        done = self._probed
        if done is None:
            return "there is no program ruby"
        return "" if self.version else (done.stderr.strip().splitlines() or ["it says nothing"])[0]

    @functools.cached_property
    def _probed(self) -> subprocess.CompletedProcess[str] | None:
        probe = 'require "sidekiq"; require "active_job"; require "rack"; puts Sidekiq::VERSION'
        command = self.program("ruby", "-e", probe)
        if not shutil.which(command[0]):
            return None
        return subprocess.run(command, capture_output=True, text=True, check=False)


def wanted() -> tuple[list[Ruby], dict[str, str]]:
    """Return the Rubies to use, and the others with the reason. Raises UsageError where one is broken."""
    text = os.environ.get("KIQ_TEST_RUBIES")
    if text is None:
        here = Ruby(_MACHINE)
        return ([], {_MACHINE: here.problem}) if here.problem else ([here], {})
    found, missing = list[Ruby](), dict[str, str]()
    for line in filter(None, text.splitlines()):
        name, folder, reason = _parts(line)
        if reason:
            missing[name] = reason
            continue
        inside = (str(_ROOT / ".ci" / "in-debian-release"), folder) if folder else ()
        ruby = Ruby(name, inside)
        if ruby.problem:
            raise pytest.UsageError(f"KIQ_TEST_RUBIES names {name}, but {ruby.problem}")
        found.append(ruby)
    return found, missing


def _parts(line: str) -> tuple[str, str, str]:
    for sign in "=!":
        name, found, rest = line.partition(sign)
        if found and name.isidentifier():
            return (name, rest, "") if sign == "=" else (name, "", rest)
    if line != _MACHINE:
        raise pytest.UsageError(
            f"KIQ_TEST_RUBIES: {line!r} is not machine, NAME=FOLDER or NAME!REASON"
        )
    return _MACHINE, "", ""


class Rubies:
    """Says in the summary which Rubies were tried, and which not, and why; a plugin of pytest."""

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter, config: pytest.Config
    ) -> None:
        """Say so, where these tests were asked for."""
        if any(_concerned(argument) for argument in config.args):
            for line in _tried_and_not():
                terminalreporter.write_line(line)


def _tried_and_not() -> Iterator[str]:
    found, missing = wanted()
    if found:
        names = ", ".join(f"{ruby.version} ({ruby.name})" for ruby in found)
        yield f"tests/contract/ruby: with Sidekiq {names}"
    for name, reason in missing.items():
        yield f"tests/contract/ruby: not run with the Sidekiq of {name}: {reason}"


def _concerned(argument: str) -> bool:
    path = Path(argument.partition("::")[0]).resolve()
    return path in (_FOLDER, *_FOLDER.parents) or _FOLDER in path.parents
