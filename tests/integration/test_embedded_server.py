"""The embedded server starts once, is shared, keeps its data, and never outlives its users."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from kiq.embedded import EmbeddedServer, ensure
from kiq.embedded.version import read_stamp, version_of
from kiq.errors import EmbeddedServerError
from tests.helpers.server import binary_under_test
from tests.helpers.waiting import eventually

# What each child process begins with: it answers in lines of JSON and waits for a line to go on.
_PRELUDE = """
import json, os, signal, socket, subprocess, sys, time
from kiq.embedded import ensure

def say(value):
    print(json.dumps(value), flush=True)

def wait():
    sys.stdin.readline()

def ask(command):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(server.socket))
        connection.sendall(command.encode() + b"\\r\\n")
        return connection.recv(65536).decode()

def server_pid():
    return int(ask("INFO server").split("process_id:")[1].split()[0])

# A shell that starts the tests in the background has it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
url = sys.argv[1]
"""


class Child:
    """A Python process that uses the embedded server *url*."""

    def __init__(self, url: str, body: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _PRELUDE + body, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )

    def hear(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the child ended with {self.process.wait()} before it said anything"
        return json.loads(line)

    def go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> int:
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()
        return self.process.wait(timeout=20)


@pytest.fixture(autouse=True)
def run_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A run folder of the test's own, and the server that this run of the tests is about."""
    run = Path(tempfile.mkdtemp(prefix="kiq-run-", dir="/tmp"))
    monkeypatch.setenv("KIQ_RUN_DIR", str(run))
    monkeypatch.setenv("KIQ_REDIS_SERVER", str(binary_under_test()))
    yield run
    shutil.rmtree(run)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A data folder; nobody may be left in it after the test."""
    data = tmp_path / "data"
    yield data
    eventually(lambda: gone(data), message="no server outlives its last user")


@pytest.fixture
def url(folder: Path) -> str:
    return f"embedded:{folder}"


@pytest.fixture
def join(url: str) -> Iterator[Callable[[], EmbeddedServer]]:
    """``ensure()`` in this process, given up at the end."""
    joined: list[EmbeddedServer] = []

    def join() -> EmbeddedServer:
        joined.append(ensure(url))
        return joined[-1]

    yield join
    for each in joined:
        each.close()


@pytest.fixture
def child(url: str) -> Iterator[Callable[[str], Child]]:
    children: list[Child] = []

    def start(body: str) -> Child:
        children.append(Child(url, body))
        return children[-1]

    yield start
    for each in children:
        if each.process.poll() is None:
            each.process.kill()
        each.end()


def gone(data: Path) -> bool:
    """Whether no server runs on *data*: a server holds the lock for as long as it is there."""
    lock = data / "server.lock"
    if not lock.exists():
        return True
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def connect(server: EmbeddedServer) -> redis.Redis:
    return redis.Redis.from_url(server.url, protocol=2, single_connection_client=True)


def pid_of(server: EmbeddedServer) -> int:
    with connect(server) as client:
        return int(client.info("server")["process_id"])


def test_the_first_process_starts_the_server_and_the_next_one_joins_it(
    url: str, join: Callable[[], EmbeddedServer], child: Callable[[str], Child]
) -> None:
    news: list[str] = []
    first = ensure(url, announce=news.append)
    second = child(
        "news = []\nserver = ensure(url, announce=news.append)\nsay([news, server_pid()])"
    )

    said, pid = second.hear()

    assert news == [f"started the {first.description}"]
    assert said == [f"joined the {first.description}"]
    assert pid == pid_of(first)
    assert join() is first


def test_the_announcement_says_which_server_it_is_what_for_and_where(
    folder: Path, join: Callable[[], EmbeddedServer], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="kiq.embedded"):
        join()
        join()

    (line,) = caplog.messages
    assert str(version_of(binary_under_test())) in line
    assert "for development" in line
    assert str(folder) in line


def test_it_holds_jobs_as_a_production_server_should(join: Callable[[], EmbeddedServer]) -> None:
    with connect(join()) as client:
        settings = client.config_get("*")

    assert settings["appendonly"] == "yes"
    assert settings["appendfsync"] == "everysec"
    assert settings["save"] == ""
    assert settings["maxmemory-policy"] == "noeviction"
    assert settings["port"] == "0"


def test_the_data_are_kept_out_of_version_control(
    folder: Path, join: Callable[[], EmbeddedServer]
) -> None:
    join()

    assert "*" in (folder / ".gitignore").read_text().splitlines()


@pytest.mark.parametrize("name", ["with a space", 'quote"s and %25', "deep/" * 12 + "x" * 100])
def test_a_folder_may_have_any_name_and_any_depth(tmp_path: Path, name: str) -> None:
    data = tmp_path / name
    server = ensure(f"embedded:{data}")

    with connect(server) as client:
        assert client.set("key", "value")
    assert server.folder == data
    assert (data / "server.log").exists()

    server.close()
    eventually(lambda: gone(data), message="the server ends")


def test_a_normal_exit_ends_the_server_and_the_data_come_back(
    folder: Path, join: Callable[[], EmbeddedServer], child: Callable[[str], Child]
) -> None:
    first = child("server = ensure(url)\nsay(ask('SET key value'))")
    first.hear()
    assert first.end() == 0
    eventually(lambda: gone(folder), message="the server ends with its only user")

    with connect(join()) as client:
        assert client.get("key") == b"value"


def test_a_killed_owner_takes_the_server_with_it_and_loses_nothing(
    folder: Path, join: Callable[[], EmbeddedServer], child: Callable[[str], Child]
) -> None:
    owner = child(
        "server = ensure(url)\n"
        "for number in range(1000):\n    ask(f'LPUSH queue:default {number}')\n"
        "say('queued')\nwait()"
    )
    assert owner.hear() == "queued"

    owner.kill()

    eventually(lambda: gone(folder), timeout=3, message="the server ends with its killed owner")
    with connect(join()) as client:
        assert client.llen("queue:default") == 1000


def test_of_racing_starters_one_starts_and_all_share_its_server(
    folder: Path, child: Callable[[str], Child]
) -> None:
    racers = [
        child(
            "wait()\nserver = ensure(url)\n"
            "ask('INCR starters')\nsay(server_pid())\nwait()\nsay(ask('GET starters'))"
        )
        for _ in range(16)
    ]
    for racer in racers:
        racer.go_on()
    pids = {racer.hear() for racer in racers}
    for racer in racers:
        racer.go_on()
    counts = {racer.hear() for racer in racers}

    assert len(pids) == 1
    assert counts == {"$2\r\n16\r\n"}
    assert [racer.end() for racer in racers] == [0] * 16
    eventually(lambda: gone(folder), message="no server is left")


def test_the_server_goes_on_for_a_second_process_when_its_starter_is_killed(
    join: Callable[[], EmbeddedServer], child: Callable[[str], Child]
) -> None:
    starter = child("server = ensure(url)\nsay(server_pid())\nwait()")
    pid = starter.hear()
    second = join()

    with connect(second) as client:
        starter.kill()
        # Longer than it takes a server without users to end.
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            assert client.incr("still") > 0
    assert pid_of(join()) == pid


def test_a_program_without_logging_is_told_on_stderr_where_the_data_are(tmp_path: Path) -> None:
    outcome = subprocess.run(
        [sys.executable, "-c", "from kiq.embedded import ensure; ensure('embedded:data')"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert outcome.stdout == ""
    assert f"data in {tmp_path / 'data'}" in outcome.stderr


def test_the_server_answers_while_its_user_finishes_after_ctrl_c(
    child: Callable[[str], Child],
) -> None:
    worker = child(
        "server = ensure(url)\n"
        "try:\n    say('working')\n    time.sleep(30)\n"
        "except KeyboardInterrupt:\n"
        "    until = time.monotonic() + 0.5\n"
        "    answers = set()\n"
        "    while time.monotonic() < until:\n"
        "        answers.add(ask('PING'))\n"
        "    say(sorted(answers))\n"
    )
    assert worker.hear() == "working"

    os.killpg(worker.process.pid, signal.SIGINT)

    assert worker.hear() == ["+PONG\r\n"]
    assert worker.end() == 0


def test_a_server_that_was_killed_comes_back_with_its_data_at_the_next_ensure(
    join: Callable[[], EmbeddedServer], child: Callable[[str], Child]
) -> None:
    server = join()
    other = child("server = ensure(url)\nsay('joined')\nwait()\nensure(url)\nsay(server_pid())")
    other.hear()
    with connect(server) as client:
        client.lpush("queue:default", *range(100))
    first = pid_of(server)
    os.kill(first, signal.SIGKILL)

    again = join()

    with connect(again) as client:
        assert client.llen("queue:default") == 100
    other.go_on()
    assert other.hear() == pid_of(again) != first


def test_a_server_that_another_process_restarted_is_joined_anew(
    join: Callable[[], EmbeddedServer], child: Callable[[str], Child]
) -> None:
    os.kill(pid_of(join()), signal.SIGKILL)
    other = child("server = ensure(url)\nsay(server_pid())\nwait()")
    pid = other.hear()

    server = join()
    other.kill()

    with connect(server) as client:
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            assert client.ping()
    assert pid_of(server) == pid


def test_a_paused_server_is_not_taken_for_a_dead_one(join: Callable[[], EmbeddedServer]) -> None:
    pid = pid_of(join())
    os.kill(pid, signal.SIGSTOP)
    try:
        started = time.monotonic()
        join()
        assert time.monotonic() - started < 2
    finally:
        os.kill(pid, signal.SIGCONT)

    assert pid_of(join()) == pid


def test_a_server_that_lost_its_socket_is_replaced(
    join: Callable[[], EmbeddedServer], run_folder: Path
) -> None:
    with connect(join()) as client:
        client.set("key", "value")
    for file in run_folder.iterdir():
        file.unlink()

    with connect(join()) as client:
        assert client.get("key") == b"value"


def test_making_sure_of_a_living_server_costs_less_than_a_millisecond(
    join: Callable[[], EmbeddedServer],
) -> None:
    join()
    costs = []
    for _ in range(200):
        started = time.perf_counter()
        join()
        costs.append(time.perf_counter() - started)

    assert sorted(costs)[100] < 0.001


def test_a_program_that_the_owner_started_does_not_keep_the_server(
    folder: Path, child: Callable[[str], Child]
) -> None:
    owner = child(
        "server = ensure(url)\n"
        "say(subprocess.Popen(['sleep', '30'], stdin=-3, stdout=-3, close_fds=False).pid)\nwait()"
    )
    program = owner.hear()

    owner.kill()

    try:
        eventually(lambda: gone(folder), timeout=3, message="the server ends with its owner")
        os.kill(program, 0)
    finally:
        os.kill(program, signal.SIGKILL)


def test_a_forked_child_keeps_the_server_and_can_restart_it(
    folder: Path, child: Callable[[str], Child]
) -> None:
    parent = child(
        "server = ensure(url)\n"
        "ask('SET key value')\n"
        "if os.fork() == 0:\n"
        "    wait()\n"
        "    say(ask('GET key'))\n"
        "    os.kill(server_pid(), signal.SIGKILL)\n"
        "    ensure(url)\n"
        "    say(ask('GET key'))\n"
        "    os._exit(0)\n"
        "say('forked')\n"
        "time.sleep(30)"
    )
    assert parent.hear() == "forked"
    parent.kill()
    parent.go_on()

    assert parent.hear() == "$5\r\nvalue\r\n"
    assert parent.hear() == "$5\r\nvalue\r\n"
    eventually(lambda: gone(folder), message="the server ends with the forked child")


def test_every_write_of_short_overlapping_processes_counts(
    join: Callable[[], EmbeddedServer], child: Callable[[str], Child]
) -> None:
    crowd: list[Child] = []

    def is_thin() -> bool:
        return sum(each.process.poll() is None for each in crowd) < 3

    for _ in range(40):
        # Few at a time, so that the server often ends and starts again in between.
        eventually(is_thin, timeout=20)
        crowd.append(child("server = ensure(url)\nsay(ask('INCR visits'))"))
    answers = [each.hear() for each in crowd]

    assert [each.end() for each in crowd] == [0] * 40
    assert sorted(answers) == sorted(f":{number}\r\n" for number in range(1, 41))
    with connect(join()) as client:
        assert client.get("visits") == b"40"


def test_a_server_that_has_no_user_any_more_can_be_started_again_at_once(url: str) -> None:
    for number in range(1, 11):
        server = ensure(url)
        with connect(server) as client:
            assert client.incr("rounds") == number
        server.close()


def test_data_of_a_newer_server_are_refused(url: str, folder: Path) -> None:
    folder.mkdir()
    kind = version_of(binary_under_test()).kind
    (folder / "server-version").write_text(f"{kind} 99.1\n")

    with pytest.raises(EmbeddedServerError, match=f"written by {kind} 99.1"):
        ensure(url)
    assert not (folder / "appendonlydir").exists()


def test_data_of_another_kind_of_server_are_refused(url: str, folder: Path) -> None:
    folder.mkdir()
    (folder / "server-version").write_text("otherkv 1.0\n")

    with pytest.raises(EmbeddedServerError, match=r"otherkv 1\.0 or newer in KIQ_REDIS_SERVER"):
        ensure(url)


def test_data_of_an_older_server_are_taken_over(
    folder: Path, join: Callable[[], EmbeddedServer]
) -> None:
    folder.mkdir()
    version = version_of(binary_under_test())
    (folder / "server-version").write_text(f"{version.kind} 1.0\n")

    join()

    assert read_stamp(folder) == version


def test_the_server_that_the_environment_names_is_the_one_that_runs(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = tmp_path / "my own server"
    named.symlink_to(binary_under_test())
    monkeypatch.setenv("KIQ_REDIS_SERVER", str(named))

    server = ensure(url)

    with connect(server) as client:
        assert client.info("server")["executable"] == str(named)
    server.close()


def test_a_server_that_ends_while_it_starts_is_reported_at_once_in_its_own_words(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken-server"
    broken.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo "Valkey server v=9.9.9 sha=0" && exit\n'
        "echo 'the disk is made of cheese'\nexit 1\n"
    )
    broken.chmod(0o755)
    monkeypatch.setenv("KIQ_REDIS_SERVER", str(broken))
    started = time.monotonic()

    with pytest.raises(EmbeddedServerError, match="the disk is made of cheese"):
        ensure(url)

    assert time.monotonic() - started < 5


def test_a_run_folder_that_others_can_write_is_refused(url: str, run_folder: Path) -> None:
    run_folder.chmod(0o777)

    with pytest.raises(EmbeddedServerError, match=r"open to other users \(mode 777\)"):
        ensure(url)


def test_a_run_folder_that_is_a_link_is_refused(
    url: str, tmp_path: Path, run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = run_folder / "link"
    link.symlink_to(tmp_path)
    monkeypatch.setenv("KIQ_RUN_DIR", str(link))

    with pytest.raises(EmbeddedServerError, match="links are not followed"):
        ensure(url)


def test_a_run_folder_too_deep_for_a_socket_is_refused_before_anything_is_made(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("x" * 100)
    monkeypatch.setenv("KIQ_RUN_DIR", str(deep))

    with pytest.raises(EmbeddedServerError, match="Set KIQ_RUN_DIR to a shorter path"):
        ensure(url)
    assert not deep.exists()


def test_a_folder_that_can_not_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(EmbeddedServerError, match="embedded:FOLDER"):
        ensure(f"embedded:{tmp_path / 'file' / 'data'}")
