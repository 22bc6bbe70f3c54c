"""The lines of jobs are what a record would have made, and give way to records where one is wanted."""

from __future__ import annotations

import io
import json
import logging
import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import kiq
from kiq import logcontext
from kiq.context import running
from kiq.log.formats import JsonFormatter, PlainFormatter, PrettyFormatter
from kiq.log.handler import DroppingHandler
from kiq.log.job_lines import JobLines
from kiq.log.stamping import ContextFilter
from kiq.middleware import ServerContext

JID = "0123456789abcdef01234567"
JOB, KIQ = logging.getLogger("kiq.job"), logging.getLogger("kiq")
ERRORS = logging.getLogger("kiq.errors")
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT)?\d\d:\d\d:\d\d\.\d{3}Z?")


class Waiting:
    """A thread that writes later: never, here."""

    rests = False

    def call(self) -> None:
        """Nothing."""

    def hurry(self) -> None:
        """Nothing."""


class Desk:
    """A handler on the logger "kiq", and what it has written."""

    def __init__(self, formatter: logging.Formatter) -> None:
        self.shows = "pretty" if isinstance(formatter, PrettyFormatter) else "all"
        self.stream = io.StringIO()
        self.handler = DroppingHandler(self.stream)
        self.handler.setFormatter(formatter)
        self.handler.addFilter(ContextFilter())
        self.handler._soon = Waiting()  # type: ignore[assignment]
        self._lines = JobLines(self.handler)
        self._used = False

    @property
    def lines(self) -> JobLines:
        # Only now: pytest gives handlers of its own to loggers when a test begins.
        if not self._used:
            KIQ.handlers[:] = [self.handler]
            self._used = True
        return self._lines

    @property
    def text(self) -> str:
        self.handler.flush()
        text = self.stream.getvalue()
        self.stream.truncate(0)
        self.stream.seek(0)
        return text

    def says(self, run: ServerContext, outcome: str, elapsed: float | None) -> bool:
        """Whether it takes no record to say that."""
        told = self.lines.start(run)
        if told is None or elapsed is None:
            return told is not None
        self.handler.flush()
        self.stream.truncate(0)
        self.stream.seek(0)
        return self.lines.end(told, outcome, elapsed)

    def both(self, run: ServerContext, outcome: str, elapsed: float | None) -> tuple[str, str]:
        """The line as it is made of a template, and as a record makes it."""
        assert self.says(run, outcome, elapsed)
        ours = self.text
        token = running.set(run)
        fields = {} if elapsed is None else {"elapsed": elapsed}
        JOB.info(outcome, extra={"kiq_fields": fields})
        running.reset(token)
        return ours, self.text


@pytest.fixture(autouse=True)
def alone(fresh_host: kiq.Host) -> Iterator[None]:
    before = KIQ.handlers[:], KIQ.propagate, KIQ.level
    KIQ.propagate = False
    KIQ.setLevel(logging.INFO)
    yield
    KIQ.handlers[:], KIQ.propagate = before[:2]
    KIQ.setLevel(before[2])


@pytest.fixture(params=["plain", "pretty", "colour", "json"])
def desk(request: pytest.FixtureRequest) -> Desk:
    formatters: dict[str, Callable[[], logging.Formatter]] = {
        "plain": PlainFormatter,
        "pretty": PrettyFormatter,
        "colour": lambda: PrettyFormatter(colour=True),
        "json": JsonFormatter,
    }
    return Desk(formatters[request.param]())


def run(job_class: Any = "Mail", queue: str = "default", **more: Any) -> ServerContext:
    return ServerContext({"class": job_class, "jid": JID, "args": [], **more}, queue, None, None)


@pytest.mark.parametrize(
    ("job_class", "queue"),
    [
        ("Mail", "default"),
        ("app.mail.Welcome", "mailers"),
        ("Odd%sClass%", "100%"),
        ("Grüße", "queue with spaces"),
        ('Quo"te\\', "new\nline\x1b[31m"),
        ("{braces}", "%(jid)s"),
    ],
)
@pytest.mark.parametrize(
    ("outcome", "elapsed"), [("start", None), ("done", 0.0), ("fail", 12.345), ("done", 1e-7)]
)
def test_a_line_is_what_a_record_makes(
    desk: Desk, job_class: str, queue: str, outcome: str, elapsed: float | None
) -> None:
    for _ in range(2):  # the template is made, and then used
        ours, records = desk.both(run(job_class, queue), outcome, elapsed)
        assert _TIME.sub("", ours) == _TIME.sub("", records)
        assert _TIME.search(ours)


WHERE = {"jid": JID, "class": "Mail", "queue": "default", "attempt": 2}


@pytest.mark.parametrize(
    "said", ["ValueError: no", "100% %s\n\x1b[31mred", 'Grüße "\\"', "x" * 200_000]
)
def test_a_failure_is_said_as_a_record_says_it(desk: Desk, said: str) -> None:
    for _ in range(2):
        extra = {"kiq_fields": WHERE, "kiq_said": said}
        assert desk.lines.failure(WHERE, said)
        ours = desk.text
        ERRORS.error("as handlers of others have it", extra=extra)
        assert _TIME.sub("", ours) == _TIME.sub("", desk.text)
        assert desk.lines.gave_up(WHERE, said)
        ours = desk.text
        JOB.warning("as handlers of others have it", extra=extra)
        assert _TIME.sub("", ours) == _TIME.sub("", desk.text)


@pytest.mark.parametrize("field", ["jid", "class", "queue"])
@pytest.mark.parametrize("value", [-5, 1.5, None, True, b"x", ["a"], {"a": 1}])
def test_a_job_whose_fields_are_no_text_takes_records(
    desk: Desk, field: str, value: object
) -> None:
    where = {**WHERE, field: value}
    assert not desk.lines.failure(where, "no")
    assert not desk.lines.gave_up(where, "no")
    assert not desk.text


@pytest.mark.parametrize("name", ["saidInALine", "tidOfALine"])
def test_a_failure_may_say_what_marks_a_template(desk: Desk, name: str) -> None:
    assert desk.lines.failure(WHERE, f"it said {name}")
    assert f"it said {name}" in desk.text
    assert not desk.lines.failure({**WHERE, "class": name}, "no")


def test_a_failure_takes_a_record_where_somebody_else_looks(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert desk.lines.failure(WHERE, "no")
    monkeypatch.setattr(ERRORS, "handlers", [handler()])
    assert not desk.lines.failure(WHERE, "no")
    monkeypatch.setattr(ERRORS, "handlers", [])
    ERRORS.setLevel("CRITICAL")
    assert not desk.lines.failure(WHERE, "no")
    ERRORS.setLevel("NOTSET")
    token = running.set(run(log_level="critical"))
    assert not desk.lines.failure(WHERE, "no")
    running.reset(token)


def test_a_later_attempt_is_said_to_be_one(desk: Desk) -> None:
    for count, shown in ((0, "2"), (24, "26")):
        ours, records = desk.both(run(retry_count=count), "start", None)
        assert _TIME.sub("", ours) == _TIME.sub("", records)
        assert re.search(rf'attempt(=|": ){shown}\b', ours)


def test_a_line_of_json_can_be_read() -> None:
    desk = Desk(JsonFormatter())
    assert desk.says(run(), "done", 0.25)
    found = json.loads(desk.text)
    where = {"jid": JID, "class": "Mail", "queue": "default", "attempt": 1}
    assert found["ctx"] == {**where, "elapsed": 0.25}


@pytest.mark.parametrize("name", ["tidOfALine", "jidOfALine", "1234567.125"])
def test_a_class_that_is_called_as_a_mark_of_the_template_takes_a_record(
    desk: Desk, name: str
) -> None:
    assert not desk.says(run(name), "done", 0.1)
    assert not desk.text


@pytest.mark.parametrize(
    "jid", [7, None, "", "a\nb", "ärger", "a b", 'a"b', "1234567.125", ["a"], True]
)
def test_a_jid_of_others_takes_a_record(desk: Desk, jid: Any) -> None:
    assert not desk.says(run(jid=jid), "start", None)


def test_threads_and_jobs_of_a_loop_have_their_own_tid(desk: Desk) -> None:
    token = logcontext.on_loop.set("loop7")
    ours, records = desk.both(run(), "start", None)
    logcontext.on_loop.reset(token)
    assert ("loop7" in ours) == (desk.shows != "pretty")
    assert _TIME.sub("", ours) == _TIME.sub("", records)


def test_a_forked_child_says_its_own_process_and_thread() -> None:
    desk = Desk(PlainFormatter())
    desk.both(run(), "start", None)
    child = os.fork()
    if not child:
        code = 1
        try:
            ours, records = desk.both(run(), "start", None)
            code = int(
                _TIME.sub("", ours) != _TIME.sub("", records) or f"={os.getpid()} " not in ours
            )
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def handler() -> logging.Handler:
    return logging.StreamHandler(io.StringIO())


ASKED: dict[str, Callable[[Desk, pytest.MonkeyPatch], object]] = {
    "a handler of kiq.job": lambda _, m: m.setattr(JOB, "handlers", [handler()]),
    "a handler of kiq": lambda desk, _: KIQ.addHandler(handler()),
    "another handler of kiq": lambda desk, _: KIQ.handlers.__setitem__(0, handler()),
    "none of kiq": lambda desk, _: KIQ.handlers.clear(),
    "the root's": lambda desk, m: m.setattr(KIQ, "propagate", True),
    "a filter of kiq.job": lambda _, m: m.setattr(JOB, "filters", [lambda record: False]),
    "a filter of ours": lambda desk, _: desk.handler.addFilter(lambda record: False),
    "a formatter": lambda desk, _: desk.handler.setFormatter(logging.Formatter()),
    "a level of ours": lambda desk, _: desk.handler.setLevel("WARNING"),
    "a record factory": lambda _, m: m.setattr(logging, "_logRecordFactory", lambda *a, **k: None),
    "a tracker": lambda _, m: m.setattr(logging.Logger, "callHandlers", lambda *a: None),
    "a handler's handle": lambda _, m: m.setattr(logging.Handler, "handle", lambda *a: None),
    "fields of a plugin": lambda _, m: kiq.host.log_fields.append(lambda payload: {"a": "b"}),
    "fields that raise": lambda _, m: kiq.host.log_fields.append(lambda payload: 1 / 0),
    "no thread": lambda desk, m: m.setattr(desk.handler, "_soon", None),
}


@pytest.mark.parametrize("who", ASKED)
def test_who_asks_for_records_gets_them_from_then_on(
    desk: Desk, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert desk.says(run(), "start", None)
    ASKED[who](desk, monkeypatch)
    desk.handler.flush()  # what is rarely changed is looked at after each write
    assert not desk.says(run(), "start", None)


def test_fields_that_a_plugin_has_for_other_jobs_change_nothing(desk: Desk) -> None:
    kiq.host.log_fields.append(lambda payload: payload.get("carried", {}))
    assert desk.says(run(), "start", None)
    assert not desk.says(run(carried={"tenant": "a"}), "start", None)


def test_fields_of_the_thread_take_a_record(desk: Desk) -> None:
    with logcontext.fields(request="r1"):
        assert not desk.says(run(), "start", None)


def test_a_job_with_a_level_of_its_own_takes_a_record(desk: Desk) -> None:
    assert not desk.says(run(log_level="warning"), "start", None)


def test_a_record_comes_behind_the_lines_that_wait() -> None:
    desk = Desk(PlainFormatter())
    told = desk.lines.start(run())
    assert told is not None
    assert not desk.stream.getvalue()
    JOB.info("said by the job")
    assert desk.lines.end(told, "done", 0.1)
    assert [line.rpartition(": ")[2] for line in desk.text.splitlines()] == [
        *("start", "said by the job", "done")
    ]
