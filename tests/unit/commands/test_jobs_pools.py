"""Variables of ``rake jobs:work`` and options of ``script/delayed_job``, in terms of ``kiq run``."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiq.commands.jobs.environment import start_of
from kiq.commands.jobs.pid_files import holder
from kiq.commands.jobs.pools import Daemon, command, daemons, variables
from kiq.errors import ConfigError
from kiq.parent import held

FILE = Path("/pids/delayed_job.pid")


def made(
    *pools: str, queues: str = "", count: int = 1, identifier: str | None = None
) -> list[Daemon]:
    return daemons("delayed_job", pools=pools, queues=queues, count=count, identifier=identifier)


def test_without_queues_all_are_taken() -> None:
    start = start_of({"HOME": "/"})
    assert start.variables == {"KIQ_RESQUE_QUEUES": "*"}
    assert (start.flags, start.notices) == (["-q", "default,1"], [])
    assert start_of({"QUEUE": "*"}).variables == {"KIQ_RESQUE_QUEUES": "*"}
    assert start_of({"QUEUES": "report_*,mail"}).variables == {"KIQ_RESQUE_QUEUES": "report_*,mail"}


def test_queues_that_are_named_have_no_order() -> None:
    start = start_of({"QUEUES": "mail, default,mail", "QUEUE": "other"})
    assert (start.flags, start.variables) == (["-q", "mail,1", "-q", "default,1"], {})
    assert start_of({"QUEUE": "other"}).flags == ["-q", "other,1"]


def test_other_variables() -> None:
    assert start_of({"QUEUE": "a", "QUIET": "1"}).variables == {"KIQ_LOG_LEVEL": "warning"}
    assert start_of({"QUEUE": "a", "QUIET": "0"}).variables == {}
    notices = start_of({"MIN_PRIORITY": "-1", "SLEEP_DELAY": "5", "READ_AHEAD": " "}).notices
    assert [each.partition(" does nothing")[0] for each in notices] == [
        "MIN_PRIORITY",
        "SLEEP_DELAY",
    ]


def test_pools_are_daemons() -> None:
    assert made("mailers,default:2", "*:1", "other", ":3") == [
        Daemon("delayed_job.0", ("mailers", "default"), 2),
        Daemon("delayed_job.1", (), 1),
        Daemon("delayed_job.2", ("other",), 1),
        Daemon("delayed_job.3", (), 3),
    ]
    assert made(queues="mail,low", count=4) == [Daemon("delayed_job", ("mail", "low"), 4)]
    assert made(identifier="web1") == [Daemon("delayed_job.web1", (), 1)]
    assert [each.takes for each in made("a,b", "*")] == ["a, b", "all queues"]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: made("mail:two"),
        lambda: made("mail:0"),
        lambda: made("mail:513"),
        lambda: made(count=0),
        lambda: made("mail", count=2),
        lambda: made("mail", queues="low"),
        lambda: made("mail", identifier="x"),
        lambda: made(identifier="a/b"),
        lambda: made(identifier=""),
        lambda: daemons("a/b", pools=(), queues="", count=1, identifier=None),
        lambda: command(Daemon("d", (), 2), FILE, monitored=False, ends=True),
    ],
)
def test_what_does_not_go_together_is_refused(wrong: object) -> None:
    with pytest.raises(ConfigError):
        wrong()  # type: ignore[operator]


def test_how_a_daemon_is_started() -> None:
    one, two = Daemon("d", (), 1), Daemon("d", ("a", "b"), 2)
    begin = ["jobs", "work", "--pidfile", str(FILE)]
    assert command(one, FILE, monitored=False, ends=False) == begin
    assert command(one, FILE, monitored=True, ends=False) == [*begin, "--processes", "1"]
    assert command(two, FILE, monitored=False, ends=False) == [*begin, "--processes", "2"]
    assert command(one, FILE, monitored=True, ends=True) == [*begin, "--drain"]
    assert variables(two) == {"QUEUES": "a,b", "QUEUE": ""}
    assert variables(one) == {"QUEUES": "", "QUEUE": ""}  # whatever the shell has


def test_a_pid_file_is_had_by_who_has_its_lock(tmp_path: Path) -> None:
    path = tmp_path / "worker.pid"
    assert holder(path) is None
    for text in ("", "nobody", "999999999"):
        path.write_text(text)
        assert holder(path) is None
    path.unlink()
    file = held.take(path, 0o644)
    file.write(b"1\n")
    assert holder(path) == 1  # it lives, and the file is locked
    file.close()
    assert holder(path) is None  # the number of another process by now
