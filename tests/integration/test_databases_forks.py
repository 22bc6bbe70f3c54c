"""A forked worker has connections of its own: those of its parent go on, undisturbed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.helpers.postgresql import PostgreSQL, program
from tests.helpers.worker_process import ROOT

pytestmark = [
    pytest.mark.needs("sqlalchemy"),
    pytest.mark.skipif(program("initdb") is None, reason="PostgreSQL is not installed"),
]

#: Each line that it prints is who asked, and which process of PostgreSQL answered.
SCRIPT = """
import gc, logging, os, sys
import sqlalchemy as sa
from sqlalchemy.orm import scoped_session, sessionmaker
import kiq
from kiq import forking
from kiq.contrib.sqlalchemy import Sessions

logging.basicConfig(stream=sys.stdout)
engine = sa.create_engine(sys.argv[1], pool_pre_ping=True, pool_size=1)
Scoped = scoped_session(sessionmaker(engine))
if "without" not in sys.argv:
    kiq.host.install(Sessions(Scoped))

def ask(who):
    print(who, Scoped.execute(sa.text("SELECT pg_backend_pid()")).scalar_one(), flush=True)

def child():
    ask("child")
    Scoped.remove()
    engine.dispose()
    gc.collect()
    return 0

ask("parent")
if "open" not in sys.argv:
    Scoped.remove()
codes = [os.waitstatus_to_exitcode(os.waitpid(forking.fork(kiq.host, child), 0)[1]) for _ in range(2)]
ask("parent")
print("codes", *codes)
"""


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQL]:
    server = PostgreSQL()
    yield server
    server.stop()


def run(postgresql: PostgreSQL, *words: str) -> tuple[dict[str, list[str]], str]:
    """Run the script; return what each line says by its first word, and all that it wrote."""
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, postgresql.url, *words],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said: dict[str, list[str]] = {}
    for line in ran.stdout.splitlines():
        word, _, rest = line.partition(" ")
        said.setdefault(word, []).append(rest)
    return said, ran.stdout + ran.stderr


@pytest.mark.parametrize("words", [(), ("open",)])
def test_children_and_parent_never_share_a_connection(
    postgresql: PostgreSQL, words: tuple[str, ...]
) -> None:
    said, text = run(postgresql, *words)
    assert said["codes"] == ["0 0"], text
    first, last = said["parent"]
    assert first == last, text
    assert len({first, *said["child"]}) == 3, text
    assert ("has a session with a transaction while this process forks" in text) is bool(words)


def test_without_the_plugin_they_would(postgresql: PostgreSQL) -> None:
    said, text = run(postgresql, "without")
    assert said["child"][0] == said["parent"][0], text
