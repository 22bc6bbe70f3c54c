"""The quick way of a push: what happens where it is not usual."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis

import kiq
from kiq.client import process_client
from kiq.config import Redis
from tests.helpers.stored import in_queue

IT_ANSWERS = b":1\r\n"


class Work(kiq.Job, name="direct.Work"):
    def perform(self, number: int) -> None: ...


class ScriptedServer:
    """Answers commands as told: bytes (in pieces, where they are a list), or hangs up at None."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.answers: list[list[bytes | None]] = []
        self.pushes = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._converse, args=(peer,), daemon=True).start()

    def _converse(self, peer: socket.socket) -> None:
        with peer:
            while heard := peer.recv(65536):
                if b"EVALSHA" not in heard:
                    peer.sendall(b"+OK\r\n" * heard.count(b"*"))
                    continue
                self.pushes += 1
                for piece in self.answers.pop(0):
                    if piece is None:
                        return
                    peer.sendall(piece)


@pytest.fixture
def scripted(unconfigured: None) -> Iterator[ScriptedServer]:
    server = ScriptedServer()
    kiq.configure(redis=Redis(url=f"redis://127.0.0.1:{server.port}/0", socket_timeout=0.5))
    server.answers.append([IT_ANSWERS])
    Work.perform_async(0)  # from now on it goes the quick way
    assert the_link()._socket is not None
    yield server
    server.close()


def the_link() -> Any:
    (link,) = process_client().sender._links._home[1]  # type: ignore[union-attr]
    return link


def test_an_answer_may_come_in_pieces(scripted: ScriptedServer) -> None:
    scripted.answers += [[b":", b"1", b"\r", b"\n"], [IT_ANSWERS]]
    Work.perform_async(1)
    Work.perform_async(2)
    assert scripted.pushes == 3


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ([None], "Connection closed by server"),
        ([b":1", None], "Connection closed by server"),
        ([b"-ERR ha", None], "Connection closed by server"),
        ([], "Timeout reading from socket"),
        ([b":1"], "Timeout reading from socket"),
        ([IT_ANSWERS + IT_ANSWERS], "more than one answer"),
        ([b"+QUEUED\r\n"], "neither a number nor an error"),
    ],
    ids=repr,
)
def test_an_answer_that_breaks_leaves_the_push_in_doubt_and_the_link_closed(
    scripted: ScriptedServer, answer: list[bytes | None], said: str
) -> None:
    scripted.answers += [answer, [IT_ANSWERS]]
    with pytest.raises(kiq.StoreUnavailable, match=said) as raised:
        Work.perform_async(1)
    assert raised.value.maybe_done
    assert not the_link().connected
    assert scripted.pushes == 2  # one attempt
    Work.perform_async(2)
    assert scripted.pushes == 3


def test_a_refusal_keeps_the_link_and_is_not_tried_again(scripted: ScriptedServer) -> None:
    scripted.answers += [[b"-ERR no: 1\r\n"], [IT_ANSWERS]]
    with pytest.raises(kiq.StoreError, match="Redis refused: no: 1") as raised:
        Work.perform_async(1)
    assert type(raised.value) is kiq.StoreError
    assert not raised.value.maybe_done
    assert the_link().connected
    Work.perform_async(2)
    assert scripted.pushes == 3


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"-LOADING Redis is loading the dataset in memory\r\n", kiq.StoreUnavailable),
        (b"-NOAUTH Authentication required.\r\n", kiq.StoreDenied),
    ],
    ids=["loading", "noauth"],
)
def test_a_server_that_wants_another_connection_did_not_push(
    scripted: ScriptedServer, answer: bytes, error: type[kiq.StoreError]
) -> None:
    scripted.answers += [[answer]]
    with pytest.raises(error) as raised:
        Work.perform_async(1)
    assert not raised.value.maybe_done
    assert not the_link().connected


class Interruption(BaseException):
    """What a signal handler raises."""


@contextmanager
def interrupted(seconds: float) -> Iterator[None]:
    def handler(*_: object) -> None:
        raise Interruption

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_an_interrupted_push_does_not_leave_its_answer_to_the_next(
    scripted: ScriptedServer,
) -> None:
    scripted.answers += [[], [b"-ERR second\r\n"]]
    with interrupted(0.1), pytest.raises(Interruption):
        Work.perform_async(1)
    assert not the_link().connected
    with pytest.raises(kiq.StoreError, match="second"):
        Work.perform_async(2)


def test_scripts_that_were_flushed_are_loaded_and_the_push_is_done_once(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    Work.perform_async(1)
    Work.perform_async(2)
    assert the_link()._socket is not None
    raw.script_flush()
    Work.perform_async(3)
    assert the_link()._socket is not None
    Work.perform_async(4)
    assert [job["args"] for job in in_queue(raw)] == [[1], [2], [3], [4]]


@pytest.mark.parametrize("push", [lambda: Work.perform_async(1), lambda: Work.perform_bulk([(1,)])])
def test_a_wrong_type_is_named_and_the_next_push_is_done(
    raw: redis.Redis, kiq_client: kiq.Client, push: Callable[[], object]
) -> None:
    Work.perform_async(0)
    raw.delete("queue:default")
    raw.set("queue:default", "x")
    with pytest.raises(kiq.StoreError, match="WRONGTYPE"):
        push()
    assert raw.get("queue:default") == b"x"
    raw.delete("queue:default")
    push()
    assert [job["args"] for job in in_queue(raw)] == [[1]]


def test_kernel_and_python_keep_the_same_time_out(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    Work.perform_async(0)
    link = the_link()
    assert link._socket.gettimeout() is None
    Work.perform_in(60, 1)
    kiq.push_bulk({"class": "direct.Work", "at": 4e9}, [[1]])
    link._leave()  # as for several commands at once, which redis-py sends
    assert link._connection._sock.gettimeout() == link._connection.socket_timeout
