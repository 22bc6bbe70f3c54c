"""What holds for any failure of any job: a verdict, a sane delay, a payload that can be written."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import kiq
from kiq.codec import Codec, decode, encode
from kiq.errors import ArgumentError
from kiq.work.retry import GiveUp, Judgement, Later, RetryPolicy
from tests.fuzz.strategies import EXTRAS, FIELDS, MSGPACK_ONLY, jobs

NOW = 1_795_293_268.25
LONGEST = 1_000_000_000
DICE = st.floats(0, 1, exclude_max=True)
ERRORS = st.sampled_from(
    [
        ValueError("out of luck"),
        ValueError("lone \ud800"),
        ValueError("x" * 20_000),
        kiq.Retry(60),
        kiq.Retry(),
        kiq.Snooze(60),
        kiq.Kill("enough"),
        kiq.Discard("never mind"),
        kiq.Shutdown(),
        SystemExit(1),
        KeyboardInterrupt(),
        ExceptionGroup("two", [ValueError(), KeyError("k")]),
    ]
)


def judged(
    payload: dict[str, Any], error: BaseException, dice: float = 0.0, **hooks: Callable[..., Any]
) -> Judgement:
    return RetryPolicy(25, lambda: dice).judge(payload, error, hooks.get, NOW)


def delay(dice: float = 0.0, answer: Any = None, **fields: Any) -> float:
    """How long the next attempt of a job with these fields is away, when retry_in says *answer*."""
    payload = {"class": "A", "args": [], "retry": 2**60, **fields}
    decision = judged(payload, ValueError(), dice, retry_in=lambda *_: answer).decision
    assert isinstance(decision, Later)
    return decision.at - NOW


# The delay


@settings(deadline=None)
@given(st.integers(-(2**70), 2**70), DICE)
@example(2**53, 0.999)
def test_every_delay_is_within_its_band(known: int, dice: float) -> None:
    count = min(max(known, -1) + 1, 2**53)
    default = min(min(count, 10_000) ** 4 + 15, LONGEST)
    jitter = 10 * (min(count, 10**6) + 1)
    assert default <= round(delay(dice, retry_count=known), 3) <= default + jitter


@settings(deadline=None)
@given(st.integers(0, 170), st.integers(0, 170), DICE)
def test_what_failed_more_often_waits_longer(one: int, other: int, dice: float) -> None:
    fewer, more = sorted((one, other))
    grown = delay(dice, retry_count=more) - delay(dice, retry_count=fewer)
    assert round(grown, 3) >= (more + 1) ** 4 - (fewer + 1) ** 4


@settings(deadline=None)
@given(st.integers(0, 10**6), st.floats(0.001, 1e8), DICE)
def test_a_delay_from_retry_in_has_the_same_jitter_on_top(
    known: int, seconds: float, dice: float
) -> None:
    extra = delay(dice, seconds, retry_count=known) - seconds
    assert -0.001 <= extra <= 10 * (known + 2)


# What retry_in may return


class Unspeakable:
    """Raises whenever somebody looks at it."""

    def __repr__(self) -> str:
        raise RuntimeError("no words")

    __lt__ = __gt__ = __eq__ = __bool__ = __float__ = __hash__ = __repr__  # type: ignore[assignment]


class Boastful(int):
    """A number that claims to be larger than any other."""

    def __lt__(self, other: object) -> bool:
        return True

    __gt__ = __lt__


class Endless(timedelta):
    def total_seconds(self) -> Any:
        return "for ever"


class Interrupting(float):
    def __float__(self) -> float:
        raise KeyboardInterrupt

    def __gt__(self, other: object) -> bool:
        raise SystemExit(3)


ODDITIES = [
    *(Unspeakable(), Boastful(-(10**300)), Boastful(-5), Endless(), Interrupting(5.0)),
    *(10**400, -(10**400), math.nan, -math.inf, math.inf, -0.0, 5e-324, 1e308, True, False),
    *(Decimal(5), Decimal("sNaN"), Fraction(1, 3), 1j, "60", b"60", [], [60], {}, {"s": 60}),
    *(timedelta.max, timedelta.min, datetime.now(UTC), object(), object, int, print, ...),
    *(ValueError, ValueError(), kiq.Retry, kiq.Retry(5), kiq.Shutdown(), kiq.Job, range(3)),
    *(NotImplemented, iter(()), lambda: 60, type("Sub", (kiq.Kill,), {})),
]


@settings(deadline=None)
@given(
    st.integers()
    | st.floats()
    | st.timedeltas()
    | st.decimals()
    | st.text()
    | st.lists(st.integers()),
    DICE,
)
def test_whatever_retry_in_returns_the_policy_decides_and_the_delay_is_sane(
    answer: Any, dice: float
) -> None:
    wait = delay(dice, answer)
    assert 0 <= wait <= LONGEST + 10


@pytest.mark.parametrize("answer", ODDITIES, ids=lambda each: type(each).__name__)
def test_each_odd_answer_leaves_a_decision(answer: Any) -> None:
    assert 0 <= delay(0.5, answer) <= LONGEST + 10


# The decision


@settings(deadline=None, max_examples=200)
@given(jobs(), ERRORS, DICE)
def test_every_failure_has_a_decision_and_its_payload_can_be_written(
    given_job: tuple[bytes, Codec], error: BaseException, dice: float
) -> None:
    raw, codec = given_job
    payload, _ = decode(raw)
    judgement = judged(payload, error, dice)
    assert judgement.hook_errors == []
    again, found = decode(encode(judgement.payload, codec))
    assert found == codec
    assert again["class"] == "no.Such"
    assert again["args"] == [1]
    if isinstance(judgement.decision, Later):
        assert math.isfinite(judgement.decision.at)
        assert judgement.decision.at >= NOW
    if isinstance(judgement.decision, GiveUp) and not judgement.decision.to_dead:
        assert again["discarded_at"] in (int(NOW * 1000), NOW)  # in the unit of the job


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(["json", "msgpack"]), st.data())
def test_fields_of_a_retry_come_back_as_they_were_written(
    codec: Codec, data: st.DataObject
) -> None:
    fields = data.draw(st.dictionaries(st.sampled_from(FIELDS), EXTRAS[codec] | MSGPACK_ONLY))
    payload: dict[str, Any] = {"class": "A", "args": [], **fields}
    try:
        raw = encode(payload, codec)
    except ArgumentError:
        assert codec == "json", "MessagePack carries all of these"
        return
    back, found = decode(raw)
    assert found == codec
    assert repr(back) == repr(payload)
