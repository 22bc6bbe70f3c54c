"""``kiq jobs clear`` and ``check``."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import redis

import kiq
from kiq.clock import milliseconds, wall
from tests.helpers.commands import command


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, kiq_client: kiq.Client, redis_url: str) -> None:
    monkeypatch.setenv("REDIS_URL", redis_url)


def push(queue: str = "default", **more: object) -> str | None:
    return kiq.push({"class": "Other", "args": [], "queue": queue, **more})


def test_clear_deletes_all_that_waits_or_failed(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    push()
    push("mail", priority=-1)
    push(at=datetime(2040, 1, 1, tzinfo=UTC).timestamp())
    push(at=datetime(2041, 1, 1, tzinfo=UTC).timestamp())
    kiq.api.ScheduledSet(kiq_client).fetch(datetime(2041, 1, 1, tzinfo=UTC).timestamp())[0].kill()
    refused = command("jobs", "clear")
    assert refused.code == 2
    assert "Delete 4 jobs (2 in queues, 1 scheduled, 0 retry, 1 dead)?" in refused.err
    assert command("jobs", "clear", "--yes").lines == ["deleted 4 jobs"]
    stats = kiq.api.Stats(kiq_client)
    assert (stats.enqueued, stats.scheduled_size, stats.dead_size) == (0, 0, 0)
    assert command("jobs", "clear", "--json").document == {"deleted": 0}  # nothing to ask about


def test_clear_of_some_queues_leaves_the_others(kiq_client: kiq.Client) -> None:
    for queue in ("mail", "low"):
        push(queue)
        push(queue, at=datetime(2040, 1, 1, tzinfo=UTC).timestamp())
    assert "jobs of mail, 1 in queues?" in command("jobs", "clear", "--queue", "mail").err
    assert command("jobs", "clear", "--queue", "mail", "-y").lines == ["deleted 2 jobs"]
    assert kiq.api.Queue("low", kiq_client).size == 1
    assert [each.queue for each in kiq.api.ScheduledSet(kiq_client)] == ["low"]


def test_check_tells_what_waits_for_too_long() -> None:
    assert command("jobs", "check").lines == ["no job waits for longer than 5 min"]
    push(at=wall() + 3600)  # scheduled for later: no false alarm
    push("mail")
    assert command("jobs", "check", "--max-age", "300").code == 0
    push("low", enqueued_at=milliseconds() - 600_000, created_at=milliseconds() - 600_000)
    assert command("jobs", "check", "--queue", "mail").code == 0


def test_check_tells_of_a_late_queue_and_of_what_nobody_promotes(raw: redis.Redis) -> None:
    push("low")
    late = command("jobs", "check", "--max-age", "0")
    assert late.code == 1
    assert late.lines[0].startswith("low: a job waits for ")
    push("mail", at=wall() + 3600)
    (member,) = raw.zrange("schedule", 0, -1)
    raw.zadd("schedule", {member: wall() - 400})
    overdue = command("jobs", "check", "--json")
    assert overdue.code == 1
    assert overdue.document == {"late": {}, "overdue": 1, "max_age": 300.0}
    assert "1 job should have gone to a queue 5 min ago" in command("jobs", "check").out
    assert command("jobs", "check", "--queue", "low").code == 0
