"""The door, and peers of every kind at it: each costs a place for a while, and nobody waits."""

from __future__ import annotations

import errno
import os
import select
import socket
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiq.errors import ConfigError
from kiq.health import door
from kiq.health.address import Address
from kiq.health.asking import ask
from kiq.health.door import Door
from kiq.health.http import Answer, said
from kiq.health.listening import listen


def answering(path: str) -> Answer | None:
    if path == "/large":
        return said(200, "x" * (8 << 20))
    if path == "/broken":
        raise RuntimeError("it is broken")
    return said(200, "well") if path == "/live" else None


class Serving:
    """A door, and a thread that does what a parent's loop does."""

    def __init__(self, address: Address) -> None:
        self.door = Door(listen(address), answering)
        self.over = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while not self.over:
            poll = select.poll()
            for descriptor, events in self.door.wanted().items():
                poll.register(descriptor, events)
            self.door.serve(dict(poll.poll(20)))
        self.door.close()

    def close(self) -> None:
        self.over = True
        self.thread.join(5)


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


@pytest.fixture
def address() -> Iterator[Address]:
    """Where a door is served."""
    where = Address("127.0.0.1", free_port())
    serving = Serving(where)
    yield where
    serving.close()


def peer(address: Address) -> socket.socket:
    return socket.create_connection((address.host, address.port), 5)


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def everything(connection: socket.socket) -> bytes:
    received = b""
    while part := connection.recv(1 << 20):
        received += part
    return received


def test_it_answers_and_knows_no_other_paths(address: Address) -> None:
    assert ask(address, "/live", 5) == (True, "well")
    assert ask(address, "/other", 5) == (False, "here are /live, /ready and /metrics")
    with urllib.request.urlopen(f"http://{address}/live", timeout=5) as answer:
        assert answer.read() == b"well\n"
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_what_can_t_be_answered_ends_nobody(
    address: Address, caplog: pytest.LogCaptureFixture
) -> None:
    assert ask(address, "/broken", 5) == (False, "this can't be answered, see the log")
    assert "it is broken" in caplog.text
    assert ask(address, "/live", 5)[0]


def test_without_descriptors_those_that_wait_give_way(
    address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    with peer(address) as waiting:
        waiting.sendall(b"GET")
        assert ask(address, "/live", 5)[0]
        real, refusals = socket.socket.accept, [errno.EMFILE]

        def accept(self: socket.socket) -> tuple[socket.socket, object]:
            if refusals:
                raise OSError(refusals.pop(), "too many open files")
            return real(self)

        monkeypatch.setattr(socket.socket, "accept", accept)
        assert ask(address, "/live", 5)[0]
        assert everything(waiting) == b""


def test_a_large_answer_arrives_whole_and_who_does_not_read_it_holds_up_nobody(
    address: Address,
) -> None:
    with peer(address) as lazy, peer(address) as eager:
        lazy.sendall(b"GET /large HTTP/1.1\r\n\r\n")
        eager.sendall(b"GET /large HTTP/1.1\r\n\r\n")
        assert len(everything(eager)) > 8 << 20
        assert ask(address, "/live", 5)[0]


def test_who_sends_nothing_or_byte_by_byte_holds_up_nobody_and_is_parted_with(
    address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "_PATIENCE", 0.3)
    with peer(address) as silent, peer(address) as slow:
        slow.sendall(b"G")
        assert ask(address, "/live", 5)[0]
        slow.sendall(b"E")
        assert everything(silent) == b""
        assert everything(slow) == b""


def test_more_peers_than_there_are_places_take_them_from_those_that_wait_longest(
    address: Address,
) -> None:
    crowd = [peer(address) for _ in range(3 * door._MOST)]
    assert ask(address, "/live", 5)[0]
    assert everything(crowd[0]) == b"", "it was parted with"
    for one in crowd:
        one.close()


@pytest.mark.parametrize("body", [10 << 20, 100])
def test_who_sends_much_gets_an_answer_all_the_same_or_is_hung_up_on(
    address: Address, body: int
) -> None:
    with peer(address) as large:
        large.sendall(b"POST /live HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % body)
        try:
            large.sendall(b"x" * body)
            assert everything(large).startswith(b"HTTP/1.1 405 ")
        except ConnectionError:
            assert body > 1 << 20, "it would not end"
    assert ask(address, "/live", 5)[0]


def test_who_hangs_up_amid_does_no_harm(address: Address) -> None:
    for said_ in (b"", b"GET", b"GET /large HTTP/1.1\r\n\r\n"):
        with peer(address) as gone:
            gone.sendall(said_)
            gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert ask(address, "/live", 5)[0]


def test_a_forked_child_keeps_nothing_of_it() -> None:
    address = Address("127.0.0.1", free_port())
    open_door = Door(listen(address), answering)
    with peer(address) as waiting:
        waiting.sendall(b"GET")
        open_door.serve(dict.fromkeys(open_door.descriptors, select.POLLIN))
        held = list(open_door.wanted())
        assert len(held) == 2, "one that listens, and the peer"
        pid = os.fork()
        if not pid:
            os._exit(sum(is_open(one) for one in held) + len(open_door.wanted()))
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert all(is_open(one) for one in held)
    open_door.close()
    assert not any(is_open(one) for one in held)


def test_a_port_that_is_taken_is_said_and_one_of_before_is_none(address: Address) -> None:
    with pytest.raises(ConfigError, match=rf"health: can't listen at {address}: .*another process"):
        listen(address)


def test_a_socket_in_the_file_system(tmp_path: Path) -> None:
    where = Address(path=str(tmp_path / "health.sock"))
    assert ask(where, "/live", 5)[1].startswith("nothing answers at")
    serving = Serving(where)
    assert ask(where, "/live", 5) == (True, "well")
    with pytest.raises(ConfigError, match="another process has it"):
        listen(where)
    serving.close()
    assert not ask(where, "/live", 5)[0]
    again = Serving(where)  # what a process of before has left is in nobody's way
    assert ask(where, "/live", 5)[0]
    again.close()
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="no socket"):
        listen(Address(path=str(tmp_path / "file")))


def test_all_addresses_of_the_machine() -> None:
    port = free_port()
    serving = Serving(Address("", port))
    assert ask(Address("127.0.0.1", port), "/live", 5)[0]
    serving.close()


def test_who_does_not_answer_is_said() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        where = Address("127.0.0.1", deaf.getsockname()[1])
        assert ask(where, "/live", 0.1) == (False, f"no answer from {where} within 0.1 s")
    assert not ask(where, "/live", 5)[0]
