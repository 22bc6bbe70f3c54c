"""What docs/cli.md shows is what the commands write: run in its order, numbers and widths aside."""

from __future__ import annotations

import json
import re
import shlex
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
import redis

from kiq.api import PeriodicSet
from kiq.cli import exit_codes
from kiq.plugins.periodic import keys as periodic
from kiq.plugins.results import keys as results
from kiq.plugins.results.record import kept, written
from tests.helpers.commands import command
from tests.helpers.living import hold, show_process

PAGE = Path(__file__).parents[2].joinpath("docs", "cli.md").read_text("utf-8")
BLOCKS = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
ID = "5d1c7a52e6ad1ab1f5a1a0d"
WORKER = "web-1:4711:8d0c54f1a2b3"


def sessions() -> list[tuple[str, str]]:
    """Each command of the page, with what it is said to write."""
    found = []
    for block in BLOCKS:
        for each in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, output = each.partition("\n")
            found.append((line, output))
    return found


def shape(text: str) -> list[str]:
    """The lines of *text* with every number, time, person and width taken out."""
    text = re.sub(r"(?<= by )[^\s)]+(?=\))", "NAME", text)
    text = re.sub(
        r"\b[0-9a-f]{24}\b", lambda found: found[0] if found[0].startswith(ID) else "JID", text
    )
    text = re.sub(r"\d[\d,.]* (h|min|s)( \d+ (min|s))?\b", "TIME", text)
    text = re.sub(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\dZ?", "DATE", text)
    text = re.sub(r"(?<![\w:])\d[\d,.]*(?![\w:])", "N", text)
    return [" ".join(line.split()) for line in text.splitlines()]


def job(last: str, name: str, argument: object, queue: str, **more: Any) -> str:
    fields = {"class": name, "args": [argument], "queue": queue, "jid": ID + last}
    return json.dumps({**fields, **more})


@pytest.fixture
def shown(command_store: redis.Redis) -> redis.Redis:
    """The database that the page shows."""
    store, now = command_store, time.time()
    smtp = {"error_class": "ConnectionError", "error_message": "smtp is away"}
    old = {"created_at": now - 3000, "failed_at": now - 3000}
    store.mset({"stat:processed": 1234567, "stat:failed": 77})
    store.sadd("queues", "mailers", "reports")
    for last, name, age in (("1", "ann", 150), ("2", "bob", 90), ("3", "cat", 70)):
        text = job(last, "app.Mail", f"{name}@example.org", "mailers", enqueued_at=now - age)
        store.lpush("queue:mailers", text)
    store.lpush("queue:reports", job("4", "app.Report", 2029, "reports", enqueued_at=now - 40))
    year = {"error_class": "ValueError", "error_message": "no such year"}
    retries = {
        job("5", "app.Mail", "cat@example.org", "mailers", retry_count=2, **smtp, **old): 630,
        job("6", "app.Mail", "dan@example.org", "mailers", retry_count=0, **smtp, **old): 1230,
        job("7", "app.Report", 2030, "reports", retry_count=0, **year, **old): 1830,
    }
    store.zadd("retry", {text: now + later for text, later in retries.items()})
    report = job("8", "app.Report", 2031, "reports", created_at=1_800_000_000)
    store.zadd("schedule", {report: 1_900_000_000})
    store.zadd("dead", {b"\xffbroken": now - 60})
    info = {"hostname": "web-1", "pid": 4711, "tag": "blue", "queues": ["default", "mailers"]}
    info |= {"concurrency": 10, "started_at": now - 3900, "codec": "msgpack"}
    info |= {"capsules": {"default": {"concurrency": 10}}}
    show_process(store, WORKER, info, beat=now - 2, rss=95_000, rtt_us=200)
    store.pexpire(WORKER, 58_000)
    jobs = [job("9", "app.Mail", "eve@example.org", "mailers")]
    hold(store, WORKER, "mailers", *jobs)
    runs = {"queue": "mailers", "payload": job("9", "app.Mail", "eve@example.org", "mailers")}
    store.hset(f"{WORKER}:work", "h0b", json.dumps({**runs, "run_at": int(now - 12)}))
    show_periodic(store)
    about = {"status": "done", "of": "app.Report"}
    ended = b"%.6f||%s" % (now - 30, written(about, kept({"rows": 4711}, "msgpack", 1000)[0]))
    store.set(results.result(ID + "e"), ended)
    return store


def show_periodic(store: redis.Redis) -> None:
    """Let there be the periodic jobs that the page shows."""
    jobs = PeriodicSet()
    jobs.add(
        "nightly-report", "app.Report", every="1d", args=[2029], queue="reports", overlap="skip"
    )
    jobs.add("customer-mail", "app.Mail", every="1h", args=[7], queue="mailers").pause("ann")
    midnight = int(time.time()) // 86_400 * 86_400
    runs = [
        (3, "run", ID + "a"),
        (2, "missed", "2"),
        (1, "skipped", ID + "b"),
        (0, "run", ID + "c"),
    ]
    for ago, what, more in runs:
        tick = midnight - 86_400 * ago
        store.lpush(periodic.history("nightly-report"), f"{tick} {tick}.018 {what} {more}")
    ends = {ID + "a": f"dead {midnight - 5000}", ID + "c": f"done {midnight + 5}"}
    store.hset(periodic.outcomes("nightly-report"), mapping=ends)


def test_every_command_writes_what_the_page_shows(shown: redis.Redis) -> None:
    expected, written = [], []
    for line, output in sessions():
        name, *arguments = shlex.split(line)
        assert name == "kiq"
        if arguments[0] == "doctor":
            shown.lpush("queue:reports", job("a", "X", 1, "reports", enqueued_at=time.time() - 40))
            shown.sadd("queues", "reports")
        expected.append([line, *shape(output)])
        lines = shape(command(*arguments).both)
        if arguments[0] == "doctor":  # a slow disk here is not the page's
            lines = [*(each for each in lines[:-1] if each in expected[-1]), expected[-1][-1]]
        written.append([line, *lines])
    assert written == expected


def test_every_command_has_its_row() -> None:
    for name in command("--help").out.partition("Commands:")[2].split("\n"):
        if name.startswith("  ") and not name.startswith("   "):
            assert re.search(rf"^\|.*`kiq {name.split()[0]}\b", PAGE, re.MULTILINE), name


def test_every_exit_code_has_its_row() -> None:
    for name, code in vars(exit_codes).items():
        if name.isupper() and isinstance(code, int):
            assert f"\n| {code} | " in PAGE, name


def test_the_entry_point_of_the_page_is_what_kiq_looks_for() -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert "kiq.commands" in tomllib.loads(block)["project"]["entry-points"]


def test_there_are_examples() -> None:
    assert len(sessions()) >= 20
