"""The pytest plugin of kiq, in a pytest of its own."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.house.source import ROOT, project

Run = Callable[..., "subprocess.CompletedProcess[str]"]

JOBS = """
import threading
import kiq
import pytest
from kiq import testing

class Ship(kiq.Job, name="plugin.Ship"):
    ran = []

    def perform(self, order):
        self.ran.append(order)
"""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run pytest with nothing but the plugin on a file with the given text."""

    def run(text: str, *more: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "test_app.py").write_text(text)
        options = ["-p", "pytest_kiq", "-p", "no:cacheprovider", "--strict-markers", "-W", "error"]
        environment = {
            **os.environ,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": str(ROOT),
            "KIQ_REDIS_URL": "redis://localhost:1/0",
        }
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *options, *more, "test_app.py"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=50,
        )

    return run


def test_fixtures_and_marker_set_the_mode_of_their_test_alone(run: Run) -> None:
    done = run(
        JOBS
        + """
@pytest.fixture
def pushed():
    Ship.perform_async(1)
    yield
    Ship.perform_async(2)

def test_fixture(kiq_fake):
    kiq_fake.assert_not_enqueued()
    thread = threading.Thread(target=Ship.perform_async, args=(1,))
    thread.start()
    thread.join()
    assert kiq_fake.drain() == 1
    Ship.perform_async(2)

def test_begins_empty(kiq_fake):
    kiq_fake.assert_not_enqueued()

def test_inline(kiq_inline):
    assert kiq_inline.mode() == "inline"
    Ship.perform_async("inline")
    assert Ship.ran[-1] == "inline"

@pytest.mark.kiq("fake")
class TestMarked:
    def test_with_its_fixtures(self, pushed):
        testing.assert_enqueued(Ship, args=[1], count=1)

    @pytest.mark.kiq("inline")
    def test_nearer(self):
        assert testing.mode() == "inline"

    def test_a_fixture_is_nearer_still(self, kiq_inline):
        assert testing.mode() == "inline"

def test_time_stands_still(kiq_fake, kiq_clock):
    Ship.perform_in(60, "later")
    assert len({kiq_clock.now for _ in range(1000)}) == 1
    assert kiq_fake.drain_due() == 0
    kiq_clock.advance(60)
    assert kiq_fake.drain_due() == 1

@pytest.mark.kiq("fake")
@pytest.mark.xfail(strict=True, raises=ZeroDivisionError)
def test_that_fails():
    raise ZeroDivisionError

def test_nothing_is_left():
    assert testing.mode() == "disabled"
    with pytest.raises(kiq.StoreUnavailable):
        Ship.perform_async(3)
"""
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "8 passed, 1 xfailed" in done.stdout


@pytest.mark.parametrize("marker", ['"fakes"', "", '"fake", "inline"', 'mode="fake"'])
def test_a_marker_that_can_t_be_meant_fails_its_test_before_it_runs(run: Run, marker: str) -> None:
    done = run(
        f"import pytest\n@pytest.mark.kiq({marker})\ndef test_a(): print('it ran')\n"
        "def test_b(): ...\n"
    )
    assert "1 passed, 1 error" in done.stdout
    assert "write @pytest.mark.kiq(mode) with one of fake" in done.stdout
    assert "it ran" not in done.stdout


def test_a_failed_assertion_points_at_the_test(run: Run) -> None:
    done = run(JOBS + "def test_a(kiq_fake):\n    kiq_fake.assert_enqueued(Ship)\n")
    assert done.returncode == 1
    assert "nothing was enqueued" in done.stdout
    assert "asserting.py" not in done.stdout


def test_a_run_without_jobs_imports_nothing_of_kiq(run: Run) -> None:
    done = run(
        "import sys\n"
        "def test_a():\n"
        "    names = {each.partition('.')[0] for each in sys.modules}\n"
        "    assert 'pytest_kiq' in names\n"
        "    assert not names & {'kiq', 'redis', 'msgpack'}\n"
    )
    assert done.returncode == 0, done.stdout


def test_pytest_finds_the_plugin_by_its_entry_point() -> None:
    assert project()["project"]["entry-points"]["pytest11"] == {"pytest_kiq": "pytest_kiq"}
    assert importlib.util.find_spec("pytest_kiq") is not None


def test_it_works_in_the_processes_of_xdist_and_with_unittest(run: Run) -> None:
    text = """
import unittest

@pytest.mark.parametrize("number", range(8))
def test_each(kiq_fake, number):
    kiq_fake.assert_not_enqueued()
    Ship.perform_async(number)
    kiq_fake.assert_enqueued(Ship, args=[number], count=1)

@pytest.mark.kiq("fake")
class Case(unittest.TestCase):
    def test_a(self):
        Ship.perform_async(1)
        testing.assert_enqueued(Ship, count=1)

    def test_b(self):
        Ship.perform_async(2)
        testing.assert_enqueued(Ship, count=1)
"""
    done = run(JOBS + text, "-p", "xdist", "-n", "2", "-W", "default")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "10 passed" in done.stdout
