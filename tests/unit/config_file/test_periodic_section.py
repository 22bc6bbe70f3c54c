"""The section ``periodic`` of a file: each mistake at its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kiq import config_file
from kiq.plugins.declared import PeriodicSettings

pytestmark = pytest.mark.needs("cronsim")


def read(folder: Path, text: str) -> Any:
    file = folder / "kiq.yml"
    file.write_text(text)
    return config_file.outcome(config_file.started(str(file), {}))


def test_entries_are_read_with_their_types(tmp_path: Path, unconfigured: None) -> None:
    found = read(
        tmp_path,
        """
periodic:
  report:
    cron: "*/5 * * * *"
    tz: Europe/Berlin
    class: app.Report
    args: [1, "2", true, null, {a: 1.5}]
    kwargs: {deep: [x]}
    queue: low
    retry: 3
    enabled: no
    jitter: 30s
    overlap: skip
""",
    )
    assert not found.problems
    entry = found.config.of(PeriodicSettings).periodic["report"]
    assert entry.payload == {
        "class": "app.Report",
        "args": [1, "2", True, None, {"a": 1.5}],
        "kwargs": {"deep": ["x"]},
        "queue": "low",
        "retry": 3,
    }
    assert (entry.rule.timezone, entry.enabled, entry.jitter, entry.overlap) == (
        *("Europe/Berlin", False),
        *(30, "skip"),
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("cron: 61 * * * *", "cron: must be a cron expression, not '61 * * * *': Bad minute"),
        ("cron: 0 0 30 2 *", "cron: must be a cron expression"),
        ("every: often", "every: must be a time such as 30s"),
        ("timezone: Mars/Olympus", "timezone: must be a time zone such as Europe/Berlin"),
        ("overlap: never", "overlap: must be one of allow, skip, queue, cancel, not 'never'"),
        ("missed: 5", "missed: must be one of once, skip, all, not 5"),
        ("argz: [1]", "argz: is no key of a periodic job"),
        ("kwargs: [1]", "kwargs: must be a mapping"),
        ("start: soon", "start: must be a moment such as"),
        ("enabled: perhaps", "enabled: must be true or false"),
    ],
)
def test_a_mistake_is_told_at_its_line(
    tmp_path: Path, unconfigured: None, line: str, said: str
) -> None:
    rule = "" if line.startswith(("cron", "every")) else "\n    every: 5m"
    text = f"periodic:\n  good:\n    every: 1m\n    class: a.B\n  bad:\n    class: a.B\n    {line}{rule}\n"
    (problem,) = read(tmp_path, text).problems
    assert (problem.line, problem.message.startswith(f"periodic: bad: {said}")) == (7, True), (
        problem
    )


@pytest.mark.parametrize(
    "text", ["periodic: 5", "periodic: [a]", "periodic:\n  a: 5", "periodic:\n  a: {}"]
)
def test_what_is_no_section_is_told(tmp_path: Path, unconfigured: None, text: str) -> None:
    assert len(read(tmp_path, text + "\n").problems) == 1


def test_an_empty_section_is_one(tmp_path: Path, unconfigured: None) -> None:
    assert read(tmp_path, "periodic: {}\n").config.of(PeriodicSettings).periodic == {}
    assert read(tmp_path, "concurrency: 5\n").config.of(PeriodicSettings).periodic is None


def test_code_says_the_same(unconfigured: None) -> None:
    found = config_file.settings({"periodic": {"a": {"every": 60, "class": "a.B"}}})
    assert list(found.of(PeriodicSettings).periodic or ()) == ["a"]
