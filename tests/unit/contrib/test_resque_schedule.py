"""Schedules as resque-scheduler writes them: what kiq's periodic jobs get of each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import redis

import kiq
from kiq import testing
from kiq.contrib import resque
from kiq.contrib.resque.schedule_entry import Entry, entry_of
from kiq.contrib.resque.settings import static
from kiq.errors import ConfigError
from kiq.plugins.declared.periodic import in_code
from tests.helpers.resque_jobs import Foo, called

pytestmark = pytest.mark.needs("cronsim")

CRON = {"cron": "*/5 * * * *"}
FILE = """
# as in resque-scheduler's own README
CancelAbandonedOrders:
  cron: "*/5 * * * *"
  class: tests.helpers.resque_jobs.Foo
  args: 1
  description: "looks for orders"

queue_documents_for_indexing:
  cron: "0 0 * * * Europe/Paris"
  class: Foo
  queue: high
  args: 2

nowhere_else:
  every: ["30s", {allow_overlapping: false}]
  class: Foo
  args: 3
  rails_env: staging, production
"""


@pytest.fixture(autouse=True)
def _nothing_declared(fake: redis.Redis) -> Iterator[None]:
    called.clear()
    before = dict(in_code)
    yield
    in_code.clear()
    in_code.update(before)
    static.clear()


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (CRON, {"cron": "*/5 * * * *", "args": []}),
        ({"cron": "0 3 * * * Europe/Paris"}, {"cron": "0 3 * * *", "timezone": "Europe/Paris"}),
        ({"cron": "5 0 3 * * * UTC"}, {"cron": "5 0 3 * * *", "timezone": "UTC"}),
        ({"cron": ["0 3 * * *", {}]}, {"cron": "0 3 * * *"}),
        ({"every": "30s"}, {"every": "30s"}),
        ({"every": ["30s"]}, {"every": "30s"}),
        ({"every": ["30s", {":first_at": "2030-01-01"}]}, {"every": "30s", "start": "2030-01-01"}),
        ({"every": ["1h", {"allow_overlapping": False}]}, {"every": "1h", "overlap": "skip"}),
        ({"every": "1y"}, {"every": "365d"}),
        ({"every": "2M"}, {"every": "60d"}),
        ({**CRON, "args": {"a": 1}}, {"args": [{"a": 1}]}),
        ({**CRON, "args": [1, 2]}, {"args": [1, 2]}),
        ({**CRON, "args": "contributors"}, {"args": ["contributors"]}),
        ({**CRON, "args": None}, {"args": []}),
        ({**CRON, "queue": "high", "description": "x"}, {"queue": "high", "description": "x"}),
        ({**CRON, ":queue": "high"}, {"queue": "high"}),
        ({**CRON, "never": True}, {"enabled": False}),
        ({**CRON, "persist": True, "parameters": {"a": {"default": 1}}}, {"args": []}),
    ],
)
def test_each_form_is_understood(config: dict[str, Any], expected: dict[str, Any]) -> None:
    written = entry_of("x", config).written
    assert {key: written[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"every": ["30s", {"first_in": "120s"}]}, "stands on the clock"),
        ({"every": "30s", "first_in": "120s"}, "stands on the clock"),
        ({**CRON, "custom_job_class": "Status"}, "let class name the job"),
        ({"in": "5m"}, "enqueue_in"),
        ({**CRON, "que": "x"}, "is no key of a schedule"),
        ({"every": []}, "a list of one"),
        ({"every": ["1h", {"blocking": True}]}, "no option 'blocking'"),
        ({**CRON, "rails_env": 5}, "names of environments"),
    ],
)
def test_what_kiq_does_otherwise_is_refused_with_words(
    config: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        resque.schedule = {"x": config}


def test_the_name_is_the_class_where_none_is_named() -> None:
    assert entry_of("Report", CRON).job == "Report"
    assert entry_of("nightly", {**CRON, "class": "Report"}).job == "Report"


def test_environments_are_those_in_which_it_counts() -> None:
    def counts(environment: str, **more: Any) -> bool:
        return entry_of("x", {**CRON, **more}).counts_in(environment)

    assert counts("development")
    assert counts("production", rails_env="staging, production")
    assert not counts("development", rails_env="staging, production")
    assert counts("production", env=["production"])


def test_a_file_of_resque_scheduler_runs(tmp_path: Path) -> None:
    path = tmp_path / "resque_schedule.yml"
    path.write_text(FILE)
    resque.load_schedule(str(path))
    resque.register(Foo)
    resque.Resque()
    assert "nowhere_else" not in in_code  # this is development
    monday = datetime(2030, 1, 7, tzinfo=UTC)
    with testing.scoped("fake"):
        ran = testing.run_periodic(monday, monday.replace(minute=11))
        assert [name for name, _ in ran] == ["CancelAbandonedOrders"] * 2
        night = datetime(2030, 1, 7, 22, 59, tzinfo=UTC)
        ran = testing.run_periodic(
            night, night.replace(hour=23, minute=1), name="queue_documents_for_indexing"
        )
    assert [at.hour for _, at in ran] == [23]  # midnight in Paris
    assert called == [("perform", "Foo", 1)] * 2 + [("perform", "Foo", 2)]
    assert in_code["queue_documents_for_indexing"].payload["queue"] == "high"


def test_a_schedule_may_be_given_in_code() -> None:
    resque.schedule = {"nightly": {"cron": "0 3 * * *", "class": Foo, "args": [1]}}
    assert isinstance(resque.schedule["nightly"], Entry)
    resque.Resque()
    assert in_code["nightly"].payload["args"] == [1]


def test_mistakes_of_a_schedule_name_it(tmp_path: Path) -> None:
    path = tmp_path / "schedule.yml"
    path.write_text("x:\n  cron: '* * * * *'\n  foo: 1\n")
    with pytest.raises(ConfigError, match=r"schedule\.yml: the schedule 'x': foo is no key"):
        resque.load_schedule(str(path))
    with pytest.raises(ConfigError, match="can't be read"):
        resque.load_schedule(str(tmp_path / "none.yml"))
    with pytest.raises(ConfigError, match="a mapping of names"):
        resque.schedule = []  # type: ignore[assignment]
    with pytest.raises(ConfigError, match="must be a mapping"):
        resque.schedule = {"x": 1}
    resque.schedule = {"x": {**CRON, "class": "Nobody"}}
    with pytest.raises(ConfigError, match="no job class named 'Nobody' is here"):
        resque.Resque()


def test_a_name_that_two_classes_have_must_be_whole(fake: redis.Redis) -> None:
    for name in ("a.Report", "b.Report"):
        kiq.job(name=name)(lambda: None)
    resque.schedule = {"x": {**CRON, "class": "Report"}}
    with pytest.raises(ConfigError, match=r"a\.Report, b\.Report; write one of these whole"):
        resque.Resque()
