"""Copies of this repository in a temporary folder: mutated there, and tested there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.mutant import Change, Mutant, Nodes

ROOT = Path(__file__).parents[2]
#: Each test has a time limit of its own (pyproject.toml); a run that takes so long is stuck.
_PATIENCE = 900.0
#: What these tests can do without: hypothesis takes longer to load than most of them to run.
_SPARE = ("-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest")
#: What pytest says of an assertion that failed.
_ASSERTED = ("AssertionError", "assert ", "Failed: DID NOT")
#: What a mutant says that has a mistake of its own, and so proves nothing.
_BROKEN = re.compile(
    r"\b(NameError|AttributeError|ImportError|SyntaxError|ModuleNotFoundError|UnboundLocalError)\b"
    r"|attempt(ed)? to (index|call|compare|concatenate|perform|access nonexistent)"
)
#: Run in a copy: which kiq tests and worker processes import there, and does Redis take the scripts?
_PROBE = """
import importlib, os, subprocess, sys
import kiq
from kiq.store import scripts
from tests.helpers.server import TestServer
from tests.helpers.worker_process import ROOT
show = [sys.executable, "-c", "import kiq; print(kiq.__file__)"]
print(kiq.__file__)
print(subprocess.check_output(show, env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd="/", text=True))
for name in sys.argv[1:]:
    importlib.import_module(name)
server = TestServer()
for script in scripts.ALL:
    server.client().script_load(script.text)
server.stop()
"""


@dataclass(frozen=True)
class Outcome:
    """What became of the tests of a mutant. *problem* says why it is not caught, "" when it is."""

    problem: str
    caught_by: str = ""
    complaint: str = ""
    seconds: float = 0.0


class Copy:
    """kiq, its tests, documents (with code that tests run) and settings, in a *folder* that is made for it.

    The first is of this repository, as it stands at that moment; others are made of that one
    (*source*), and with its compiled files, which saves a second each.
    """

    def __init__(self, folder: Path, source: Path = ROOT) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        left_out = ("mutants", "__pycache__") if source == ROOT else ()
        for part in ("kiq", "tests", "docs"):
            ignore = shutil.ignore_patterns(*left_out)
            shutil.copytree(source / part, folder / part, ignore=ignore)
        shutil.copy(source / "pyproject.toml", folder)

    def mutate(self, mutant: Mutant) -> None:
        """Make the changes of *mutant*. Raises ValueError if one does not fit this kiq any more."""
        for change in mutant.changes:
            text = self.changed(mutant, change)
            (self.folder / change.file).write_text(text, encoding="utf-8")

    def changed(self, mutant: Mutant, change: Change) -> str:
        """Return the file of *change* with the change made. Raises ValueError if it does not fit."""
        path = self.folder / change.file
        if not path.is_file():
            raise ValueError(
                f"mutant {mutant.name!r}: there is no {change.file}; name the file it means"
            )
        text = path.read_text(encoding="utf-8")
        count = text.count(change.old)
        if count != 1:
            raise ValueError(
                f"mutant {mutant.name!r}: its text occurs {count} times in {change.file}, and must "
                f"once; make it fit the code again: {change.old!r}"
            )
        return text.replace(change.old, change.new)

    def probe(self, mutant: Mutant | None = None) -> None:
        """Make sure that tests and workers run this copy, and that it loads. Raises ValueError.

        Else the death of a worker that never came to life would pass for a mutant that was caught.
        """
        changes = mutant.changes if mutant else ()
        modules = [_module(each.file) for each in changes if each.file.endswith(".py")]
        done = self._python("-c", _PROBE, *modules)
        if done.returncode != 0:
            raise ValueError(f"this copy does not load:\n{done.stdout}{done.stderr}")
        wanted = [str(self.folder / "kiq" / "__init__.py")] * 2
        if done.stdout.split() != wanted:
            raise ValueError(f"not this copy is tested, but {done.stdout.split()}")

    def test(self, nodes: Nodes, error: str = "") -> Outcome:
        """Run the tests *nodes* until one fails; say whether one did, by an assertion or *error*."""
        report = self.folder / "report.xml"
        began = time.monotonic()
        done = self._python(
            *("-m", "pytest", *nodes, "-x", f"--junitxml={report}", *_SPARE),
        )
        outcome = _read(done, report, (*_ASSERTED, error) if error else _ASSERTED)
        return Outcome(
            outcome.problem, outcome.caught_by, outcome.complaint, time.monotonic() - began
        )

    def control(self, nodes: Nodes) -> str:
        """Run the tests *nodes*, which must pass here; return "" or what pytest said."""
        done = self._python("-m", "pytest", *nodes, *_SPARE)
        return "" if done.returncode == 0 else done.stdout + done.stderr

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder)

    def _python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        # Nothing that is set for the tests around these may reach them.
        ours = ("PYTEST", "COV", "KIQ_", "CHAOS_", "REDIS_URL")
        kept = ("KIQ_TEST_REDIS_SERVER",)
        environment = {
            name: value
            for name, value in os.environ.items()
            if name in kept or not name.startswith(ours)
        }
        command = [sys.executable, *arguments]
        environment["PYTHONPATH"] = str(self.folder)
        try:
            return subprocess.run(
                command,
                cwd=self.folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=_PATIENCE,
            )
        except subprocess.TimeoutExpired as error:
            raise ValueError(f"still running after {_PATIENCE:.0f} s: {command}") from error


def _module(file: str) -> str:
    return file.removesuffix(".py").replace("/", ".")


def _read(done: subprocess.CompletedProcess[str], report: Path, wanted: tuple[str, ...]) -> Outcome:
    """Read what pytest left. Only a test that failed in one of the *wanted* words counts."""
    if done.returncode == 0:
        return Outcome("it survives: every test passed")
    said = (done.stdout + done.stderr)[-4000:]
    if done.returncode != 1 or not report.is_file():
        return Outcome(f"pytest ended with {done.returncode}:\n{said}")
    cases = ElementTree.parse(report).getroot().iter("testcase")
    for case in cases:
        failure = case.find("failure")
        if failure is None:
            continue
        complaint = failure.get("message", "")
        if not complaint.startswith(wanted):
            return Outcome(f"no assertion failed, but: {complaint}\n{said}")
        broken = _BROKEN.search(done.stdout)
        if broken:
            return Outcome(f"the mutant itself is broken: {broken[0]}\n{said}")
        return Outcome("", case.get("name", ""), complaint.splitlines()[0])
    return Outcome(f"no test failed, and pytest ended with 1:\n{said}")
