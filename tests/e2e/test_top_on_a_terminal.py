"""``kiq top`` on a terminal, which is as it was before when it ends, however it ends."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest
import redis

from tests.helpers.commands import ROOT, Terminal, command
from tests.helpers.without import without

pytestmark = pytest.mark.needs("textual")

#: Mouse reports, pasted text in brackets, the hidden cursor, the other screen: all as usual again.
AS_USUAL = ("\x1b[?1000l", "\x1b[?1003l", "\x1b[?2004l", "\x1b[?25h", "\x1b[?1049l")


def given_back(screen: Terminal) -> bool:
    last = screen.text.rpartition("\x1b[?1049h")[2]
    return all(each in last for each in AS_USUAL)


@pytest.mark.parametrize(
    ("by", "code"),
    [("\x03", 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
    ids=["ctrl-c", "term", "hup"],
)
def test_the_terminal_is_given_back(
    redis_url: str, raw: redis.Redis, by: str | signal.Signals, code: int
) -> None:
    with Terminal(["top"], REDIS_URL=redis_url) as screen:
        before = screen.modes
        screen.says("what needs somebody")
        assert screen.modes != before
        # Pasted text is no keys: this one does not leave.
        screen.types("\x1b[200~q\x1b[201~2")
        screen.says("no queue has got a job yet")
        if isinstance(by, str):
            screen.types(by)
        else:
            screen.sends(by)
        assert screen.ends() == code
        assert screen.modes == before
        assert given_back(screen)
        assert not re.search(
            r"\x1b\[[0-9;]*[34]8;[25]", screen.text
        )  # sixteen colours, the terminal's


def test_the_terminal_is_given_back_by_what_breaks(redis_url: str, tmp_path: Path) -> None:
    breaks = "from kiq.top.moving import Moving\nMoving.do_again = lambda self: 1 / 0\n"
    (tmp_path / "broken.py").write_text(breaks)
    path = f"{ROOT}:{tmp_path}"
    with Terminal(["top", "-r", "broken"], REDIS_URL=redis_url, PYTHONPATH=path) as screen:
        before = screen.modes
        screen.says("what needs somebody")
        screen.types("r")
        assert screen.ends() == 1
        assert screen.modes == before
        assert given_back(screen)
        assert "ZeroDivisionError" in screen.text


def test_what_is_logged_is_told_behind_the_picture(redis_url: str, tmp_path: Path) -> None:
    logs = "import logging\nfrom kiq.top.moving import Moving\nlogging.basicConfig()\n"
    logs += "Moving.do_again = lambda self: logging.warning('through the picture')\n"
    (tmp_path / "logs.py").write_text(logs)
    path = f"{ROOT}:{tmp_path}"
    with Terminal(["top", "-r", "logs"], REDIS_URL=redis_url, PYTHONPATH=path) as screen:
        screen.says("what needs somebody")
        screen.types("rq")
        assert screen.ends() == 0
        assert given_back(screen)
        assert "through the picture" in screen.text.rpartition("\x1b[?1049l")[2]
        assert "through the picture" not in screen.text.rpartition("\x1b[?1049l")[0]


def test_without_a_terminal_it_says_what_to_use(redis_url: str, command_store: object) -> None:
    outcome = command("top")
    assert outcome.code != 0
    assert "kiq stats --json" in outcome.err


def test_without_the_extra_it_says_which_one_to_install(redis_url: str, tmp_path: Path) -> None:
    missing = without(tmp_path / "blocked", "textual")
    with Terminal(["top"], REDIS_URL=redis_url, **missing) as screen:
        assert screen.ends() == 78  # configuration
        assert "kiq top needs textual: pip install 'kiq[top]'" in screen.text
