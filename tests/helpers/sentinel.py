"""A Sentinel that watches a server of a test."""

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
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    settings = folder / "sentinel.conf"
    settings.write_text(
        f"bind 127.0.0.1\nport {port}\ndir {folder}\nsentinel monitor jobs 127.0.0.1 {master.port} 1\n"
    )
    process = subprocess.Popen(
        [master.binary, settings, "--sentinel"], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    )
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
        process.terminate()
        process.wait(10)


def client_of(port: int) -> Any:
    """Return redis-py's client of the Sentinel at *port*."""
    make: Any = Sentinel
    return make([("127.0.0.1", port)], socket_timeout=5)
