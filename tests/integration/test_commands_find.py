"""``kiq find`` and ``kiq show``: what they write, for people and for scripts."""

from __future__ import annotations

import json
import time

import redis

import kiq
from tests.helpers.commands import command
from tests.helpers.living import hold, show_process

WORKER = "web-1:4711:8d0c54f1a2b3"
INFO = {"hostname": "web-1", "pid": 4711, "queues": ["default"], "concurrency": 1}


def pushed(client: kiq.Client, **more: object) -> str:
    return str(client.push({"class": "Mail", "args": ["bob"], **more}))


def test_a_job_is_shown_with_where_it_is(
    command_store: redis.Redis, kiq_client: kiq.Client
) -> None:
    pushed(kiq_client)
    jid = pushed(kiq_client)
    for name in ("find", "show"):
        outcome = command(name, jid)
        assert outcome.code == 0
        assert outcome.lines[0] == f"{jid} waits in default, behind 1 job"
        assert 'arguments    "bob"' in outcome.lines
    shown = command("find", jid, "--json").document
    assert (shown["where"], shown["before"], shown["args"]) == ("waiting", 1, ["bob"])


def test_what_is_nowhere_ends_the_command_with_1(command_store: redis.Redis) -> None:
    outcome = command("find", "f" * 24)
    assert outcome.code == 1
    assert "is nowhere: it ended, was deleted, or never was" in outcome.out
    assert command("find", "f" * 24, "--json").document["where"] == "nowhere"


def test_each_place_is_told_in_words(command_store: redis.Redis, kiq_client: kiq.Client) -> None:
    now = time.time()
    text = '{"class": "Mail", "args": [], "queue": "default", "jid": "%s"}'
    for key in ("retry", "schedule", "dead"):
        command_store.zadd(key, {text % key: now + (-600 if key == "dead" else 600)})
    show_process(command_store, WORKER, INFO)
    hold(command_store, WORKER, "default", text % "run", text % "wait")
    shown = {"queue": "default", "payload": text % "run", "run_at": int(now - 100)}
    command_store.hset(f"{WORKER}:work", "k0b", json.dumps(shown))
    said = {jid: command("find", jid).lines[0] for jid in ("retry", "schedule", "dead", "run")}
    assert said["retry"].startswith("retry waits for its next attempt, in ")
    assert said["schedule"].startswith("schedule is scheduled, due in ")
    assert said["dead"] == "dead is in the dead set, died 10 min ago"
    assert said["run"].startswith(f"run runs at {WORKER}, began 1 min 4")
    assert "waits for a thread" in command("find", "wait").lines[0]


def test_jobs_that_are_like_something_are_listed_and_the_list_goes_on(
    command_store: redis.Redis, kiq_client: kiq.Client
) -> None:
    for queue in ("a", "b", "c"):
        pushed(kiq_client, queue=queue, tags=["vip"])
    outcome = command("find", "--tag", "vip", "-n", "2")
    assert len(outcome.lines) == 3
    cursor = outcome.err.partition("--cursor ")[2].strip().strip("'")
    outcome = command("find", "--tag", "vip", "--cursor", cursor)
    assert [line.split()[0] for line in outcome.lines] == ["where", "c"]
    assert len(command("find", "--class", "Mail", "--json").document["jobs"]) == 3
    assert command("find", "--class", "Other").err == "no job is like that\n"


def test_neither_a_jid_nor_a_likeness_is_a_mistake(command_store: redis.Redis) -> None:
    assert command("find").code == 2
    assert command("find", "x", "--tag", "y").code == 2
