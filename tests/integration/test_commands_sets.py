"""``kiq retries``, ``kiq scheduled``, ``kiq dead`` on a real server."""

from __future__ import annotations

import base64
import json
import time
import zlib
from typing import Any

import pytest
import redis

from kiq.codec import encode
from tests.helpers.commands import command
from tests.helpers.stored import in_queue

NOW = time.time()
EVIL = "\x1b]0;owned\x07\x1b[2J\u202e\r\n\x9b31m\x7f"


def payload(jid: str, **more: Any) -> bytes:
    """A payload in Sidekiq's JSON."""
    fields = {"class": "app.Mail", "args": ["Bob", 5], "queue": "mailers", "created_at": NOW - 10}
    return json.dumps({**fields, "jid": jid, **more}).encode()


def three(command_store: redis.Redis, key: str) -> None:
    """Three jobs in the set *key*: two of one class, one of which is old."""
    error = {"error_class": "IOError", "error_message": "disk gone", "retry_count": 2}
    command_store.zadd(
        key,
        {
            payload("j1", failed_at=NOW - 7200, created_at=NOW - 7200, **error): NOW - 7200,
            payload("j2", failed_at=NOW - 60, **error): NOW - 60,
            payload("j3", **{"class": "app.Report", "failed_at": NOW - 30}): NOW - 30,
        },
    )


SETS = {"retries": "retry", "scheduled": "schedule", "dead": "dead"}


@pytest.mark.parametrize("name", SETS)
def test_an_empty_set_is_said_to_be_empty_and_listed_as_json(
    command_store: redis.Redis, name: str
) -> None:
    assert command(name).both == f"nothing is in the set {SETS[name]}\n"
    assert command(name, "--json").document == {"set": SETS[name], "size": 0, "entries": []}


@pytest.mark.parametrize("name", SETS)
def test_entries_are_listed_in_the_order_that_matters(
    command_store: redis.Redis, name: str
) -> None:
    three(command_store, SETS[name])
    listed = command(name)
    jids = [entry["jid"] for entry in command(name, "--json").document["entries"]]
    assert jids == (["j3", "j2", "j1"] if name == "dead" else ["j1", "j2", "j3"])
    assert [line.split("mailers")[1].split()[0] for line in listed.lines[1:]] == jids
    assert listed.code == 0


def test_a_list_is_limited_and_says_so(command_store: redis.Redis) -> None:
    three(command_store, "retry")
    listed = command("retries", "-n", "2")
    assert len(listed.lines) == 3
    assert "3 in the set retry, at most 2 shown" in listed.err
    assert len(command("retries", "--limit", "0").lines) == 4
    assert command("retries", "-n", "1", "--json").document["size"] == 3


@pytest.mark.parametrize(
    ("criteria", "jids"),
    [
        (["--class", "app.Mail"], ["j1", "j2"]),
        (["--text", "app.Rep"], ["j3"]),
        (["--older-than", "1h"], ["j1"]),
        (["--class", "app.Mail", "--older-than", "30s"], ["j1", "j2"]),
        (["--class", "app.Other"], []),
        (["--filter", "class:Mail age>30s -jid:j2"], ["j1"]),
        (["--filter", "error:disk age<10m", "--class", "app.Mail"], ["j2"]),
    ],
)
def test_a_list_can_be_narrowed(
    command_store: redis.Redis, criteria: list[str], jids: list[str]
) -> None:
    three(command_store, "retry")
    entries = command("retries", "list", *criteria, "--json").document["entries"]
    assert [entry["jid"] for entry in entries] == jids


def test_one_job_is_shown_whole(command_store: redis.Redis) -> None:
    three(command_store, "retry")
    shown = command("retries", "show", "j1")
    assert shown.code == 0
    for words in ("j1", "app.Mail", '"Bob", 5', "IOError: disk gone", "retries      2"):
        assert words in shown.out
    details = command("retries", "show", "j1", "--json").document
    assert details["payload"]["args"] == ["Bob", 5]
    assert details["error_backtrace"] == []


def test_a_traceback_is_shown_and_nothing_in_it_acts(command_store: redis.Redis) -> None:
    packed = zlib.compress(json.dumps(["in x\n\tand y" + EVIL, "outermost"]).encode())
    text = base64.b64encode(packed).decode()
    raw = payload("j1", error_class="E", error_backtrace=text)
    command_store.zadd("dead", {raw: NOW})
    shown = command("dead", "show", "j1")
    assert shown.lines.index("  outermost") < shown.lines.index("  in x") < len(shown.lines) - 2
    assert all(line.isprintable() for line in shown.lines)


def test_what_is_no_job_has_a_handle_and_can_be_shown_and_deleted(
    command_store: redis.Redis,
) -> None:
    command_store.zadd("dead", {b"\xff\x1b[2Jjunk": NOW, payload("j1"): NOW})
    entry = next(e for e in command("dead", "--json").document["entries"] if e["problem"])
    assert entry["handle"].startswith("sha1:")
    assert entry["raw_base64"] == "/xtbMkpqdW5r"
    shown = command("dead", "show", entry["handle"])
    assert "\\xff\\x1b[2Jjunk" in shown.out
    assert "\x1b" not in shown.out
    retried = command("dead", "retry", entry["handle"])
    assert retried.code == 1
    assert "names no queue" in retried.err
    assert command("dead", "delete", entry["handle"]).out == "deleted 1 job\n"
    assert command_store.zcard("dead") == 1


@pytest.mark.parametrize("arguments", [["dead"], ["dead", "--json"], ["dead", "-n", "0"]])
def test_nothing_that_a_payload_holds_acts_on_the_terminal(
    command_store: redis.Redis, arguments: list[str]
) -> None:
    hostile: dict[str, Any] = {
        "class": EVIL,
        "args": [EVIL, {EVIL: EVIL}],
        "kwargs": {EVIL: EVIL},
        "queue": EVIL,
        "error_class": EVIL,
        "error_message": EVIL,
        "created_at": 1e300,
        EVIL: EVIL,
    }
    command_store.zadd(
        "dead", {json.dumps({**hostile, "jid": EVIL}): NOW, b"\x81": "inf", b"": "-inf"}
    )
    command_store.zadd(
        "dead", {encode({"class": "B", "args": [b"\xff\x1b"], "jid": "b"}, "msgpack"): NOW}
    )
    listed = command(*arguments)
    assert listed.code == 0
    assert all(line.isprintable() for line in listed.both.splitlines())
    assert all(line.isprintable() for line in command("dead", "show", EVIL).lines)


@pytest.mark.parametrize(
    ("group", "deed", "key"),
    [
        ("retries", "retry", "queue:mailers"),
        ("retries", "delete", None),
        ("retries", "kill", "dead"),
        ("scheduled", "enqueue", "queue:mailers"),
        ("scheduled", "delete", None),
        ("scheduled", "kill", "dead"),
        ("dead", "retry", "queue:mailers"),
        ("dead", "delete", None),
    ],
)
def test_named_jobs_are_handled_without_a_question_and_the_others_stay(
    command_store: redis.Redis, group: str, deed: str, key: str | None
) -> None:
    three(command_store, SETS[group])
    done = command(group, deed, "j1", "j3", "j1")
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith("2 jobs\n")
    left = [entry["jid"] for entry in command(group, "--json").document["entries"]]
    assert left == ["j2"]
    if key == "dead":
        assert command_store.zcard("dead") == 2
    elif key:
        assert {job["jid"] for job in in_queue(command_store, "mailers")} == {"j1", "j3"}


def test_a_jid_that_is_not_there_is_named_and_the_others_are_handled(
    command_store: redis.Redis,
) -> None:
    three(command_store, "retry")
    done = command("retries", "delete", "nobody", "j2", "--json")
    assert done.code == 1
    assert done.document == {
        **{"deleted": 1, "jids": ["j2"], "missing": ["nobody"], "refused": {}, "dropped": 0}
    }
    assert "nobody is not in the set retry" in done.err
    assert command("retries", "show", "nobody").code == 1


def test_many_are_not_handled_without_a_yes(command_store: redis.Redis) -> None:
    three(command_store, "retry")
    for selection in (["--all"], ["--class", "app.Mail"]):
        refused = command("retries", "delete", *selection)
        assert refused.code == 2
        assert "--yes" in refused.err
    assert "Delete 2 jobs of the set retry?" in refused.err
    assert command_store.zcard("retry") == 3
    assert command("retries", "delete", "--class", "app.Mail", "-y").out == "deleted 2 jobs\n"
    deleted = command("retries", "delete", "--all", "-y", "--json").document
    assert deleted == {"deleted": 1, "left": {}, "dropped": 0}
    assert command_store.zcard("retry") == 0


@pytest.mark.parametrize(("deed", "key"), [("retry", "queue:mailers"), ("kill", "dead")])
def test_a_selection_is_moved_and_the_rest_stays(
    command_store: redis.Redis, deed: str, key: str
) -> None:
    three(command_store, "retry")
    assert command("retries", deed, "--older-than", "10s", "--class", "app.Mail", "-y").code == 0
    assert command_store.zcard("retry") == 1
    assert (command_store.zcard(key) if key == "dead" else command_store.llen(key)) == 2


@pytest.mark.parametrize(
    "extra", [[], ["j1", "--all"], ["j1", "--class", "x"], ["--all", "--text", "x"]]
)
def test_what_is_meant_must_be_said_once(command_store: redis.Redis, extra: list[str]) -> None:
    three(command_store, "retry")
    assert command("retries", "delete", "-y", *extra).code == 2
    assert command_store.zcard("retry") == 3


def test_a_kill_trims_the_dead_set_as_the_configuration_says(
    command_store: redis.Redis, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "small.yml").write_text("dead_max_jobs: 2\n")
    three(command_store, "retry")
    assert command("retries", "kill", "--all", "-y", "-C", str(tmp_path / "small.yml")).code == 0
    assert command_store.zcard("dead") == 2


def test_fields_of_the_documents_stay_what_they_are(command_store: redis.Redis) -> None:
    three(command_store, "retry")
    (entry, *_) = command("retries", "--json").document["entries"]
    assert set(entry) == {
        *(
            "jid",
            "class",
            "queue",
            "args",
            "kwargs",
            "at",
            "created_at",
            "enqueued_at",
            "failed_at",
        ),
        *("retried_at", "retry_count", "error_class", "error_message", "problem", "handle"),
    }


@pytest.mark.parametrize(
    "arguments",
    [
        *(["stats"], ["queues"], ["queues", "x"], ["ps"], ["retries"], ["dead", "show", "x"]),
        *(["scheduled", "delete", "--all", "-y"], ["retries", "retry", "--text", "x", "-y"]),
        *(["pause", "x"], ["unpause", "x"], ["stop", "all", "-y"], ["clear-queue", "x", "-y"]),
        *(["push", "X"], ["doctor"], ["stats", "--watch"]),
    ],
    ids=" ".join,
)
def test_without_redis_a_command_says_so_in_one_line(
    command_store: redis.Redis, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://:sesame@127.0.0.1:1/0")
    ended = command(*arguments)
    assert ended.code == 69
    assert ended.out == ""
    assert len(ended.err.splitlines()) == 1
    assert "sesame" not in ended.err
