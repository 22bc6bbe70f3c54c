"""Run squares of the matrix: ``python -m tests.matrix.run [NAME ...]``; without names all of them.

``--ci`` first runs what CI runs besides: ``make test``, the contract on the server that
``KIQ_TEST_REDIS_SERVER_2`` names (where the square "namespace" has its server too), ``make walk``,
``make ruby``. Each square has an environment in
``.venvs``, made anew when pyproject.toml changes. At the end stands how each went; one that could not be
run is named, with the reason. Exit 1 if a test failed, 2 if nothing could be run. ``PYTEST_ARGS``: more
for pytest.

A test that failed beside others is run once more, alone: one that passes then is named as unsteady, with
what it first said above. That is a fault to be mended, but a few of them in all fail nothing (ADR 59).
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kiq.embedded.locate import find_binary
from tests.matrix.interpreters import Interpreter, NotToBeHad, find
from tests.matrix.squares import ROOT, Square, squares

_COUNTS = re.compile(r"(\d+) (passed|failed|errors?|skipped|xfailed|xpassed)\b")
#: The line that pytest closes with: "12 passed, 1 failed in 3.21s".
_CLOSING = re.compile(r"^(=+ )?(\d+ \w+, )*\d+ \w+ in \d+\.\d+s\b")
#: The line of a test in pytest's summary: "FAILED tests/x.py::test_y[z] - AssertionError".
_FAILED = re.compile(r"^(?:FAILED|ERROR) (tests/\S+::.+?)(?: - .*)?$")
#: How many files of all squares may have unsteady tests: more look like a fault of kiq's.
UNSTEADY = 4


@dataclass
class Result:
    """How one square went."""

    name: str
    python: str = "-"
    what: str = ""
    counts: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    problem: str = ""  # why it did not run, or how it ended where no test says it
    failures: list[str] = field(default_factory=list)  # tests that failed
    unsteady: list[str] = field(default_factory=list)  # of which these passed alone

    @property
    def ran(self) -> bool:
        """Whether any test ran."""
        return self.counts["passed"] + self.failed > 0

    @property
    def failed(self) -> int:
        """How many tests failed, or broke."""
        return self.counts["failed"] + self.counts["error"]

    def words(self) -> str:
        """What the summary says of it."""
        if self.problem and not self.ran:
            return self.problem
        found = ", ".join(f"{count:,} {what}" for what, count in self.counts.items() if count)
        return f"{found} in {self.seconds:.0f} s{self.problem and f'; {self.problem}'}"


def run_square(square: Square) -> Result:
    """Make the environment of *square* if need be, and run its tests."""
    result = Result(square.name, what=square.what)
    began = time.monotonic()
    try:
        interpreter = find(square.python) if square.python else Interpreter(sys.executable)
    except NotToBeHad as error:
        result.problem = f"NOT RUN: {error}"
        return result
    result.python = interpreter.version() or "-"
    environment = ROOT / ".venvs" / square.name
    print(f"\n== {square.name}: Python {result.python}, {square.what}", flush=True)
    if not _prepared(square, interpreter, environment):
        result.problem = f"FAILED: pip could not install it; see {environment}.log"
        return result
    pytest = (str(environment / "bin" / "python"), "-m", "pytest")
    words = (*pytest, *_parallel(), *square.options, *square.tests)
    variables = _variables(square, interpreter, environment)
    run_tests(interpreter.command(*words, *_more()), variables, result)
    try_again(result, interpreter.command(*pytest, *square.options), variables)
    result.seconds = time.monotonic() - began
    return result


def try_again(result: Result, command: Sequence[str], variables: Mapping[str, str]) -> None:
    """Run by *command* once more, alone, what failed; note in *result* which of it is unsteady."""
    if not 0 < result.failed == len(result.failures) or len(_files(result.failures)) > UNSTEADY:
        return
    print(f"\n== once more, alone: {' '.join(result.failures)}", flush=True)
    alone = Result(result.name)
    run_tests((*command, *result.failures), variables, alone)
    if alone.ran and not alone.failed and not alone.problem:
        result.unsteady, result.failures = result.failures, []
        result.counts["passed"] += alone.counts["passed"]
        result.counts["failed"] = result.counts["error"] = 0


def _files(tests: Sequence[str]) -> set[str]:
    return {test.partition("::")[0] for test in tests}


def _prepared(square: Square, interpreter: Interpreter, environment: Path) -> bool:
    """Make *environment*, unless it is the one that would be made now."""
    wanted = ",".join(("test", *square.extras))
    install = ["-e", f"{ROOT}[{wanted}]", *square.requirements()]
    state = "\n".join(
        (interpreter.path, str(interpreter.version()), *install, _digest(ROOT / "pyproject.toml"))
    )
    stamp = environment / ".set-up"
    if stamp.is_file() and stamp.read_text() == state:
        return True
    shutil.rmtree(environment, ignore_errors=True)
    environment.parent.mkdir(exist_ok=True)
    pip = (str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet")
    with Path(f"{environment}.log").open("w") as log:
        for words in ((interpreter.path, "-m", "venv", str(environment)), (*pip, *install)):
            if subprocess.run(interpreter.command(*words), stdout=log, stderr=log).returncode:
                return False
    stamp.write_text(state)
    return True


def _variables(square: Square, interpreter: Interpreter, environment: Path) -> dict[str, str]:
    """Return the variables of the tests' process."""
    # Whoever is in another Debian finds a server there; else it is the one of .venv, or what is named.
    server = "redis-server"
    if interpreter.folder is None:
        server = os.environ.get("KIQ_TEST_REDIS_SERVER") or str(find_binary())
        _name_valkey(environment / "bin", server)
    if square.namespace:  # two axes at once: integration takes too long to be run for each alone
        server = os.environ.get("KIQ_TEST_REDIS_SERVER_2") or server
    return {
        **os.environ,
        "PATH": os.pathsep.join((str(environment / "bin"), os.environ["PATH"])),
        "KIQ_TEST_REDIS_SERVER": server,
        "KIQ_TEST_WITHOUT": " ".join(square.missing),
        "KIQ_TEST_BY": square.by,
        **({"KIQ_TEST_NAMESPACE": square.namespace} if square.namespace else {}),
    }


def _name_valkey(folder: Path, server: str) -> None:
    """Let tests of the embedded server find one where the extra for it is not installed."""
    found = shutil.which(server)
    name = folder / "valkey-server"
    if found and not name.exists():
        name.symlink_to(found)


def run_tests(command: Sequence[str], variables: Mapping[str, str], result: Result) -> None:
    """Run tests, show what they write, and note in *result* what pytest counts."""
    with subprocess.Popen(
        list(command),
        cwd=ROOT,
        env=dict(variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            sys.stdout.write(line)
            sys.stdout.flush()
            if failed := _FAILED.match(line):
                result.failures.append(failed[1])
            if _CLOSING.match(line):
                for count, what in _COUNTS.findall(line):
                    result.counts[what.removesuffix("s") if "error" in what else what] += int(count)
    if process.returncode and not result.failed:
        result.problem = f"FAILED with exit code {process.returncode}"
    elif not result.ran:
        result.problem = "FAILED: no test ran"


def run_ours(name: str, what: str, *command: str, **variables: str) -> Result:
    """Run the tests of *command* in ``.venv``, where this process runs."""
    result = Result(name, ".".join(map(str, sys.version_info[:3])), what)
    print(f"\n== {name}: Python {result.python}, {what}", flush=True)
    began = time.monotonic()
    run_tests(command, {**os.environ, **variables}, result)
    try_again(result, (sys.executable, "-m", "pytest"), {**os.environ, **variables})
    result.seconds = time.monotonic() - began
    return result


def run_besides() -> Iterator[Result]:
    """Run what CI runs besides the squares."""
    make = ("make", "--no-print-directory")
    # Its own run on the second server would be counted with it.
    first = {"KIQ_TEST_REDIS_SERVER_2": ""}
    yield run_ours(
        "test", "all tests, all extras, the newest of everything", *make, "test", **first
    )
    server = os.environ.get("KIQ_TEST_REDIS_SERVER_2")
    if server:
        words = (
            sys.executable,
            "-m",
            "pytest",
            *_parallel(),
            "tests/contract",  # tests/integration goes there with the square "namespace"
        )
        yield run_ours("second-server", server, *words, KIQ_TEST_REDIS_SERVER=server)
    else:
        yield Result("second-server", problem="NOT RUN: KIQ_TEST_REDIS_SERVER_2 names no server")
    yield run_ours("walk", "what README says, and a wheel beside a Redis", *make, "walk")
    yield run_ours("ruby", "beside Sidekiqs of Ruby", *make, "ruby")


def summary(results: Sequence[Result]) -> str:
    """Return the table that closes a run."""
    rows = [(each.name, each.python, each.words()) for each in results]
    widths = [max(len(row[at]) for row in rows) for at in (0, 1)]
    lines = [f"{name:<{widths[0]}}  {python:<{widths[1]}}  {said}" for name, python, said in rows]
    total = sum((each.counts for each in results), Counter[str]())
    failed = sum(each.failed or each.problem.startswith("FAILED") for each in results)
    unsteady = [f"UNSTEADY in {each.name}: {test}" for each in results for test in each.unsteady]
    return "\n".join(
        (
            "",
            "square, Python, what became of it:",
            *lines,
            *unsteady,
            f"{total['passed']} passed, {failed} failed, {len(unsteady)} unsteady",
        )
    )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _parallel() -> tuple[str, ...]:
    # As in the Makefile: many tests wait most of the while.
    return ("-n", os.environ.get("LANES") or str((os.cpu_count() or 1) + 3), "--dist", "worksteal")


def _more() -> list[str]:
    return shlex.split(os.environ.get("PYTEST_ARGS", ""))


def _chosen(known: Mapping[str, Square], names: Sequence[str]) -> list[Square]:
    """Return what is named; else all but what ``make test`` is: the Python of ``.venv``, all extras."""
    ours = "python-{}.{}".format(*sys.version_info)
    return [known[name] for name in names or known if names or name != ours]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the squares that are named; return the exit code."""
    known = {square.name: square for square in squares()}
    parser = argparse.ArgumentParser(prog="tests.matrix.run")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)}")
    parser.add_argument("--list", action="store_true", help="only say which there are")
    parser.add_argument("--ci", action="store_true", help="and first what CI runs besides")
    chosen = parser.parse_args(arguments)
    wrong = [name for name in chosen.names if name not in known]
    if wrong:
        parser.error(f"there is no square {wrong[0]}: they are {', '.join(known)}")
    if chosen.list:
        for square in known.values():
            print(f"{square.name:<14}{square.what}: {' '.join(square.tests)}")
        return 0
    results = list(run_besides()) if chosen.ci else []
    results += (run_square(square) for square in _chosen(known, chosen.names))
    print(summary(results), flush=True)
    if any(each.failed or each.problem.startswith("FAILED") for each in results):
        return 1
    if sum(len(_files(each.unsteady)) for each in results) > UNSTEADY:
        return 1
    return 0 if any(each.ran for each in results) else 2


if __name__ == "__main__":
    sys.exit(main())
