"""What ``import kiq`` costs a producer: the standard library, redis, msgpack, and no network."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

import kiq
from tests.house.source import porch, wings

# An audit hook can't be removed, so this runs in an interpreter of its own.
SCRIPT = """
import json, sys
events = []
watched = ("socket.__new__", "socket.connect", "socket.bind", "socket.getaddrinfo",
           "subprocess.Popen", "os.fork", "os.posix_spawn")
sys.addaudithook(lambda event, args: events.append(event) if event in watched else None)
before = set(sys.modules)
import threading
threads = threading.active_count()
import kiq
print(json.dumps({
    "modules": sorted(set(sys.modules) - before),
    "events": events,
    "threads": threading.active_count() - threads,
}))
"""
#: hiredis, cryptography and opentelemetry (which FastAPI brings) come with redis when they are installed;
#: the rest is the runtime of compiled packages.
ALLOWED = {
    *("kiq", "redis", "msgpack", "hiredis", "cryptography", "opentelemetry", "cython_runtime")
}


@cache
def imported() -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    outcome: dict[str, Any] = json.loads(done.stdout)
    return outcome


def test_import_kiq_loads_the_standard_library_redis_and_msgpack_only() -> None:
    packages = {module.partition(".")[0] for module in imported()["modules"]}
    foreign = packages - set(sys.stdlib_module_names) - ALLOWED
    assert {each for each in foreign if not each.startswith("_cython_")} == set()


def test_import_kiq_loads_neither_worker_nor_porch() -> None:
    own = {module for module in imported()["modules"] if module.startswith("kiq.")}
    assert "kiq.client" in own
    upper = {"work"} | porch() | wings()
    assert not {each for each in own if each.split(".")[1] in upper}


def test_what_is_imported_at_its_first_use_is_there_and_nothing_else() -> None:
    assert all(getattr(kiq, name) is not None for name in kiq.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'cary'"):
        kiq.cary  # type: ignore[attr-defined]  # noqa: B018


def test_import_kiq_opens_no_socket_and_starts_no_process_or_thread() -> None:
    assert imported()["events"] == []
    assert imported()["threads"] == 0
