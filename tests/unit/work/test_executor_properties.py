"""What holds for any payload that reaches the executor: a verdict comes out, and nothing else."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import kiq
from kiq.codec import Codec, decode, encode
from kiq.config import Config
from kiq.errors import UndecodablePayload
from kiq.registry import Registry
from kiq.verdict import Dropped, Flight, Permit, Taken, ToDead, ToRetry, Verdict
from kiq.work.executor import Executor
from tests.fuzz.strategies import jobs

#: Fields that a failure writes.
WRITTEN = {
    *("queue", "error_message", "error_class", "error_backtrace", "retry_count", "failed_at"),
    "retried_at",
}
Reports = list[tuple[BaseException, dict[str, Any]]]


def executed(raw: bytes, suspicion: int = 0) -> tuple[Verdict, Reports]:
    """What becomes of *raw* where no job class is known, and what is reported meanwhile."""
    reports: Reports = []
    host = kiq.Host()
    host.error_handlers[:] = [lambda error, context: reports.append((error, context))]
    taken = Taken("1.1", Flight("o", "queue:default", Permit()), raw, 0.0, suspicion)
    return Executor(Config(), host, Registry())(taken), reports


@settings(deadline=None, max_examples=200)
@given(jobs())
def test_every_job_of_an_unknown_class_gets_a_verdict_in_its_own_codec(
    given_job: tuple[bytes, Codec],
) -> None:
    raw, codec = given_job
    verdict, reports = executed(raw)
    assert [type(error).__name__ for error, _ in reports] == ["UnknownJobClass"]
    before, _ = decode(raw)
    if isinstance(verdict, Dropped):  # not for its retry option: it did not run
        assert before.get("dead") is False
        return
    assert isinstance(verdict, ToRetry | ToDead)
    after, found = decode(verdict.raw)
    assert found == codec
    kept = set(before) - WRITTEN
    assert {name: repr(after[name]) for name in kept} == {name: repr(before[name]) for name in kept}


@settings(deadline=None, max_examples=100)
@given(jobs())
def test_every_convict_gets_a_verdict_in_its_own_codec(given_job: tuple[bytes, Codec]) -> None:
    raw, codec = given_job
    verdict, reports = executed(raw, suspicion=3)
    assert [type(error).__name__ for error, _ in reports] == ["PoisonPill"]
    if isinstance(verdict, Dropped):
        assert decode(raw)[0].get("dead") is False
        return
    assert isinstance(verdict, ToDead)
    assert decode(verdict.raw)[1] == codec


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=60), st.sampled_from([b"", b"{", b"\x82\xa5class\xa1A\xa4args"]))
def test_bytes_that_are_no_job_are_kept_as_they_are(noise: bytes, head: bytes) -> None:
    raw = head + noise
    try:
        decode(raw)
    except UndecodablePayload as error:
        reason = str(error)
    else:
        return
    verdict, [(reported, _)] = executed(raw)
    assert isinstance(verdict, ToDead)
    assert (verdict.raw, verdict.reason, verdict.ran) == (raw, reason, False)
    assert str(reported) == reason


@settings(
    deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.sampled_from(["class", "jid", "queue"]),
    st.sampled_from(["x" * 1_000_000, "\u2028" * 300_000, ["x" * 5] * 100_000]),
    st.sampled_from([0, 3]),
    st.sampled_from([True, 0, False]),
)
def test_no_name_in_a_payload_makes_a_long_log_line(
    caplog: pytest.LogCaptureFixture, field: str, value: Any, suspicion: int, retry: Any
) -> None:
    value = str(value) if field == "class" else value
    payload = {"class": "no.Such", "args": [], "jid": "j", "queue": "q", "retry": retry}
    caplog.clear()
    with caplog.at_level(logging.INFO, "kiq"):
        _, reports = executed(encode({**payload, field: value}, "json"), suspicion)
    assert all(len(record.getMessage()) < 2_000 for record in caplog.records)
    assert [len(str(context)) < 1_500 for _, context in reports] == [True]
    assert len(str(reports[0][0])) < 1_500
