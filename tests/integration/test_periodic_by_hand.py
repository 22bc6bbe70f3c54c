"""Periodic jobs by hand: ``kiq.api.PeriodicSet`` and ``kiq periodic``."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

import kiq
from kiq.api import PeriodicSet, Queue
from kiq.plugins.periodic import keys
from tests.helpers.commands import command
from tests.helpers.ticking import Ticking, cursor, minute, set_back, whats

HOURLY = {"every": "1h", "class": "elsewhere.Job", "queue": "default"}


@pytest.fixture
def ticking(redis_url: str, command_store: redis.Redis, tmp_path: Path) -> Iterator[Ticking]:
    one = Ticking(redis_url, tmp_path, {"report": {**HOURLY, "description": "a report"}})
    yield one
    one.close()


def test_an_entry_is_added_changed_and_removed_and_the_ticker_hears_of_it(
    ticking: Ticking, raw: redis.Redis
) -> None:
    jobs = PeriodicSet()
    hears = raw.pubsub()
    hears.subscribe("kiq:bell:periodic")
    assert hears.get_message(timeout=5)
    added = jobs.add("mine", "elsewhere.Other", every="5m", queue="low", args=[1])
    assert hears.get_message(timeout=5)
    assert cursor(raw, "mine") == added.next_at
    due = minute()
    set_back(raw, "mine", due)
    jobs.add("mine", "elsewhere.Other", every="5m", queue="low", args=[1])  # nothing is new
    assert cursor(raw, "mine") == due
    with pytest.raises(kiq.ConfigError, match="replace=True takes its place"):
        jobs.add("mine", "elsewhere.Other", every="6m", queue="low")
    jobs.add("mine", "elsewhere.Other", every="6m", queue="low", replace=True)
    assert cursor(raw, "mine") > due
    ticking.offer()
    assert {job.name for job in jobs} == {"mine", "report"}
    found = jobs.get("mine")
    assert found is not None
    assert found.remove()
    assert not found.remove()
    assert cursor(raw, "mine") is None
    hears.close()


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"every": "soon"}, "every must be a time"),
        ({"every": "5m"}, "no job class named"),
        ({"every": "5m", "queue": "low", "overlap": "x"}, "overlap must be one of"),
        ({"queue": "low"}, "needs one of cron and every"),
    ],
)
def test_what_is_wrong_is_refused(ticking: Ticking, written: dict[str, Any], said: str) -> None:
    with pytest.raises(kiq.ConfigError, match=said):
        PeriodicSet().add("wrong", "elsewhere.Other", **written)


def test_what_is_in_a_file_is_changed_there(ticking: Ticking) -> None:
    with pytest.raises(kiq.ConfigError, match="is in a configuration file: change it there"):
        PeriodicSet().add("report", "elsewhere.Job", every="5m", queue="low", replace=True)


def test_run_now_leaves_the_plan_as_it_is_also_while_it_is_paused(
    ticking: Ticking, raw: redis.Redis
) -> None:
    report = PeriodicSet().get("report")
    assert report is not None
    planned = cursor(raw, "report")
    assert report.pause("me")
    assert not report.pause("you")
    jid = report.run()
    (job,) = Queue("default")
    assert (job.jid, job.payload["periodic"]) == (jid, "report")
    assert "tick" not in job.payload
    assert cursor(raw, "report") == planned
    assert [tick.what for tick in report.history()] == ["by_hand"]
    again = PeriodicSet().get("report")
    assert again is not None
    assert (again.paused, again.paused_by) == (True, "me")
    assert again.resume()
    assert not again.resume()


def test_the_history_says_how_late_each_was_and_how_it_went(
    ticking: Ticking, raw: redis.Redis
) -> None:
    due = int(time.time()) // 3600 * 3600
    set_back(raw, "report", due - 7200)
    ticking.tick()
    run, missed = PeriodicSet().get("report").history()  # type: ignore[union-attr]
    assert (missed.what, missed.count, missed.tick) == ("missed", 2, due - 7200)
    assert (run.what, run.tick, run.outcome) == ("run", due, "")
    assert abs(run.lateness - (time.time() - due)) < 60
    raw.hset(keys.outcomes("report"), run.jid, f"done {due + 5}.000")
    assert PeriodicSet().get("report").history(1)[0].outcome == "done"  # type: ignore[union-attr]


def test_the_commands(ticking: Ticking, raw: redis.Redis) -> None:
    listed = command("periodic")
    assert listed.code == 0
    assert "report" in listed.out
    assert "every 1 h" in listed.out
    assert command("periodic", "pause", "report").out == "paused report\n"
    assert command("periodic", "pause", "report").out == "report was paused already\n"
    assert "paused" in command("periodic").out
    (entry,) = command("periodic", "--json").document["periodic"]
    assert (entry["name"], entry["paused"], entry["every"]) == ("report", True, 3600)
    assert command("periodic", "resume", "report").out == "resumed report\n"
    jid = command("periodic", "run", "report").out.strip()
    assert [job.jid for job in Queue("default")] == [jid]
    shown = command("periodic", "show", "report").out
    assert "elsewhere.Job()" in shown
    assert "a report" in shown
    assert "by hand" in shown
    wrong = command("periodic", "run", "reprot")
    assert wrong.code != 0
    assert "there is no periodic job reprot; did you mean report?" in wrong.err
    assert command("periodic", "remove", "report").out == "removed report\n"
    assert "there is no periodic job here" in command("periodic").err


def test_an_entry_that_can_t_be_read_is_shown_as_that(ticking: Ticking, raw: redis.Redis) -> None:
    raw.hset(keys.ENTRIES, "report", "{")
    (job,) = PeriodicSet()
    assert job.problem
    assert "unreadable" in command("periodic").out
    assert command("periodic", "show", "report").code == 0
    assert command("periodic", "--json").code == 0
    assert whats(raw, "report") == []


def test_when_an_expression_is_due(command_store: redis.Redis) -> None:
    assert len(command("periodic", "next", "90s").lines) == 5
    assert command("periodic", "next", "soon").code == 2


@pytest.mark.needs("cronsim")
def test_when_a_cron_expression_is_due(command_store: redis.Redis) -> None:
    lines = command("periodic", "next", "30 2 * * *", "-z", "Europe/Berlin", "-n", "2").lines
    assert [line.split()[1] for line in lines] == ["02:30:00"] * 2
    refused = command("periodic", "next", "61 * * * *")
    assert "must be a cron expression" in refused.err
