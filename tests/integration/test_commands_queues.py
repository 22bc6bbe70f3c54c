"""``kiq stats``, ``kiq queues``, ``kiq pause``, ``kiq clear-queue``, ``kiq push`` on a real server."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import redis

from kiq.api import Queue
from tests.helpers.commands import command
from tests.helpers.living import hold, show_process
from tests.helpers.stored import in_queue, scheduled

JOBS = """
import kiq

class MadeUpWorker(kiq.Job, queue="critical", retry=3):
    def perform(self, name: str, count: int = 1, *, loud: bool = False) -> None: ...

@kiq.host.around_push
def veto(context, call_next):
    return None if context.payload["args"][:1] == ["vetoed"] else call_next(context)
"""


@pytest.fixture
def application(
    command_store: redis.Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> redis.Redis:
    """A folder with a module of jobs, in which commands run."""
    (tmp_path / "made_up_jobs.py").write_text(JOBS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "made_up_jobs", raising=False)
    return command_store


def fill(command_store: redis.Redis, queue: str, count: int, age: float = 0) -> None:
    command_store.sadd("queues", queue)
    for number in range(count):
        job = {"class": "X", "args": [number], "jid": f"{queue}-{number}", "queue": queue}
        command_store.lpush(f"queue:{queue}", json.dumps({**job, "enqueued_at": time.time() - age}))


def process(command_store: redis.Redis, identity: str = "web:1:abc", **info: Any) -> None:
    told = {"hostname": "web", "pid": 1, "concurrency": 10, "queues": ["low"], **info}
    show_process(command_store, identity, told, rss=2048, rtt_us=150)
    hold(command_store, identity, "low", b"1", b"2", b"3")


def test_stats_of_nothing_are_zeros(command_store: redis.Redis) -> None:
    shown = command("stats", "--json").document
    assert shown.pop("queues") == shown.pop("trends") == {}
    assert set(shown) == {
        *(
            "processed",
            "failed",
            "enqueued",
            "scheduled",
            "retries",
            "dead",
            "processes",
            "threads",
        ),
        *("busy", "default_queue_latency", "in_hand"),
    }
    assert not any(shown.values())
    assert command("stats").code == 0


def test_stats_show_what_is_there(command_store: redis.Redis) -> None:
    fill(command_store, "low", 3)
    process(command_store)
    command_store.set("stat:processed", 1234567)
    command_store.zadd("dead", {"x": 1})
    shown = command("stats", "--json").document
    assert (shown["processed"], shown["enqueued"], shown["dead"]) == (1234567, 3, 1)
    assert (shown["processes"], shown["threads"], shown["busy"]) == (1, 10, 3)
    assert shown["queues"] == {"low": 3}
    assert "1,234,567" in command("stats").out
    assert "3 of 10 threads" in command("stats").out


def test_queues_are_listed_with_who_takes_them_and_whether_they_are_paused(
    command_store: redis.Redis,
) -> None:
    fill(command_store, "low", 2, age=30)
    fill(command_store, "mail", 5)
    process(command_store)
    Queue("low").pause()
    listed = command("queues", "--json").document["queues"]
    assert [(each["name"], each["size"]) for each in listed] == [("mail", 5), ("low", 2)]
    assert [(each["paused"], each["processes"]) for each in listed] == [(False, 0), (True, 1)]
    assert 29 < listed[1]["latency"] < 60
    rows = {line.split()[0]: line for line in command("queues").lines[1:]}
    assert "no process takes it" in rows["mail"]
    assert "paused" in rows["low"]


def test_without_queues_a_list_says_so(command_store: redis.Redis) -> None:
    assert command("queues").both == "no queue has ever got a job here\n"
    assert command("queues", "--json").document == {"queues": []}
    nothing = command("queues", "nothing")
    assert (nothing.code, nothing.both) == (1, "there is no queue nothing\n")


def test_the_jobs_of_a_queue_are_listed_the_oldest_first(command_store: redis.Redis) -> None:
    fill(command_store, "low", 30)
    command_store.lpush("queue:low", b"\xff\x1b[2J")
    listed = command("queues", "low", "-n", "2")
    assert [line.split()[3] for line in listed.lines[1:]] == ["low-0", "low-1"]
    assert "the oldest 2 of 31" in listed.err
    everything = command("queues", "low", "--limit", "0", "--json").document
    assert [job["jid"] for job in everything["jobs"]] == [f"low-{n}" for n in range(30)] + [""]
    assert everything["jobs"][-1]["problem"]
    assert all(line.isprintable() for line in command("queues", "low", "-n", "0").lines)


def test_pause_and_unpause_say_what_was_so(command_store: redis.Redis) -> None:
    fill(command_store, "low", 1)
    assert command("pause", "low", "new", "--unknown").out == "paused low\npaused new\n"
    again = command("pause", "low", "new")
    assert again.out == "low was paused already\nnew was paused already\n"
    assert Queue("low").paused
    assert command("unpause", "low").out == "unpaused low\n"
    assert command("unpause", "low").out == "low was not paused\n"
    assert not Queue("low").paused


@pytest.mark.parametrize("deed", ["pause", "unpause", "clear-queue", "queues"])
def test_a_queue_that_nobody_knows_is_not_done_with_what_may_be_meant(
    command_store: redis.Redis, deed: str
) -> None:
    fill(command_store, "default", 1)
    process(command_store, queues=["mailers"])
    more = ["-y"] if deed == "clear-queue" else []
    for wrong, right in (("defult", "default"), ("mailer", "mailers")):
        ended = command(deed, wrong, *more)
        assert (ended.code, ended.out) == (1, "")
        assert ended.err == f"there is no queue {wrong}; did you mean {right}?\n"
    if deed == "pause":  # nor are the others
        assert command(deed, "default", "defult").code == 1
    assert not Queue("default").paused
    assert command_store.llen("queue:default") == 1
    assert command(deed, "mailers", *more).code == 0


def test_a_queue_is_cleared_only_after_a_yes(command_store: redis.Redis) -> None:
    fill(command_store, "low", 3)
    refused = command("clear-queue", "low")
    assert refused.code == 2
    assert "Delete 3 jobs of the queue low?" in refused.err
    assert command("clear-queue", "low", "--yes", "--json").document == {"deleted": 3}
    process(command_store)
    assert command("clear-queue", "low").out == "deleted 0 jobs\n"


def test_a_queue_that_another_program_named_badly_can_be_shown_and_cleared(
    command_store: redis.Redis,
) -> None:
    fill(command_store, "a b\x1b[2J", 1)
    assert "a b\\x1b[2J" in command("queues").out
    assert len(command("queues", "a b\x1b[2J").lines) == 2
    assert command("clear-queue", "a b\x1b[2J", "-y").out == "deleted 1 job\n"


def test_a_job_is_pushed_from_words_and_json(command_store: redis.Redis) -> None:
    pushed = command(
        *("push", "Ruby::Job", "Bob", "5", '"5"', "null", "NaN", '{"a": [1]}', "[broken"),
        *("-k", "loud=true", "-k", "name=x=y", "-q", "low", "--retry", "2"),
    )
    (job,) = in_queue(command_store, "low")
    assert pushed.out == f"{job['jid']}\n"
    assert job["args"] == ["Bob", 5, "5", None, "NaN", {"a": [1]}, "[broken"]
    assert job["kwargs"] == {"loud": True, "name": "x=y"}
    assert job["retry"] == 2


def test_a_job_is_pushed_for_later(command_store: redis.Redis) -> None:
    command("push", "X", "--in", "10m", "--retry", "false")
    command("push", "Y", "--at", "2040-01-01T00:00:00Z", "--", "-5")
    (soon, x), (late, y) = scheduled(command_store)
    assert abs(soon - time.time() - 600) < 60
    assert x["retry"] is False
    assert (late, y["args"]) == (2_208_988_800.0, [-5])


def test_the_options_of_an_imported_class_count(application: redis.Redis) -> None:
    pushed = command("push", "made_up_jobs.MadeUpWorker", "Bob", "-r", "made_up_jobs", "--json")
    (job,) = in_queue(application, "critical")
    assert pushed.document == {"jid": job["jid"]}
    assert job["retry"] == 3


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["made_up_jobs.MadeUpWorker"], "missing a required argument: 'name'"),
        (["MadeUpWorker", "Bob"], "did you mean made_up_jobs.MadeUpWorker?"),
        (["made_up_jobs.MadeUpWroker", "Bob"], "did you mean made_up_jobs.MadeUpWorker?"),
        (["made_up_jobs.MadeUpWorker", "Bob", "-k", "loud"], "write NAME=VALUE"),
        (["made_up_jobs.MadeUpWorker", "Bob", "--in", "5", "--at", "1900000000"], "one of them"),
        (["made_up_jobs.MadeUpWorker", "Bob", "--retry", "often"], "--retry"),
        (["made_up_jobs.MadeUpWorker", "Bob", "-q", "a\nb"], "can't be the name of a queue"),
        (["made_up_jobs.MadeUpWorker", "Bob", "--qeue", "low"], "--queue"),
    ],
)
def test_what_can_not_be_pushed_is_refused_with_the_reason(
    application: redis.Redis, arguments: list[str], why: str
) -> None:
    refused = command("push", "-r", "made_up_jobs", *arguments)
    assert refused.code == 2
    assert why in refused.err
    assert application.exists("queues", "schedule") == 0


def test_a_class_that_nothing_imported_has_can_be_pushed_all_the_same(
    application: redis.Redis,
) -> None:
    assert command("push", "-r", "made_up_jobs", "--unknown", "Ruby::Job").code == 0
    assert len(in_queue(application)) == 1


def test_keyword_arguments_for_a_class_of_ruby_are_refused(
    command_store: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIQ_CODEC", "json")
    refused = command("push", "Ruby::Job", "-k", "loud=true")
    assert refused.code == 2
    assert "keyword arguments (loud) would be lost" in refused.err
    assert command_store.exists("queues") == 0
    assert command("push", "shop.Ship", "-k", "loud=true").code == 0


def test_a_veto_is_told(application: redis.Redis) -> None:
    refused = command("push", "-r", "made_up_jobs", "made_up_jobs.MadeUpWorker", "vetoed")
    assert (refused.code, refused.out) == (1, "")
    assert "client middleware refused it" in refused.err


def test_a_module_that_is_missing_ends_a_push_as_it_ends_a_worker(
    command_store: redis.Redis,
) -> None:
    assert command("push", "X", "-r", "no_such_module").code == 70


@pytest.mark.parametrize("given", ["{url!r}", "redis.Redis.from_url({url!r})"])
def test_an_application_may_say_in_code_where_redis_is(
    application: redis.Redis,
    redis_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    given: str,
) -> None:
    text = f"import kiq, redis\nkiq.configure(redis={given.format(url=redis_url)})\n"
    (tmp_path / "configured_jobs.py").write_text(text)
    monkeypatch.delitem(sys.modules, "configured_jobs", raising=False)
    monkeypatch.delenv("REDIS_URL")
    assert command("push", "X", "-r", "configured_jobs", "--unknown").code == 0
    assert len(in_queue(application)) == 1
    monkeypatch.setenv("KIQ_REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.delitem(sys.modules, "configured_jobs")
    assert command("push", "X", "-r", "configured_jobs", "--unknown").code == 69


def test_a_configuration_that_is_wrong_ends_a_command_as_it_ends_a_worker(
    command_store: redis.Redis, tmp_path: Path
) -> None:
    (tmp_path / "bad.yml").write_text("concurency: 4\n")
    ended = command("stats", "-C", str(tmp_path / "bad.yml"))
    assert ended.code == 78
    assert "concurrency" in ended.err


def test_the_environment_chooses_the_redis(
    command_store: redis.Redis, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(command_store, "low", 1)
    monkeypatch.delenv("REDIS_URL")
    file = tmp_path / "kiq.yml"
    file.write_text(f"redis: redis://127.0.0.1:1/0\nproduction: {{redis: '{redis_url}'}}\n")
    assert command("stats", "-C", str(file)).code == 69
    shown = command("stats", "-C", str(file), "-e", "production", "--json").document
    assert shown["enqueued"] == 1


def test_a_push_is_never_only_kept_in_memory(
    command_store: redis.Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "buffered_jobs.py").write_text("import kiq\nkiq.configure(push_buffer=100)\n")
    (tmp_path / "kiq.yml").write_text("push_buffer: 100\n")
    for variable, flags in (("100", []), ("", ["-C", "kiq.yml"]), ("", ["-r", "buffered_jobs"])):
        monkeypatch.setenv("KIQ_PUSH_BUFFER", variable)
        monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
        refused = command("push", "X", "--unknown", *flags)
        assert (refused.code, refused.out) == (69, "")


def test_a_process_inside_another_program_is_left_alone_and_the_others_are_told(
    command_store: redis.Redis,
) -> None:
    process(command_store, "puma:1:a", embedded=True)
    process(command_store, "web:1:b")
    told = command("stop", "all", "-y", "--json")
    assert told.code == 1
    expected = {"signal": "stop", "processes": ["web:1:b"], "failed": ["puma:1:a"]}
    assert told.document == expected
    assert command_store.lrange("web:1:b-signals", 0, -1) == [b"TERM"]
    assert "puma:1:a" in told.err


def test_a_push_that_nobody_checked_and_a_queue_that_nobody_takes_are_remarked(
    command_store: redis.Redis,
) -> None:
    process(command_store, queues=["default", "low"])
    pushed = command("push", "shop.jobs.Ship", "1")
    (job,) = in_queue(command_store)
    assert (pushed.code, pushed.out) == (0, f"{job['jid']}\n")
    assert "nobody checked that there is a job class shop.jobs.Ship: -r MODULE" in pushed.err
    pushed = command("push", "shop.jobs.Ship", "-q", "lwo")
    assert "no running process takes queue lwo; did you mean low?" in pushed.err
    assert command("push", "Ruby::Job", "--unknown").err == ""


def test_a_push_of_what_is_known_is_not_remarked(application: redis.Redis) -> None:
    process(application, queues=["critical"])
    assert command("push", "-r", "made_up_jobs", "made_up_jobs.MadeUpWorker", "Bob").err == ""


def test_a_process_that_is_not_there_is_told_with_what_may_be_meant(
    command_store: redis.Redis,
) -> None:
    process(command_store, "web:4711:abc")
    for deed in ("quiet", "stop", "dump"):
        ended = command(deed, "wbe:4711:abc")
        assert ended.code == 1
        assert ended.err == "no process wbe:4711:abc runs; did you mean web:4711:abc?\n"


def test_the_band_of_a_job_is_listed_where_a_queue_has_some(command_store: redis.Redis) -> None:
    command_store.sadd("queues", "mail")
    plain = {"class": "app.Mail", "args": [], "queue": "mail"}
    command_store.lpush("queue:mail", json.dumps({**plain, "jid": "plain"}))
    assert "band" not in command("queues", "mail").lines[0]
    command_store.lpush("queue:mail\x1f:high", json.dumps({**plain, "jid": "urgent"}))
    titles, first, second = command("queues", "mail").lines
    assert "band" in titles
    assert ["high" in first, "urgent" in first] == [True, True]
    assert ["normal" in second, "plain" in second] == [True, True]
