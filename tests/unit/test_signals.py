"""Signals reach the launcher as names, in order, from the system and through Redis."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading

import pytest

from kiq.clock import steady
from kiq.signals import Signals, log_stacks

#: Says each signal that arrives, until TERM.
LISTENER = """
import os, signal, sys
from kiq.signals import Signals
signals = Signals()
signals.install()
{more}
print("ready", flush=True)
while True:
    name = signals.wait(10)
    print(name, flush=True)
    if name in ("TERM", None):
        break
"""
#: A child of a job: TERM must end it, by itself.
FORK = """
for _ in range(50):
    child = os.fork()
    if child == 0:
        signal.alarm(10)
        while True:
            signal.pause()
    os.kill(child, signal.SIGTERM)
    _, status = os.waitpid(child, 0)
    if os.WTERMSIG(status) != signal.SIGTERM:
        break
print("child", os.WTERMSIG(status), flush=True)
"""


def listener(more: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", LISTENER.format(more=more)], stdout=subprocess.PIPE, text=True
    )


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_nothing_came_is_none() -> None:
    assert Signals().wait(0.001) is None


def test_names_come_out_in_the_order_in_which_they_went_in() -> None:
    signals = Signals()
    for name in ("TSTP", "TERM", "TTIN"):
        signals.put(name)
    assert [signals.wait(1) for _ in range(3)] == ["TSTP", "TERM", "TTIN"]


@pytest.mark.parametrize("second", ["TERM", "INT", "HUP"])
def test_orders_to_stop_within_a_second_are_one(second: str) -> None:
    signals = Signals()
    for name in ("TERM", second, "TTIN"):
        signals.put(name)
    assert [signals.wait(1), signals.wait(1)] == ["TERM", "TTIN"]


def test_an_order_that_may_be_as_old_as_the_last_one_is_no_new_one() -> None:
    signals, began = Signals(), steady()
    signals.put("TERM")
    assert signals.wait(1) == "TERM"
    signals.put("TERM", began + 0.9)  # heard much later, by a beat
    assert signals.wait(0.001) is None
    signals.put("TERM", steady() + 1.1)
    assert signals.wait(1) == "TERM"


@pytest.mark.parametrize("name", ["KILL", "term", "", "SIGTERM", "X" * 10_000])
def test_an_unknown_name_is_logged_in_brief_and_dropped(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    signals = Signals()
    signals.put(name)
    assert signals.wait(0.001) is None
    assert "unknown signal" in caplog.text
    assert len(caplog.text) < 300


def test_a_signal_may_come_from_another_thread_while_the_launcher_waits() -> None:
    signals = Signals()
    threading.Timer(0.02, signals.put, ["TSTP"]).start()
    assert signals.wait(5) == "TSTP"


def test_signals_of_the_system_arrive_by_name() -> None:
    with listener() as process:
        assert said(process) == "ready"
        for name in ("TSTP", "TTIN", "TERM"):
            os.kill(process.pid, getattr(signal, f"SIG{name}"))
            assert said(process) == name
    assert process.returncode == 0


@pytest.mark.parametrize("name", ["INT", "HUP"])
def test_other_orders_to_stop_arrive_by_name(name: str) -> None:
    with listener() as process:
        assert said(process) == "ready"
        os.kill(process.pid, getattr(signal, f"SIG{name}"))
        assert said(process) == name
        process.kill()


def test_no_signal_is_missed_though_two_come_at_once_and_threads_are_asleep() -> None:
    more = "import threading; hold = threading.Event().wait\n" + (
        "for _ in range(6): threading.Thread(target=hold, args=(60,), daemon=True).start()\n"
    )
    for _ in range(15):
        with listener(more) as process:
            assert said(process) == "ready"
            os.kill(process.pid, signal.SIGINT)
            os.kill(process.pid, signal.SIGTERM)
            assert said(process) in ("INT", "TERM")
            process.kill()


def test_a_child_that_a_job_forks_dies_of_term_and_its_parent_hears_nothing() -> None:
    with listener(FORK) as process:
        assert said(process) == f"child {int(signal.SIGTERM)}"
        assert said(process) == "ready"
        os.kill(process.pid, signal.SIGTERM)
        assert said(process) == "TERM"


def test_a_dump_says_where_each_thread_is(caplog: pytest.LogCaptureFixture) -> None:
    leave = threading.Event()
    thread = threading.Thread(target=leave.wait, name="someone", args=(10,))
    thread.start()
    with caplog.at_level(logging.WARNING, logger="kiq.signals"):
        log_stacks()
    leave.set()
    thread.join()
    assert "thread someone" in caplog.text
    assert "test_a_dump_says_where_each_thread_is" in caplog.text
