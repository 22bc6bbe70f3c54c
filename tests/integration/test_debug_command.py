"""``kiq debug``: a job runs here, the debugger opens where it fails, and the job stays where it is."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest
import redis

import kiq
from tests.helpers.commands import Outcome
from tests.helpers.contents import contents
from tests.helpers.worker_process import KIQ, ROOT

CODE = """
import kiq

class Breaks(kiq.Job, name="Breaks", time_limit=0.01):
    def perform(self, sum, how="raises"):
        print(f"attempt {self.attempt} of {self.jid}")
        if how == "raises":
            raise ValueError(f"no such sum: {sum}")
        if how == "snoozes":
            raise kiq.Snooze(60)

@kiq.job(name="AsyncBreaks")
async def later(sum):
    raise ValueError(f"async: {sum}")

@kiq.host.around_perform
def layer(context, call_next):
    print("layer begins")
    return call_next(context)
"""
#: A debugger of somebody else, as PYTHONBREAKPOINT names one.
OTHER = """
def set_trace():
    print("stopped")

def post_mortem(traceback):
    while traceback.tb_next:
        traceback = traceback.tb_next
    print("looks at", traceback.tb_frame.f_code.co_name, traceback.tb_frame.f_locals["sum"])
"""


@pytest.fixture
def app(command_store: redis.Redis, tmp_path: Path) -> Path:
    (tmp_path / "debug_jobs.py").write_text(CODE)
    (tmp_path / "other_debugger.py").write_text(OTHER)
    return tmp_path


def pushed(client: kiq.Client, *args: object, name: str = "Breaks", **fields: object) -> str:
    return str(client.push({"class": name, "args": list(args), **fields}))


def debugged(folder: Path, *flags: str, typed: str = "", hook: str = "") -> Outcome:
    """What the command says, in a process of its own; *typed* is what a person types."""
    done = subprocess.run(
        [*KIQ, "debug", "-r", "debug_jobs", *flags],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{folder}:{ROOT}", "PYTHONBREAKPOINT": hook},
        input=typed,
        capture_output=True,
        text=True,
        timeout=50,
    )
    return Outcome(done.returncode, done.stdout, done.stderr, done.stdout + done.stderr)


def test_the_debugger_opens_where_the_job_fails_and_nothing_is_written(
    app: Path, kiq_client: kiq.Client, command_store: redis.Redis
) -> None:
    jid = pushed(kiq_client, 42)
    raw = command_store.rpop("queue:default")
    command_store.zadd("dead", {raw: time.time()})  # type: ignore[dict-item]
    before = contents(command_store)
    shown = debugged(app, jid, typed="p sum + 1\nq\n")
    assert shown.code == 1
    assert "layer begins" in shown.out
    assert f"attempt 1 of {jid}" in shown.out
    assert "ValueError: no such sum: 42" in shown.err
    assert "43" in shown.out
    assert "for real, and stays in the dead set" in shown.err
    assert contents(command_store) == before


def test_it_stops_at_the_first_line_when_asked(
    app: Path, kiq_client: kiq.Client, command_store: redis.Redis
) -> None:
    jid = pushed(kiq_client, 42, "well", at=time.time() + 3600)
    shown = debugged(app, jid, "--break", "--bare", typed="p 'sum is', sum\nc\n")
    assert shown.code == 0, shown.both
    assert "('sum is', 42)" in shown.out
    assert "layer begins" not in shown.out
    assert "it ran well, and is where it was" in shown.out
    assert "a worker may run it meanwhile" in shown.err
    assert command_store.zcard("schedule") == 1


def test_another_debugger_is_used_where_the_variable_names_one(
    app: Path, kiq_client: kiq.Client
) -> None:
    jid = pushed(kiq_client, 7, name="AsyncBreaks")
    shown = debugged(app, jid, "--break", hook="other_debugger.set_trace")
    assert shown.code == 1
    assert "stopped\n" in shown.out
    assert "looks at later 7" in shown.out


def test_without_a_debugger_there_is_the_traceback(app: Path, kiq_client: kiq.Client) -> None:
    shown = debugged(app, pushed(kiq_client, 7), hook="0")
    assert shown.code == 1
    assert "ValueError: no such sum: 7" in shown.err
    assert "(Pdb)" not in shown.both


def test_what_a_job_asks_for_is_told_and_not_done(
    app: Path, kiq_client: kiq.Client, command_store: redis.Redis
) -> None:
    shown = debugged(app, pushed(kiq_client, 7, "snoozes"))
    assert shown.code == 0
    assert "asked for Snooze" in shown.out
    assert command_store.llen("queue:default") == 1


def test_a_jid_that_is_nowhere_and_a_class_that_nobody_has_are_told(
    app: Path, kiq_client: kiq.Client
) -> None:
    nowhere = debugged(app, "abc")
    assert nowhere.code == 1
    assert "no job abc is dead, retrying, scheduled or in a queue" in nowhere.err
    unknown = debugged(app, pushed(kiq_client, 1, name="Break"))
    assert unknown.code == 1
    assert "did you mean Breaks" in unknown.err
