"""Sentinels that watch servers of a test."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis
from redis.sentinel import Sentinel

from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually


@contextmanager
def watching(master: TestServer, folder: Path) -> Iterator[int]:
    """Run a Sentinel that knows *master* as "jobs", with its files in *folder*; give its port."""
    with sentinel(master, folder) as port:
        asking = client_of(port)

        def found() -> bool:
            try:
                return bool(asking.discover_master("jobs"))
            except redis.ConnectionError:
                return False

        try:
            eventually(found, timeout=15, message="Sentinel knows the master")
            yield port
        finally:
            for client in asking.sentinels:
                client.close()


@contextmanager
def sentinel(watched: TestServer, folder: Path, *lines: str, quorum: int = 1) -> Iterator[int]:
    """Run a Sentinel that takes *watched* for the master "jobs"; give its port. *lines* are settings."""
    folder.mkdir(exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    settings = folder / "sentinel.conf"
    monitor = f"sentinel monitor jobs 127.0.0.1 {watched.port} {quorum}"
    settings.write_text(
        "\n".join(("bind 127.0.0.1", f"port {port}", f"dir {folder}", monitor, *lines))
    )
    process = subprocess.Popen(
        [watched.binary, settings, "--sentinel"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )
    try:
        eventually(lambda: _listens(port), timeout=15, message="the Sentinel listens")
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def client_of(port: int) -> Any:
    """Return redis-py's client of the Sentinel at *port*."""
    make: Any = Sentinel
    return make([("127.0.0.1", port)], socket_timeout=5)
