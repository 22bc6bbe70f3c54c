"""A child that a job forked acts for nobody, though a worker of its own may run in it for a while."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import redis

from tests.helpers.worker_process import ROOT

SCRIPT = """
import os, sys
from pathlib import Path
from kiq import children
from tests.helpers.driven import DrivenWorker

def present_while(place, name):
    with DrivenWorker(sys.argv[1], Path(place) / name):
        during = children.present
    return [during, children.present]

place = sys.argv[2]
print("parent", *present_while(place, "one"), flush=True)
with DrivenWorker(sys.argv[1], Path(place) / "two"):
    print("parent", *present_while(place, "three"), flush=True)  # another goes on running
    pid = os.fork()
    if not pid:
        print("child", children.present, *present_while(place, "four"), flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
print("parent", children.present)
"""


def test_it_is_a_copy_before_and_after_and_not_while_a_worker_runs_in_it(
    raw: redis.Redis, redis_url: str, tmp_path: Path
) -> None:
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, redis_url, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = [line for line in ran.stdout.splitlines() if line.startswith(("parent", "child"))]
    assert said == [
        "parent False False",
        "parent False False",
        "child True False True",
        "parent False",
    ], ran.stdout + ran.stderr
