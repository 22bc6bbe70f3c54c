"""Commands on a terminal: tables that fit, colours, bars, questions, Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
import redis

from tests.helpers.commands import Terminal
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually

ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def fill(store: redis.Redis, key: str, count: int) -> None:
    now = time.time()
    for start in range(0, count, 5000):
        members = {}
        for number in range(start, min(count, start + 5000)):
            job = {"class": "app.mailers.WelcomeMailer", "args": ["Bob" * 30], "queue": "default"}
            error = {"error_class": "IOError", "error_message": "disk\x1b[2J" * 20}
            members[json.dumps({**job, **error, "jid": f"{number:024x}"})] = now + number
        store.zadd(key, members)


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_tables_fit_the_terminal(raw: redis.Redis, redis_url: str, columns: int) -> None:
    fill(raw, "retry", 3)
    with Terminal(["retries"], columns=columns, REDIS_URL=redis_url) as screen:
        assert screen.ends() == 0
        lines = [ESCAPE.sub("", line) for line in screen.text.splitlines()]
        assert max(map(len, lines)) <= columns
        assert all(f"{number:024x}" in lines[number + 1] for number in range(3))
        assert "\x1b[1m" in screen.text
        assert "\x1b[2J" not in screen.text


def test_without_colour_a_terminal_gets_none(raw: redis.Redis, redis_url: str) -> None:
    fill(raw, "retry", 3)
    with Terminal(["retries"], REDIS_URL=redis_url, NO_COLOR="1") as screen:
        assert screen.ends() == 0
        assert "\x1b" not in screen.text


def test_a_terminal_that_knows_only_ascii_gets_only_ascii(raw: redis.Redis, redis_url: str) -> None:
    fill(raw, "retry", 1)
    ascii_only = Terminal(["retries"], REDIS_URL=redis_url, PYTHONIOENCODING="ascii")
    with ascii_only as screen:
        assert screen.ends() == 0
        assert screen.text.isascii()


@pytest.mark.parametrize(("answer", "code", "left"), [("y\n", 0, 0), ("n\n", 1, 3), ("\x03", 1, 3)])
def test_it_asks_before_it_deletes_many(
    raw: redis.Redis, redis_url: str, answer: str, code: int, left: int
) -> None:
    fill(raw, "dead", 3)
    with Terminal(["dead", "delete", "--all"], REDIS_URL=redis_url) as screen:
        screen.says("Delete 3 jobs of the set dead? [y/N]")
        screen.types(answer)
        assert screen.ends() == code
    assert raw.zcard("dead") == left


def test_long_work_has_a_bar_and_ctrl_c_ends_it_with_nothing_lost(
    raw: redis.Redis, redis_url: str
) -> None:
    count = 150_000
    fill(raw, "retry", count)
    with Terminal(["retries", "retry", "--all", "-y"], REDIS_URL=redis_url) as screen:
        screen.says(f"of {count:,}")
        screen.types("\x03")
        assert screen.ends() == 130
        assert "broken off after" in screen.text
        assert "Traceback" not in screen.text
    moved, left = raw.llen("queue:default"), raw.zcard("retry")
    assert 0 < moved < count
    assert moved + left == count


def test_watching_goes_on_while_redis_is_away_and_ends_with_ctrl_c(
    private_server: Callable[..., TestServer],
) -> None:
    server = private_server()
    server.client().set("stat:processed", 17)
    with Terminal(["stats", "--watch", "0.2"], REDIS_URL=server.url) as screen:
        screen.says("processed  17")
        screen.says("/s)")
        server.kill()
        screen.says("trying again")
        server.restart()
        server.client().set("stat:processed", 4321)
        screen.says("processed  4,321")
        screen.types("\x03")
        assert screen.ends() == 0
        assert "Traceback" not in screen.text
        assert "Aborted" not in screen.text


def test_a_watch_in_a_pipe_is_plain(redis_url: str) -> None:
    watch = Terminal(["stats", "--watch", "0.1", "--json"], REDIS_URL=redis_url)
    with watch as screen:
        eventually(lambda: screen.says('"rates": {"processed": 0.0'), 20)
        screen.types("\x03")
        assert screen.ends() == 0
        lines = [line for line in screen.text.splitlines() if line.startswith("{")]
        assert all(json.loads(line)["error"] is None for line in lines)


@pytest.mark.parametrize(("encoding", "block"), [("utf-8", "█"), ("ascii", "#")])
def test_what_comes_and_is_done_is_plotted(
    raw: redis.Redis, redis_url: str, encoding: str, block: str
) -> None:
    raw.sadd("queues", *(f"queue-{at}" for at in range(30)))
    raw.set("stat:processed", 1000)
    terminal = {"REDIS_URL": redis_url, "PYTHONIOENCODING": encoding, "NO_COLOR": "1"}
    with Terminal(["stats", "--watch", "0.2"], columns=80, rows=24, **terminal) as screen:
        screen.says("processed  1,000")
        raw.incrby("stat:processed", 500)
        raw.lpush("queue:queue-7", *["x"] * 40)
        shown = screen.says(block)
        screen.says("queue-7")
        assert "come " in shown
        assert "done " in shown
        screen.types("\x03")
        assert screen.ends() == 0
    pictures = screen.text.split("\x1b[H")
    assert max(picture.count("\n") for picture in pictures[1:-1]) == 23, "more would scroll"
    lines = [ESCAPE.sub("", line) for picture in pictures for line in picture.splitlines()]
    assert max(map(len, lines)) <= 80
    assert "\x1b[1m" not in screen.text


def test_a_watch_follows_the_size_of_its_terminal(redis_url: str) -> None:
    with Terminal(["stats", "--watch", "60"], columns=60, rows=8, REDIS_URL=redis_url) as screen:
        before = screen.says("processed  ").count("\x1b[2J")
        screen.resizes()
        eventually(lambda: screen.says("processed").count("\x1b[2J") > before, 20)
        screen.types("\x03")
        assert screen.ends() == 0


def test_a_watch_in_a_pipe_writes_a_line_at_a_time(redis_url: str) -> None:
    environment = {**os.environ, "REDIS_URL": redis_url}
    words = [sys.executable, "-m", "kiq", "stats", "--watch", "0.1"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment) as watch:
        assert watch.stdout is not None
        lines = [watch.stdout.readline() for _ in range(3)]
        watch.send_signal(signal.SIGINT)
        assert watch.wait(20) == 0
    assert all(
        re.match(r"\d\d:\d\d:\d\d  come .* done .* failed .* enqueued", each) for each in lines
    )
    assert "\x1b" not in "".join(lines)
