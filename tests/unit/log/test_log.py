from __future__ import annotations

import io
import json
import logging
import os
import re
import threading
import time
from collections.abc import Iterator
from typing import TextIO

import pytest

import kiq
from kiq import log, logcontext
from kiq.errors import ConfigError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class FullDisk(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


@pytest.fixture(autouse=True)
def loggers_as_in_a_fresh_process(
    fresh_host: kiq.Host, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    root, kiq = logging.getLogger(), logging.getLogger("kiq")
    handlers, levels, propagate = root.handlers[:], (root.level, kiq.level), kiq.propagate
    root.handlers[:] = []
    kiq.handlers[:] = []
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(log, "_ours", None)
    monkeypatch.setattr(logging, "lastResort", None)
    yield
    root.handlers[:] = handlers
    kiq.handlers[:] = []
    kiq.propagate = propagate
    root.setLevel(levels[0])
    kiq.setLevel(levels[1])


def configure(level: str, format: str, stream: TextIO) -> None:
    """As log.configure in a process whose root logger pytest does not listen to."""
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if type(handler).__module__.startswith("_pytest"):
            root.removeHandler(handler)
    log.configure(level, format, stream)


def test_a_plain_line_says_when_who_how_bad_and_what() -> None:
    stream = io.StringIO()
    configure("info", "plain", stream)
    logging.getLogger("kiq.worker").info("hello %s", "Bob")
    assert re.fullmatch(
        rf"\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}Z pid={os.getpid()} "
        rf"tid={logcontext.tid()} INFO: hello Bob\n",
        stream.getvalue(),
    )


def test_lines_below_the_level_are_not_written() -> None:
    stream = io.StringIO()
    configure("warning", "plain", stream)
    logging.getLogger("kiq").info("quiet")
    logging.getLogger("kiq").warning("loud")
    assert stream.getvalue().endswith("WARN: loud\n")
    assert "quiet" not in stream.getvalue()


def test_configuring_twice_writes_each_line_once() -> None:
    first, second = io.StringIO(), io.StringIO()
    configure("info", "plain", first)
    configure("info", "plain", second)
    logging.getLogger("kiq").info("one")
    logging.getLogger("app").info("two")
    assert first.getvalue() == ""
    assert second.getvalue().count("\n") == 2


def test_a_users_logger_is_seen_and_knows_the_job() -> None:
    stream = io.StringIO()
    configure("info", "plain", stream)
    with logcontext.fields(jid="abc", **{"class": "Mail"}):
        logging.getLogger("app.mail").info("sending")
    logging.getLogger("app.mail").info("outside")
    inside, outside = stream.getvalue().splitlines()
    assert inside.endswith(" jid=abc class=Mail INFO: sending")
    assert "jid" not in outside


def test_a_handler_that_the_user_put_on_root_is_left_alone() -> None:
    own = logging.StreamHandler(io.StringIO())
    logging.getLogger().addHandler(own)
    stream = io.StringIO()
    configure("info", "plain", stream)
    logging.getLogger("app").error("mine")
    logging.getLogger("kiq").error("kiq's")
    assert own.stream.getvalue() == "mine\n"
    assert "mine" not in stream.getvalue()
    assert "kiq's" in stream.getvalue()


def test_json_is_one_object_a_line() -> None:
    stream = io.StringIO()
    configure("debug", "json", stream)
    with logcontext.fields(jid="abc"):
        logging.getLogger("kiq.worker").warning("two\nlines é")
    (line,) = stream.getvalue().splitlines()
    written = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", written.pop("ts"))
    assert written == {
        "pid": os.getpid(),
        "tid": logcontext.tid(),
        "lvl": "WARN",
        "logger": "kiq.worker",
        "msg": "two\nlines é",
        "ctx": {"jid": "abc"},
    }


@pytest.mark.parametrize("format", ["plain", "json"])
def test_a_traceback_is_written(format: str) -> None:
    stream = io.StringIO()
    configure("info", format, stream)
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        logging.getLogger("kiq").exception("it failed")
    written = stream.getvalue()
    trace = json.loads(written)["exc"] if format == "json" else written
    assert "Traceback" in trace
    assert "RuntimeError: broken" in trace


def pretty(stream: TextIO, level: int, said: str, **fields: object) -> str:
    """The line of a record that kiq's handler writes to *stream* in the format pretty, but its moment."""
    configure("debug", "pretty", stream)
    logging.getLogger("kiq.job").log(level, said, extra={"kiq_fields": fields})
    line = stream.getvalue()  # type: ignore[attr-defined]
    assert re.match(r"(\x1b\[2m)?\d\d:\d\d:\d\d\.\d{3}(\x1b\[0m)?  ", line)
    return line[line.index("  ") + 2 :]  # type: ignore[no-any-return]


JOB = {"jid": "4c40113a24e43aeac3629355", "class": "app.Mail", "queue": "default", "attempt": 1}


def test_lines_for_people_leave_out_what_goes_without_saying() -> None:
    assert pretty(io.StringIO(), logging.INFO, "ready") == "ready\n"
    assert pretty(io.StringIO(), logging.INFO, "start", **JOB) == "app.Mail 4c40113a  start\n"
    done = pretty(io.StringIO(), logging.INFO, "done", **JOB, elapsed=0.25)
    assert done == "app.Mail 4c40113a  done in 0.25 s\n"
    bad = pretty(io.StringIO(), logging.ERROR, "boom", **{**JOB, "queue": "mail", "attempt": 3})
    assert bad == "app.Mail 4c40113a queue=mail attempt=3  ERROR  boom\n"


def test_lines_of_jobs_for_people_fit_into_a_hundred_columns() -> None:
    where = {**JOB, "class": f"application.{'deep.' * 20}Mail", "queue": "mailers"}
    line = pretty(io.StringIO(), logging.INFO, "done", **where, elapsed=123.456)
    assert "deep.Mail 4c40113a" in line
    assert len(line) + len("12:00:00.000  ") <= 100


def test_lines_for_people_are_in_the_time_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    record = logging.LogRecord("kiq", logging.INFO, "", 0, "x", None, None)
    record.created = 1_700_000_000.25
    try:
        assert log.PrettyFormatter().format(record) == "03:58:20.250  x"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_auto_is_for_people_on_a_terminal_and_plain_elsewhere() -> None:
    terminal, pipe = Terminal(), io.StringIO()
    configure("info", "auto", terminal)
    logging.getLogger("kiq").warning("x")
    configure("info", "auto", pipe)
    logging.getLogger("kiq").warning("x")
    assert terminal.getvalue().endswith("  \x1b[33mWARN\x1b[0m  x\n")
    assert re.search(r"pid=\d+ tid=\w+ WARN: x\n$", pipe.getvalue())


def test_no_color_and_plain_keep_colours_off(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    configure("info", "plain", terminal)
    logging.getLogger("kiq").info("x")
    monkeypatch.setenv("NO_COLOR", "1")
    other = Terminal()
    assert pretty(other, logging.ERROR, "x", **JOB) == "app.Mail 4c40113a  ERROR  x\n"
    assert "\x1b" not in terminal.getvalue() + other.getvalue()


def test_escape_sequences_of_a_message_do_not_reach_the_terminal() -> None:
    stream = io.StringIO()
    configure("info", "plain", stream)
    logging.getLogger("kiq").info("clear \x1b[2J\tthis")
    assert stream.getvalue().endswith("clear \\x1b[2J\tthis\n")


def test_what_a_payload_holds_can_not_pass_for_a_line_of_the_log() -> None:
    stream = io.StringIO()
    configure("info", "plain", stream)
    with logcontext.fields(jid="1\n2026-01-31T12:00:00.000Z pid=7 tid=5k INFO: all is well"):
        logging.getLogger("kiq.job").info("one\n2026-01-31T12:00:00.000Z and two")
    first, *others = stream.getvalue().splitlines()
    assert re.match(r"\d{4}-", first)
    assert len(others) == 2
    assert all(line.startswith("  ") for line in others)


def test_a_message_of_megabytes_is_cut_in_its_middle() -> None:
    stream = io.StringIO()
    configure("info", "plain", stream)
    try:
        raise ValueError("x" * 5_000_000 + " the end")
    except ValueError as error:
        logging.getLogger("kiq.job").exception("%s", error)
    text = stream.getvalue()
    assert len(text) < 250_000
    assert text.count("characters left out") == 2
    assert text.rstrip().endswith("the end")


@pytest.mark.parametrize("kind", ["full", "closed", "broken pipe"])
def test_a_line_that_cannot_be_written_is_counted_and_harms_nobody(kind: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w", buffering=1) as pipe:
        closed = io.StringIO()
        closed.close()
        streams = {"full": FullDisk(), "closed": closed, "broken pipe": pipe}
        configure("info", "auto", streams[kind])
        before = log.DroppingHandler.dropped
        logging.getLogger("kiq").info("lost")
        logging.getLogger("app").info("lost as well")
        assert log.DroppingHandler.dropped == before + 2
        if kind == "broken pipe":
            # Closing a file flushes it: what is left in its buffer needs somewhere to go.
            with open(os.devnull, "w") as nowhere:
                os.dup2(nowhere.fileno(), pipe.fileno())


def test_a_call_with_wrong_arguments_is_still_written() -> None:
    stream = io.StringIO()
    configure("info", "plain", stream)
    logging.getLogger("kiq").info("%d jobs", "three")
    assert "INFO: %d jobs (its arguments don't fit: TypeError: " in stream.getvalue()


@pytest.mark.parametrize("format", ["plain", "json"])
def test_characters_that_the_stream_cannot_hold_are_escaped(format: str) -> None:
    content = io.BytesIO()
    stream = io.TextIOWrapper(content, encoding="ascii")
    configure("info", format, stream)
    logging.getLogger("kiq").info("caf\xe9 \U0001f600 \udc80")
    written = content.getvalue().decode("ascii")
    if format == "json":
        assert json.loads(written)["msg"] == "caf\xe9 \U0001f600 \udc80"
    else:
        assert written.endswith("caf\\xe9 \\U0001f600 \\udc80\n")


def test_an_unknown_level_or_format_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        log.configure("loud", "plain")
    assert str(caught.value) == (
        "log_level must be one of debug, info, warning, error, critical, not loud"
    )
    with pytest.raises(ConfigError, match="log_format must be one of auto, pretty, plain, json"):
        log.configure("info", "xml")


def test_the_fields_of_a_job_end_with_it_even_when_it_fails() -> None:
    seen = []

    def job() -> None:
        with logcontext.fields(jid="a"), logcontext.fields(bid="b"):
            seen.append(logcontext.current.get())
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError):
        job()
    assert seen == [{"jid": "a", "bid": "b"}]
    assert logcontext.current.get() is None


def test_each_thread_has_an_id_of_its_own() -> None:
    seen: list[str] = []
    thread = threading.Thread(target=lambda: seen.append(logcontext.tid()))
    thread.start()
    thread.join()
    assert int(logcontext.tid(), 36) == threading.get_native_id()
    assert seen != [logcontext.tid()]


def test_how_long_a_snoozing_job_ran_is_told_from_when_it_comes_again() -> None:
    made = logging.LogRecord("kiq.job", logging.INFO, "", 0, "snooze, again in 1 min", None, None)
    made.ctx, made.tid = {"class": "Mail", "jid": "1" * 24, "elapsed": 0.2}, "t"
    assert log.PrettyFormatter().format(made).endswith("snooze, again in 1 min (ran 0.2 s)")
