"""What systemd hears, at a real socket."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from kiq.health import systemd
from kiq.health.systemd import Notifier


@pytest.fixture(params=["path", "abstract"])
def ear(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[socket.socket]:
    """What systemd listens at."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        abstract = f"\0kiq-test-{os.getpid()}"
        made.bind(abstract if request.param == "abstract" else str(tmp_path / "notify"))
        made.setblocking(False)
        yield made


def environ(ear: socket.socket, **more: str) -> dict[str, str]:
    name = ear.getsockname()
    text = f"@{name[1:].decode()}" if isinstance(name, bytes) else str(name)
    return {"NOTIFY_SOCKET": text, "HOME": "/", **more}


def heard(ear: socket.socket) -> list[str]:
    found = []
    while True:
        try:
            found.append(ear.recv(4096).decode())
        except BlockingIOError:
            return found


def test_each_state_is_told_once(ear: socket.socket) -> None:
    variables = environ(ear)
    notifier = Notifier(variables)
    assert variables == {"HOME": "/"}, "what jobs start must not speak for this process"
    notifier.status("0 of 2\nchildren")
    for _ in range(3):
        notifier.ready()
        notifier.status("2 of 2 children")
        notifier.look(alive=True)
    notifier.reloading()
    notifier.look(alive=True)
    notifier.ready()
    notifier.stopping()
    notifier.look(alive=True)
    told = heard(ear)
    assert told[0] == "READY=1"
    assert told[1] == "STATUS=2 of 2 children"
    assert told[2].startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert told[3:] == ["READY=1", "STOPPING=1"]


def test_signs_of_life_come_in_half_the_time_and_only_from_who_lives(
    ear: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(systemd, "steady", lambda: now)
    notifier = Notifier(environ(ear, WATCHDOG_USEC="10000000", WATCHDOG_PID=str(os.getpid())))
    assert notifier.period == 5.0
    for moment in range(100, 112):
        now = float(moment)
        notifier.look(alive=True)
    assert heard(ear) == ["WATCHDOG=1"] * 3
    now = 150.0
    notifier.look(alive=False)
    assert heard(ear) == []


def test_another_process_is_watched_not_this_one(ear: socket.socket) -> None:
    variables = environ(ear, WATCHDOG_USEC="10000000", WATCHDOG_PID="1")
    assert Notifier(variables).period == 0.0


def test_what_nobody_takes_is_told_later_and_waits_for_nothing(ear: socket.socket) -> None:
    notifier = Notifier(environ(ear))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as flood:
        flood.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                flood.sendto(b"x", ear.getsockname())
    notifier.ready()
    notifier.look(alive=True)
    assert "READY=1" not in heard(ear)
    notifier.look(alive=True)
    assert heard(ear) == ["READY=1"]


def test_nobody_to_be_told() -> None:
    notifier = Notifier({})
    notifier.ready()
    notifier.look(alive=True)
    assert not notifier.wanted
    gone = Notifier({"NOTIFY_SOCKET": "/nowhere/notify", "WATCHDOG_USEC": "nonsense"})
    gone.ready()
    gone.look(alive=True)
    assert gone.period == 0.0
