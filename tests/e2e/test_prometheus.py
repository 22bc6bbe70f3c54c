"""Metrics of a running parent: right with several processes, never back when one is replaced; scraped."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_parent import children
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import JOBS, Site, WorkerProcess

pytestmark = pytest.mark.needs("prometheus_client")


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


@pytest.fixture
def port() -> int:
    return free_port()


def get(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return str(answer.read().decode())


def number(port: int, name: str) -> float | None:
    """Return the number *name*, with its labels as they are written; None where it is absent."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", get(port, "/metrics"), re.MULTILINE)
    return float(found[1]) if found else None


def started(site: Site, port: int, *arguments: str, **environment: str | None) -> WorkerProcess:
    site.write("config/kiq.yml", "plugins: [kiq.contrib.prometheus_client:Prometheus]\n")
    return site.start("-c", "2", "--health", f"127.0.0.1:{port}", *arguments, **environment)


DONE = f'kiq_jobs_total{{class="{JOBS}.Note",outcome="succeeded"}}'


def test_a_parent_counts_over_deaths_and_restarts_and_tells_of_the_fleet_once(
    site: Site, port: int
) -> None:
    parent = started(site, port, "--processes", "2")
    for label in range(20):
        site.push("Note", f"{label}")
    eventually(lambda: number(port, DONE) == 20, 20)
    site.push("Hold", "held")
    eventually(lambda: number(port, "kiq_busy_jobs") == 1, 20)
    eventually(lambda: number(port, "kiq_fleet_processes") == 2, 20)
    assert number(port, "kiq_threads") == 4
    # Absent for a moment where another process takes the duty over, or a slow machine is late.
    eventually(lambda: number(port, 'kiq_queue_jobs{queue="default"}') == 0, 20)
    for pid in children(parent):
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: number(port, 'kiq_children_ended_total{how="crashed"}') == 2, 20)
    eventually(lambda: number(port, "kiq_reclaimed_jobs_total") == 1, 20)
    assert number(port, DONE) == 20
    site.release("held")
    site.push("Note", "after")
    eventually(lambda: number(port, DONE) == 21, 20)
    before = set(children(parent))
    parent.signal(signal.SIGUSR2)

    def are_replaced() -> bool:
        assert get(port, "/live").startswith("live: ")  # the port is kept: who asks waits in line
        return not before & set(children(parent))

    eventually(are_replaced, 40)
    assert number(port, DONE) == 21, "not less, and none twice"


class Prometheus:
    """A real one, that scrapes every second."""

    def __init__(self, folder: Path, target: int) -> None:
        self.port = free_port()
        job = {"job_name": "kiq", "static_configs": [{"targets": [f"127.0.0.1:{target}"]}]}
        settings = {"global": {"scrape_interval": "1s"}, "scrape_configs": [job]}
        (folder / "prometheus.yml").write_text(json.dumps(settings))
        command = ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data"]
        self._process = subprocess.Popen(
            [*command, f"--web.listen-address=127.0.0.1:{self.port}"],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def asked(self, query: str) -> list[Any]:
        """Return what it answers to *query*."""
        try:
            text = get(self.port, f"/api/v1/query?{urllib.parse.urlencode({'query': query})}")
        except OSError:
            return []  # it is starting
        result: list[Any] = json.loads(text)["data"]["result"]
        return result

    def close(self) -> None:
        self._process.kill()
        self._process.wait(10)


@pytest.fixture
def prometheus(tmp_path: Path, port: int) -> Iterator[Prometheus]:
    if shutil.which("prometheus") is None:
        pytest.skip("Prometheus (Debian's package of that name) is not installed")
    made = Prometheus(tmp_path, port)
    yield made
    made.close()


def test_a_real_prometheus_scrapes_a_lone_worker_that_measures_itself(
    site: Site, port: int, prometheus: Prometheus
) -> None:
    started(site, port, KIQ_DISABLE_PLUGINS="metrics")
    site.push("Note", "one")
    eventually(lambda: prometheus.asked(f"{DONE} == 1"), 30, interval=0.2)
    assert prometheus.asked("up == 1")
    assert prometheus.asked("kiq_job_run_seconds_bucket")
