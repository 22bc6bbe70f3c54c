"""kiq.api.Metrics and deploy marks on a real server."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from click.testing import CliRunner

import kiq
from kiq.api import Deploy, Metrics, mark
from kiq.commands.mark import mark as mark_command
from kiq.errors import ConfigError
from tests.helpers.server import TestServer


def minute(ago: int = 0) -> datetime:
    return datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=ago)


def runs(at: datetime) -> str:
    return f"j|{at:%y%m%d}|{at.hour}:{at:%M}"


def waits(at: datetime) -> str:
    return f"kiq:waits|{at:%y%m%d}|{at.hour}:{at:%M}"


def put(server: redis.Redis, ago: int, name: str, **fields: int) -> None:
    for key in (runs(minute(ago)), runs(minute(ago))[:-1]):
        for field, number in fields.items():
            server.hincrby(key, f"{name}|{field}", number)


def test_top_jobs_are_those_that_took_most_time(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    put(raw, 0, "Often", p=1000, ms=900)
    put(raw, 1, "Long", p=3, f=1, ms=5_000)
    put(raw, 3, "Long", p=2, ms=1_000)
    put(raw, 70, "Old", p=1, ms=9_000)
    period = Metrics().top_jobs()
    assert list(period.jobs) == ["Long", "Often"]
    long = period.jobs["Long"]
    assert (long.processed, long.failed, long.succeeded, long.run_time) == (5, 1, 4, 6.0)
    assert long.average_run_time == 1.5
    assert long.average_queue_time == 0
    assert long.queue_time_percentile(0.5) is None
    assert [each.processed for each in long.series.values()] == [2, 3]
    assert set(long.series) <= set(period.times)
    assert (len(period.times), period.step) == (60, timedelta(minutes=1))
    assert period.until - period.since == timedelta(minutes=60)
    assert period.times[-1] in (minute(), minute(1))


def test_hours_are_read_in_steps_of_ten_minutes(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    put(raw, 0, "HardWorker", p=1, ms=10)
    put(raw, 90, "HardWorker", p=1, ms=10)
    period = Metrics().top_jobs(hours=3)
    assert (len(period.times), period.step) == (18, timedelta(minutes=10))
    assert period.jobs["HardWorker"].processed == 2
    assert len(period.jobs["HardWorker"].series) == 2
    assert Metrics().for_job("HardWorker", hours=3).processed == 2


def test_jobs_may_be_chosen_by_a_text(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    put(raw, 0, "app.Mailer", p=1)
    put(raw, 0, "app.Import", p=1)
    assert list(Metrics().top_jobs(matching="Mail").jobs) == ["app.Mailer"]


def test_for_job_has_histograms_and_queue_times(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    put(raw, 0, "HardWorker", p=4, ms=400)
    put(raw, 1, "HardWorker", p=1, ms=7)
    now = minute()
    key = f"h|HardWorker-{now.day}-{now.hour}:{now.minute}"
    raw.execute_command("BITFIELD", key, "SET", "u16", "#4", "3", "SET", "u16", "#25", "1")
    raw.hset(waits(now), mapping={"HardWorker|n": 4, "HardWorker|ms": 8_000, "HardWorker|12": 4})
    job = Metrics().for_job("HardWorker")
    assert (job.processed, job.run_time) == (5, pytest.approx(0.407))
    assert (job.histogram[4], job.histogram[25], sum(job.histogram)) == (3, 1, 4)
    assert list(job.histograms) == [now]
    assert (job.waits, job.average_queue_time) == (4, 2.0)
    assert 1.7 <= (job.queue_time_percentile(0.95) or 0) <= 2.5
    assert 0.065 <= (job.run_time_percentile(0.5) or 0) <= 0.1
    assert job.run_time_percentile(1.0) == 335
    assert Metrics().for_job("HardWorker", hours=1).histograms == {}


@pytest.mark.parametrize("count", [1, 2, 60])
def test_several_classes_are_read_at_once(
    raw: redis.Redis, kiq_client: kiq.Client, count: int
) -> None:
    names = [f"Class{number}" for number in range(count)]
    for number, name in enumerate(names):
        put(raw, number % 50, name, p=number + 1)
    at = minute(3)
    mark("v2", at)
    found = Metrics().for_jobs(names)
    assert [(name, job.processed) for name, job in found.items()] == [
        (name, number + 1) for number, name in enumerate(names)
    ]
    assert found["Class0"].marks == {at: "v2"}
    assert found["Class0"] == Metrics().for_job("Class0")
    assert Metrics().for_jobs([]) == {}


def test_a_part_of_a_period_is_one(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    since, until = minute(12), minute(2)
    for ago in (0, 5, 10):
        put(raw, ago, "HardWorker", p=2, f=1, ms=100)
    job = Metrics().for_job("HardWorker")
    part = job.between(since, until)
    assert (part.processed, part.failed, part.name) == (4, 2, "HardWorker")
    assert list(part.series) == list(job.series)[:2]
    assert job.between(since, since).processed == 0
    assert job.processed == 6  # as it was


def test_of_a_class_that_never_ran_everything_is_nothing(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    job = Metrics().for_job("None<b>")
    assert (job.processed, job.series, sum(job.histogram), job.average_run_time) == (0, {}, 0, 0)
    assert Metrics().top_jobs().jobs == {}


def test_what_another_program_wrote_there_spoils_nothing(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    put(raw, 0, "HardWorker", p=1)
    strange = {"HardWorker|ms": "x", "nobar": "1", "a|b|p": "2", "HardWorker|new": "3"}
    raw.hset(runs(minute()), mapping=strange)
    raw.hset(runs(minute()), b"\xff\xfe|p", b"4")
    raw.hset(waits(minute()), mapping={"HardWorker|99": 1, "HardWorker|-1": 1, "HardWorker|²": 1})
    jobs = Metrics().top_jobs().jobs
    assert jobs["HardWorker"].processed == 1
    assert jobs["a|b"].processed == 2
    assert Metrics().for_job("HardWorker").run_time == 0


@pytest.mark.parametrize(
    "period",
    [{"minutes": 0}, {"minutes": 481}, {"hours": 73}, {"hours": True}, {"minutes": 1, "hours": 1}],
    ids=str,
)
def test_another_period_is_refused(
    raw: redis.Redis, kiq_client: kiq.Client, period: dict[str, Any]
) -> None:
    with pytest.raises(ConfigError):
        Metrics().top_jobs(**period)
    with pytest.raises(ConfigError):
        Metrics().for_job("HardWorker", **period)


def test_the_longest_period_is_read_in_pages(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    for ago in (0, 100, 477):
        put(raw, ago, "HardWorker", p=1)
    assert Metrics().top_jobs(minutes=480).jobs["HardWorker"].processed == 3
    assert Metrics().for_job("HardWorker", minutes=480).processed == 3
    assert len(Metrics().top_jobs(hours=72).times) == 432


# Deploy marks


def test_a_mark_is_where_sidekiq_looks_for_it(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    at = datetime(2026, 11, 21, 20, 34, 56, 7, tzinfo=UTC)
    assert mark("abc123 A fix", at)
    assert raw.hgetall("20261121-marks") == {b"2026-11-21T20:34:00Z": b"abc123 A fix"}
    assert 89 * 86_400 < raw.ttl("20261121-marks") <= 90 * 86_400  # type: ignore[operator]
    assert 50 < raw.ttl("deploylock-abc123 A fix") <= 60  # type: ignore[operator]


def test_marks_are_one_for_a_minute_and_one_for_a_label(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    deploy, at = Deploy(), datetime(2026, 11, 21, 20, 34, tzinfo=UTC)
    assert deploy.mark("one", at)
    assert not deploy.mark("one", at + timedelta(minutes=1))
    assert not deploy.mark("two", at + timedelta(seconds=30))
    assert deploy.mark("three", at + timedelta(minutes=1))
    raw.delete("deploylock-one")
    assert deploy.mark("one", at + timedelta(minutes=2))
    assert list(deploy.between(at, at + timedelta(hours=1)).values()) == ["one", "three", "one"]


def test_marks_are_found_on_every_day_of_a_period(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    now = minute()
    for days in (0, 1, 2, 4):
        assert mark(f"{days} days ago", now - timedelta(days=days))
    labels = ["2 days ago", "1 days ago", "0 days ago"]
    assert list(Metrics().top_jobs(hours=72).marks.values()) == labels
    assert list(Metrics().top_jobs().marks.values()) == labels[-1:]
    assert list(Metrics().for_job("HardWorker", hours=72).marks.values()) == labels


def test_a_strange_mark_of_another_program_is_left_out(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    now = minute()
    strange = {"x": "a", "2026-11-21T20:34:00": "naive", "0001-01-01T00:00:00+14:00": "b"}
    raw.hset(f"{now:%Y%m%d}-marks", mapping={**strange, now.isoformat(): b"\xff"})
    assert Deploy().between(now - timedelta(hours=1), now) == {now: "\N{REPLACEMENT CHARACTER}"}


def test_a_label_is_cleaned_and_one_without_anything_is_refused(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    assert mark("v1\x1b[2J\n" + "x" * 1000)
    (label,) = Deploy().between(minute(2), minute(-2)).values()
    assert label.startswith("v1[2Jxxx")
    assert len(label) == 200
    for empty in ("", " \n\x00"):
        with pytest.raises(ConfigError, match="label"):
            mark(empty)
    with pytest.raises(ConfigError, match="naive"):
        mark("v2", datetime(2026, 11, 21))


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=kiq", "-c", "user.email=kiq@example.org")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def test_the_label_is_the_last_commit_unless_one_is_given(
    raw: redis.Redis, kiq_client: kiq.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(ConfigError, match="give the mark a label"):
        mark()
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "Faster queues")
    assert mark()
    (label,) = Deploy().between(minute(2), minute(-2)).values()
    assert label.endswith(" Faster queues")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigError, match="give the mark a label"):
        mark()


def test_the_command_marks_and_says_when_it_did_not(
    raw: redis.Redis, server: TestServer, unconfigured: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", server.url)
    first, second = (CliRunner().invoke(mark_command, ["v7"]) for _ in range(2))
    assert (first.exit_code, first.output) == (0, "marked\n")
    assert (second.exit_code, second.output.split(":")[0]) == (0, "not marked")
    assert list(Deploy(server.url).between(minute(2), minute(-2)).values()) == ["v7"]
