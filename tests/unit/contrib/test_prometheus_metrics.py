"""What Prometheus reads: its names, its numbers, and Debian's promtool on the rules and the dashboard."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.needs("prometheus_client")

from kiq.health.reports import Together  # noqa: E402
from kiq.plugins.metrics.tally import Measured  # noqa: E402
from kiq.registry import Registry  # noqa: E402

EXAMPLES = Path(__file__).parents[3] / "examples" / "prometheus"
PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="promtool (Debian's package prometheus) is not installed"
)


def promtool(*arguments: str, text: str = "", folder: Path = EXAMPLES) -> None:
    done = subprocess.run(
        ["promtool", *arguments], cwd=folder, input=text, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stdout + done.stderr


def told() -> Together:
    """Numbers of one class of two children, and of the fleet."""
    from kiq.contrib.prometheus_client.writing import row

    measured = Measured()
    measured.succeeded, measured.failed, measured.ran = 3, 1, 1.5
    measured.run_times[0] = measured.run_times[1] = measured.run_times[-1] = 1
    fleet: dict[str, Any] = {"at": 0.0, "dead": 4, "processed": 9, "arrived": 10, "overdue": 0.0}
    fleet["queues"] = {'odd"\\\n': [3, 2.5, 1]}
    sums = {"class app.A": row(measured, 2), "reclaimed": [5], "ended": [1, 2]}
    now = {"threads": 10, "busy": 2, "in_flight": 3, "round_trip": 0.001}
    return Together(sums, [now, {**now, "round_trip": 0.002}], fleet)


def exposed(found: Together) -> str:
    from kiq.contrib.prometheus_client import Prometheus

    kind, text = Prometheus().exposition(found, {"children": 2, "ready": 1})
    assert kind.startswith("text/plain; version=0.0.4")
    return text.decode()


def test_the_numbers() -> None:
    text = exposed(told())
    for line in (
        'kiq_jobs_total{class="app.A",outcome="succeeded"} 3.0',
        'kiq_jobs_total{class="app.A",outcome="failed"} 1.0',
        'kiq_jobs_died_total{class="app.A"} 2.0',
        'kiq_job_run_seconds_bucket{class="app.A",le="0.02"} 1.0',
        'kiq_job_run_seconds_bucket{class="app.A",le="0.045"} 2.0',
        'kiq_job_run_seconds_bucket{class="app.A",le="335"} 2.0',
        'kiq_job_run_seconds_bucket{class="app.A",le="+Inf"} 3.0',
        'kiq_job_run_seconds_sum{class="app.A"} 1.5',
        "kiq_threads 20.0",
        "kiq_busy_jobs 4.0",
        "kiq_redis_round_trip_seconds 0.002",
        "kiq_reclaimed_jobs_total 5.0",
        'kiq_children_ended_total{how="crashed"} 2.0',
        "kiq_fleet_dead_jobs 4.0",
        'kiq_queue_latency_seconds{queue="odd\\"\\\\\\n"} 2.5',
    ):
        assert f"\n{line}\n" in text, line


def test_what_is_not_known_of_the_fleet_is_absent() -> None:
    found = told()
    found.fleet = None
    text = exposed(found)
    assert "kiq_queue" not in text
    assert "kiq_fleet_dead" not in text
    assert "kiq_threads 20.0" in text


def test_a_label_is_a_class_that_is_known_and_there_are_so_many_at_most() -> None:
    from kiq.contrib.prometheus_client import writing
    from kiq.registry import JobSpec

    registry = Registry()
    for number in range(writing.MOST + 100):
        registry.add(JobSpec(f"app.Job{number:04}", {}, (f"old.Job{number:04}",), print, None))
    names = writing.known(registry)
    assert len(set(names.values())) == writing.MOST
    assert names["old.Job0007"] == "app.Job0007"
    assert "from.a.payload" not in names


@needs_promtool
def test_promtool_finds_nothing_wrong_with_names_and_units() -> None:
    promtool("check", "metrics", text=exposed(told()))


@needs_promtool
def test_the_alerts_are_raised_when_they_should_be() -> None:
    promtool("check", "rules", "alerts.yml")
    promtool("test", "rules", "alerts_test.yml")


@needs_promtool
def test_the_dashboard_asks_what_can_be_asked(tmp_path: Path) -> None:
    dashboard = json.loads((EXAMPLES / "dashboard.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    rules = [{"record": f"panel:{number}", "expr": expr} for number, expr in enumerate(asked)]
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "x", "rules": rules}]}))
    promtool("check", "rules", "rules.yml", folder=tmp_path)


def test_dashboard_and_alerts_name_what_is_there() -> None:
    found = told()
    assert found.fleet is not None
    found.fleet |= {"scheduled": 0, "retry": 0, "failed": 0, "in_flight": 0, "processes": 1}
    there = set(re.findall(r"^(kiq_\w+)", exposed(found), re.MULTILINE))
    for file in ("dashboard.json", "alerts.yml"):
        named = set(re.findall(r"\bkiq_\w+", (EXAMPLES / file).read_text()))
        assert named
        assert named <= there, f"{file} names what is not there"


def test_without_the_extra_one_line_says_so() -> None:
    code = (
        "import sys; sys.modules['prometheus_client'] = None\n"
        "from kiq.boot import plugin_of\n"
        "try: plugin_of('kiq.contrib.prometheus_client:Prometheus')\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    said = (
        "ConfigError the plugin prometheus needs prometheus_client: pip install 'kiq[prometheus]'"
    )
    assert done.stdout.strip() == said, done.stderr
