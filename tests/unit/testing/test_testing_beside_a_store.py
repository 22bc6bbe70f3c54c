"""kiq.testing beside a store, and outside of tests."""

from __future__ import annotations

import os
import subprocess
import sys

import fakeredis
import pytest
import redis

import kiq
from kiq import api, testing
from kiq.client import default_client
from tests.helpers.stored import in_queue
from tests.helpers.testing_jobs import HardWorker
from tests.house.source import ROOT

pytestmark = pytest.mark.usefixtures("no_mode")


def test_kiq_api_looks_at_redis_in_every_mode(fake: redis.Redis) -> None:
    HardWorker.perform_async("in Redis")
    with testing.scoped("fake"):
        HardWorker.perform_async("in memory")
        assert [job.args for job in api.Queue("critical")] == [["in Redis"]]
        assert len(testing.jobs()) == 1
        api.Queue("critical").clear()
        assert len(testing.jobs()) == 1
    assert fake.llen("queue:critical") == 0


def test_a_client_of_one_s_own_pushes_to_its_store_in_every_mode(unconfigured: None) -> None:
    store = fakeredis.FakeRedis()
    own = kiq.Client(store)
    for mode in ("fake", "inline"):
        with testing.scoped(mode):
            own.push({"class": "Ruby", "args": [], "queue": "critical", "jid": mode})
    assert [job["jid"] for job in in_queue(store, "critical")] == ["fake", "inline"]
    store.close()


def outside(code: str, **variables: str) -> str:
    """Return what a process without a test runner writes to stderr."""
    environment = {k: v for k, v in os.environ.items() if k not in ("KIQ_ENV", "APP_ENV")}
    done = subprocess.run(
        [sys.executable, "-c", f"from kiq import testing\n{code}"],
        env={**environment, **variables},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.parametrize("code", ["testing.fake()", "with testing.scoped('fake'): pass"])
def test_faking_outside_tests_is_warned_of_once(code: str) -> None:
    said = outside(f"{code}\n{code}")
    assert said.count("never reach Redis") == 1
    assert "set KIQ_ENV=test" in said


@pytest.mark.parametrize(
    ("code", "variables"),
    [
        ("testing.fake()", {"KIQ_ENV": "test"}),
        ("testing.fake()", {"APP_ENV": "testing"}),
        ("import unittest; testing.fake()", {}),
        ("testing.inline(); testing.disabled()", {}),
    ],
)
def test_tests_and_other_modes_are_not_warned_of(code: str, variables: dict[str, str]) -> None:
    assert outside(code, **variables) == ""


def test_disabled_is_the_real_client_and_works_on_fakeredis(fake: redis.Redis) -> None:
    real = default_client()
    testing.fake()
    assert default_client() is not real
    testing.disabled()
    assert default_client() is real
    HardWorker.perform_async("Bob")
    assert in_queue(fake, "critical")[0]["args"] == ["Bob"]
