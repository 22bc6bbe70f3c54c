"""The examples of docs/retries.md and docs/middleware.md run, and do what the pages say."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import redis

import kiq
from kiq.codec import decode, encode
from kiq.config import Config
from kiq.events import EVENTS
from kiq.registry import Registry
from kiq.verdict import (
    DONE,
    Dropped,
    Flight,
    Permit,
    Taken,
    ToDead,
    ToRetry,
    ToSchedule,
    Verdict,
)
from kiq.work.executor import Executor
from tests.helpers.stored import in_queue

DOCS = Path(__file__).parents[3] / "docs"


def run_page(page: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Run the Python blocks of *page* from top to bottom, as one module."""
    module = ModuleType("app_of_the_page")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)
    assert len(blocks) >= 5
    for block in blocks:
        exec(compile(block, f"docs/{page}", "exec"), vars(module))  # noqa: S102
    return module


@pytest.fixture
def retries(
    fresh_registry: Registry, fresh_host: kiq.Host, monkeypatch: pytest.MonkeyPatch
) -> ModuleType:
    return run_page("retries.md", monkeypatch)


@pytest.fixture
def middleware(fake: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return run_page("middleware.md", monkeypatch)


def execute(registry: Registry, job: Any, *args: Any, **fields: Any) -> Verdict:
    payload = {
        "class": job._kiq_spec.name,
        "args": list(args),
        "jid": "j1",
        "queue": "default",
        **job._kiq_spec.options,
        **fields,
    }
    taken = Taken("1.1", Flight("o", "queue:default", Permit()), encode(payload, "msgpack"), 0.0)
    return Executor(Config(), kiq.host, registry)(taken)


def test_options_decide_about_a_failure(retries: Any, fresh_registry: Registry) -> None:
    verdict = execute(fresh_registry, retries.Charge, 1)
    assert isinstance(verdict, ToRetry)
    record = decode(verdict.raw)[0]
    assert (record["queue"], record["retry"]) == ("slow", 5)
    assert record["error_backtrace"]
    assert isinstance(execute(fresh_registry, retries.Charge, 1, retry_count=4), ToDead)


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (TimeoutError(), 30),
        (PermissionError(), kiq.Kill),
        (FileNotFoundError(), kiq.Discard),
        (ValueError(), None),
    ],
)
def test_retry_in_answers_by_the_kind_of_error(
    retries: Any, error: Exception, answer: object
) -> None:
    assert retries.Fetch().retry_in(2, error, {}) == answer


def test_a_job_chooses_its_own_fate(retries: Any, fresh_registry: Registry) -> None:
    job = retries.import_file
    assert isinstance(execute(fresh_registry, job, "a.csv", False), ToSchedule)
    assert isinstance(execute(fresh_registry, job, "a.exe", True), Dropped)
    assert execute(fresh_registry, job, "a.csv", True) is DONE


def test_hooks_and_death_handlers_are_told(
    retries: Any, fresh_registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    assert isinstance(execute(fresh_registry, retries.Notify, 7, retry_count=2), Dropped)
    assert isinstance(execute(fresh_registry, retries.sync, 8, retry_count=1), ToDead)
    assert isinstance(execute(fresh_registry, retries.sync, 8), ToRetry)
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "user 7 was not told: no route",
        "app_of_the_page.Notify j1 gave up: no route",
        "account 8 is out of date",
        "app_of_the_page.sync j1 gave up: no route",
    ]


def test_layers_handlers_and_plugins_are_attached(
    middleware: Any, fake: redis.Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    @kiq.job(name="docs.greet")
    def greet(name: str) -> str:
        return str(middleware.audit(name))

    assert greet.perform_async("nobody") is None
    assert greet.perform_async("Bob")
    assert [job["release"] for job in in_queue(fake)] == ["2026.1"]
    jid, _, name = greet.perform_inline("Eve").partition(": ")
    assert len(jid) == 24
    assert (name, middleware.audit("x")) == ("Eve", "-: x")
    assert "docs.greet took 0.0" in capsys.readouterr().out
    kiq.host.report(ValueError(), {"jid": "j1"})
    for event in ("startup", "exit"):
        kiq.host.events.emit(event, kiq.host.report)
    assert capsys.readouterr().out.splitlines() == [
        "ValueError in job j1",
        "before the first job",
        "all is sent",
    ]
    assert list(kiq.host.plugins) == ["tracing"]


def test_the_table_of_events_is_complete() -> None:
    page = (DOCS / "middleware.md").read_text("utf-8")
    table = page.split("| event | when |")[1].split("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(EVENTS)
