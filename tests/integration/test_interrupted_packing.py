"""A signal whose handler raises while a command is packed: the call raises, the process goes on."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.helpers.worker_process import ROOT

PROGRAM = """
import signal, sys
from tests.helpers.depot import open_link

class Told(BaseException):
    pass

def tell(*_):
    raise Told

signal.signal(signal.SIGALRM, tell)
link = open_link(sys.argv[1])
numbers = [*range(1_000_000)] if sys.argv[2] == "int" else [n / 7 for n in range(1_000_000)]
for delay in (0.02, 0.06, 0.1, 0.15, 0.2):
    signal.setitimer(signal.ITIMER_REAL, delay)
    try:
        getattr(link, sys.argv[3])([("RPUSH", "numbers", *numbers)])
        signal.pause()
    except Told:
        pass
assert link.call(("PING",)) in (b"PONG", "PONG"), "the link is used again"
"""


@pytest.mark.parametrize("kind", ["int", "float"])
@pytest.mark.parametrize("way", ["exchange", "prepared"])
def test_the_process_goes_on(redis_url: str, kind: str, way: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, redis_url, kind, way],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
