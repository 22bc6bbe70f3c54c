"""A machine as the recipes expect it, in a folder: an application, its variables, logs and pids."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import JOBS, ROOT, Site

DEPLOY = ROOT / "deploy"
#: What changes the user, which only root can, and only where there is a user kiq.
_USERS = re.compile(r'^user=kiq$|^ *w\.[ug]id = "kiq"$|as uid "kiq" and gid "kiq" ', re.MULTILINE)


class Ground(Site):
    """A site with the folders that recipes name, and a port of its own for health."""

    def __init__(self, server: TestServer, folder: Path) -> None:
        super().__init__(server, folder)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.write("app/config/kiq.yml", f"require: [{JOBS}]\n")
        for name in ("app/.venv/bin", "log", "run", "etc"):
            (folder / name).mkdir(parents=True)
        kiq = folder / "app/.venv/bin/kiq"
        kiq.symlink_to(Path(sys.executable).parent / "kiq")
        self.variables = {
            "REDIS_URL": self.url,
            "JOBS_REDIS_URL": self.url,
            "PYTHONPATH": str(ROOT),
            "KIQ_RUN_DIR": str(server.folder / "run"),
            "KIQ_HEALTH": f"127.0.0.1:{self.port}",
        }
        lines = [f"{name}={value}\n" for name, value in self.variables.items()]
        self.write("etc/kiq.env", "".join(lines))

    def recipe(self, name: str) -> str:
        """Return the recipe *name*, with the folders, the port and the Redis of this ground."""
        text = _USERS.sub("", (DEPLOY / name).read_text())
        for there, here in (
            ("/srv/app", self.folder / "app"),
            ("/var/log/kiq", self.folder / "log"),
            ("/run/kiq", self.folder / "run"),
            ("/etc/kiq", self.folder / "etc"),
            ("redis://localhost:6379/0", self.url),
            ("7433", self.port),
        ):
            text = text.replace(there, str(here))
        return text

    def close(self) -> None:
        """End the supervisor, and what it has left; say what it wrote."""
        for each in self._started:
            print(each.log)
        super().close()
        for pid in filter(self._runs_here, self.parents):
            os.kill(pid, signal.SIGKILL)

    def _runs_here(self, pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/cwd").readlink() == self.folder / "app"
        except OSError:
            return False

    @property
    def log(self) -> str:
        """What kiq has written, through all its starts."""
        file = self.folder / "log/kiq.log"
        return file.read_text(errors="replace") if file.exists() else ""

    @property
    def parents(self) -> list[int]:
        """The pids of the parents that have started, in order."""
        return [int(pid) for pid in re.findall(r"this is the parent of .*\(pid (\d+)\)", self.log)]

    def works(self, starts: int) -> int:
        """Wait until a parent works that is the start number *starts*; return its pid."""
        eventually(
            lambda: len(self.parents) >= starts, 30, message=f"start {starts} of\n{self.log}"
        )
        assert len(self.parents) == starts, self.log
        self.push("Note", f"start {starts}")
        self.noted(f"start {starts}", timeout=30)
        return self.parents[-1]

    def comes_back(self) -> None:
        """Kill the first parent with -9, and wait for the second: nothing of the first is left."""
        first = self.works(1)
        begun = time.monotonic()
        os.kill(first, signal.SIGKILL)
        second = self.works(2)
        print(f"killed {first}; {second} ran a job {time.monotonic() - begun:.1f} s later")

    def works_still(self, why: str) -> None:
        """Wait until a job runs, in the same parent as before."""
        self.push("Note", why)
        self.noted(why, timeout=30)
        assert len(self.parents) == 1, self.log

    def stops_in_order(self, stop: Callable[[], object]) -> None:
        """Let *stop* end it while a job runs for some seconds: that runs to its end, once."""
        self.push("Stubborn", "at the stop", 4.0)
        self.noted("begin at the stop")
        begun = time.monotonic()
        stop()
        bye = re.compile(rf"pid={self.parents[-1]} tid=\w+ INFO: bye$", re.MULTILINE)
        eventually(lambda: bye.search(self.log), 30, message=f"the parent ends:\n{self.log}")
        print(f"stopped in {time.monotonic() - begun:.1f} s")
        assert self.notes.count("begin at the stop") == self.notes.count("end at the stop") == 1
        assert all(self.count(name) == 0 for name in ("queue:default", "retry", "dead"))


def children(pid: int) -> list[int]:
    """Return the pids of what the first thread of *pid* has started."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def tool(name: str) -> str:
    """Return the path of a supervisor: of .venvs/recipes, or of the system; skip where it is not."""
    found = shutil.which(name, path=f"{ROOT / '.venvs/recipes/bin'}:{os.environ['PATH']}:/usr/sbin")
    return found or pytest.skip(f"{name} is not installed")
