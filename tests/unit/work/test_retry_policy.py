"""What a failure means: Sidekiq's decision table row by row, and where kiq mends it."""

from __future__ import annotations

import json
import zlib
from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kiq
from kiq.backtrace import backtrace_of, packed_backtrace
from kiq.codec import decode, encode
from kiq.work.retry import (
    Decision,
    GiveUp,
    Judgement,
    Later,
    PutBack,
    RetryPolicy,
    came_from_shutdown,
    message_of,
    name_of,
)

NOW = 1_795_293_268.25
NOW_MS = 1_795_293_268_250
DEFAULT_DELAYS = [15, 16, 31, 96, 271, 640]


def job(**fields: Any) -> dict[str, Any]:
    """A payload as it comes from a queue."""
    return {"class": "A", "args": [1], "jid": "j", "queue": "default", "retry": True, **fields}


def judged(
    payload: dict[str, Any],
    error: BaseException,
    *,
    dice: float = 0.0,
    max_retries: int = 25,
    now: float = NOW,
    **hooks: Callable[..., Any],
) -> Judgement:
    return RetryPolicy(max_retries, lambda: dice).judge(payload, error, hooks.get, now)


def decided(payload: dict[str, Any], error: BaseException, **options: Any) -> Decision:
    return judged(payload, error, **options).decision


def delay(payload: dict[str, Any], error: BaseException, **options: Any) -> float:
    decision = decided(payload, error, **options)
    assert isinstance(decision, Later)
    return decision.at - NOW


def raised(function: Callable[[], Any]) -> BaseException:
    """What *function* raises, with its traceback."""
    try:
        function()
    except BaseException as error:
        return error
    raise AssertionError("it raised nothing")


# Shutdown, anywhere in the chain


def caused(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


def in_context(error: BaseException, context: BaseException) -> BaseException:
    error.__context__ = context
    return error


class Empty(Exception):
    """An error that is false: nothing may ask whether it is true."""

    def __len__(self) -> int:
        return 0


@pytest.mark.parametrize(
    "error",
    [
        kiq.Shutdown(),
        caused(ValueError(), kiq.Shutdown()),
        in_context(ValueError(), kiq.Shutdown()),
        caused(ValueError(), caused(KeyError(), kiq.Shutdown())),
        in_context(caused(ValueError(), OSError()), kiq.Shutdown()),
        caused(ValueError(), caused(Empty(), kiq.Shutdown())),
        BaseExceptionGroup("a task group", [ValueError(), kiq.Shutdown()]),
        caused(ValueError(), BaseExceptionGroup("inner", [kiq.Shutdown()])),
    ],
    ids=["itself", "cause", "context", "deep", "behind a cause", "falsy link", "group", "in group"],
)
def test_a_job_that_the_shutdown_interrupted_goes_back_uncounted(error: BaseException) -> None:
    payload = job()
    assert decided(payload, error) == PutBack()
    assert payload == job()


def test_an_error_raised_from_none_while_shutdown_is_handled_still_comes_from_it() -> None:
    def cover_up() -> None:
        try:
            raise kiq.Shutdown
        except kiq.Shutdown:
            raise ValueError("covered up") from None

    assert came_from_shutdown(raised(cover_up))


@pytest.mark.parametrize("depth", [0, 1, 9, 10, 11, 50])
@pytest.mark.parametrize("turn", [None, 0, 5, 9, 10])
def test_shutdown_is_found_however_deep_it_lies(depth: int, turn: int | None) -> None:
    def behind(last: BaseException) -> BaseException:
        error = last
        for at in reversed(range(depth)):
            error = caused(ValueError(), error)
            if at == turn:  # the way goes on behind the context, and the cause is another
                error.__context__, error.__cause__ = error.__cause__, KeyError()
        return error

    assert came_from_shutdown(behind(kiq.Shutdown()))
    assert not came_from_shutdown(behind(OSError()))


def test_causes_that_go_round_in_a_circle_end_the_search() -> None:
    first, second = ValueError(), KeyError()
    first.__cause__, second.__cause__ = second, first
    assert not came_from_shutdown(first)


def test_an_ordinary_error_does_not_come_from_shutdown() -> None:
    assert not came_from_shutdown(ValueError())
    assert not came_from_shutdown(ExceptionGroup("two", [ValueError(), KeyError()]))


# retry=False


@pytest.mark.parametrize("never", [False, None])
def test_a_job_without_retry_is_dropped_and_told_so(never: object) -> None:
    payload = job(retry=never)
    decision = decided(payload, ValueError("boom"))
    assert decision == GiveUp(False, "its options say retry=False")
    assert payload == job(retry=never, discarded_at=NOW_MS)


def test_a_job_without_the_field_is_retried() -> None:
    payload = job()
    del payload["retry"]
    assert isinstance(decided(payload, ValueError()), Later)


# The fields of a failure


def test_the_first_failure_sets_the_count_to_0_and_failed_at() -> None:
    payload = job()
    judged(payload, ValueError("boom"))
    assert payload == job(
        error_class="ValueError", error_message="boom", failed_at=NOW_MS, retry_count=0
    )


def test_the_second_failure_counts_on_and_keeps_failed_at() -> None:
    payload = job(retry_count=0, failed_at=1000)
    judged(payload, kiq.StoreError("gone"))
    assert payload["retry_count"] == 1
    assert payload["retried_at"] == NOW_MS
    assert payload["failed_at"] == 1000
    assert payload["error_class"] == "kiq.errors.StoreError"


def test_retry_now_of_a_first_failure_leaves_minus_1_which_counts_on_to_0() -> None:
    payload = job(retry_count=-1, failed_at=1000)
    judged(payload, ValueError())
    assert payload["retry_count"] == 0
    assert payload["retried_at"] == NOW_MS


def test_a_count_without_failed_at_gets_one() -> None:
    payload = job(retry_count=3)
    judged(payload, ValueError())
    assert payload["failed_at"] == NOW_MS


@pytest.mark.parametrize("nonsense", ["3", True, None, 2.5, []])
def test_a_count_that_is_no_whole_number_begins_anew(nonsense: object) -> None:
    payload = job(retry_count=nonsense)
    judged(payload, ValueError())
    assert payload["retry_count"] == 0


def test_a_job_that_failed_goes_on_in_its_retry_queue() -> None:
    payload = job(retry_queue="slow")
    judged(payload, ValueError())
    assert payload["queue"] == "slow"


def test_a_retry_queue_that_is_no_name_changes_nothing() -> None:
    payload = job(retry_queue=["slow"])
    judged(payload, ValueError())
    assert payload["queue"] == "default"


# How long to wait


@pytest.mark.parametrize(("failures", "seconds"), list(enumerate(DEFAULT_DELAYS)))
def test_the_default_delay_grows_with_the_fourth_power(failures: int, seconds: int) -> None:
    payload = job(retry_count=failures - 1) if failures else job()
    assert delay(payload, ValueError()) == seconds


def test_all_25_retries_take_three_weeks() -> None:
    waits = []
    payload = job()
    while isinstance(decision := decided(payload, ValueError()), Later):
        waits.append(decision.at - NOW)
    assert len(waits) == 25
    assert waits[-1] == 331_791
    assert 20 < sum(waits) / 86_400 < 21


@pytest.mark.parametrize("hooks", [{}, {"retry_in": lambda *_: 100}], ids=["default", "custom"])
def test_jitter_of_up_to_ten_seconds_per_attempt_is_on_top(hooks: Any) -> None:
    calm = delay(job(retry_count=3), ValueError(), dice=0.0, **hooks)
    wild = delay(job(retry_count=3), ValueError(), dice=0.999999, **hooks)
    assert wild - calm == 10 * 5 - 1


@pytest.mark.parametrize(("answer", "seconds"), [(60, 60), (0.5, 0.5), (timedelta(minutes=2), 120)])
def test_retry_in_says_how_long_to_wait(answer: object, seconds: float) -> None:
    assert delay(job(), ValueError(), retry_in=lambda *_: answer) == pytest.approx(seconds)


def test_retry_in_is_asked_with_the_count_the_error_and_the_payload() -> None:
    asked: list[Any] = []
    error = ValueError("boom")
    payload = job(retry_count=1)
    judged(payload, error, retry_in=lambda *given: asked.append(given))
    assert asked == [(2, error, payload)]


@pytest.mark.parametrize("answer", [None, 0, -5, timedelta(0)])
def test_an_answer_that_is_no_delay_means_the_default(answer: object) -> None:
    judgement = judged(job(), ValueError(), retry_in=lambda *_: answer)
    assert judgement.decision == Later(NOW + 15)
    assert judgement.hook_errors == []


@pytest.mark.parametrize(
    "answer",
    [
        "soon",
        True,
        float("nan"),
        [60],
        kiq.Retry(60),
        1e12,
        float("inf"),
        10**400,
        timedelta.max,
        Decimal(60),
        datetime.now(UTC),
    ],
)
def test_an_answer_that_retry_in_may_not_give_is_reported(answer: object) -> None:
    judgement = judged(job(), ValueError(), retry_in=lambda *_: answer)
    assert judgement.decision == Later(NOW + 15)
    [problem] = judgement.hook_errors
    assert "give seconds, kiq.Kill, kiq.Discard or None" in str(problem)


class Unspeakable:
    def __repr__(self) -> str:
        raise RuntimeError("no words")


def test_an_answer_that_can_not_even_be_shown_is_reported() -> None:
    judgement = judged(job(), ValueError(), retry_in=lambda *_: Unspeakable())
    assert judgement.decision == Later(NOW + 15)
    assert [str(error) for error in judgement.hook_errors] == ["no words"]


def breaking(error: BaseException) -> Callable[..., Any]:
    def hook(*_: Any) -> None:
        raise error

    return hook


@pytest.mark.parametrize("error", [RuntimeError("broken"), SystemExit(1), KeyboardInterrupt()])
def test_when_retry_in_raises_the_default_applies_and_the_error_is_reported(
    error: BaseException,
) -> None:
    judgement = judged(job(), ValueError(), retry_in=breaking(error))
    assert judgement.decision == Later(NOW + 15)
    assert judgement.hook_errors == [error]


@pytest.mark.parametrize("answer", [kiq.Kill, kiq.Kill()])
def test_retry_in_may_say_kill(answer: object) -> None:
    decision = decided(job(), ValueError(), retry_in=lambda *_: answer)
    assert decision == GiveUp(True, "retry_in said Kill")


@pytest.mark.parametrize("answer", [kiq.Discard, kiq.Discard()])
def test_retry_in_may_say_discard(answer: object) -> None:
    payload = job()
    decision = decided(payload, ValueError(), retry_in=lambda *_: answer)
    assert decision == GiveUp(False, "retry_in said Discard")
    assert payload["discarded_at"] == NOW_MS


@settings(deadline=None)
@given(st.lists(st.integers(0, 5000), min_size=2, max_size=20), st.floats(0, 1, exclude_max=True))
def test_default_delays_grow_with_the_count_and_stay_within_their_jitter(
    counts: list[int], dice: float
) -> None:
    ordered = sorted(set(counts))
    waits = [delay(job(retry=10**6, retry_count=n), ValueError(), dice=dice) for n in ordered]
    assert all(earlier <= later for earlier, later in pairwise(waits))
    for count, wait in zip(ordered, waits, strict=True):
        default = min((count + 1) ** 4 + 15, 1_000_000_000)
        assert default <= round(wait, 3) <= default + 10 * (count + 2) - 1


@settings(deadline=None)
@given(st.one_of(st.floats(), st.integers(), st.timedeltas()), st.floats(0, 1, exclude_max=True))
def test_a_delay_is_never_in_the_past_nor_beyond_a_lifetime(answer: Any, dice: float) -> None:
    wait = delay(job(), ValueError(), dice=dice, retry_in=lambda *_: answer)
    assert 0 <= wait <= 1_000_000_010
    for signal in (kiq.Retry, kiq.Snooze):
        try:
            asked = signal(answer)
        except kiq.PayloadError:
            continue  # negative, infinite or no number: refused where it is written
        assert 0 <= delay(job(), asked, dice=dice) <= 1_000_000_010


@pytest.mark.parametrize("seconds", ["60", -1, True, float("nan"), float("inf")])
def test_a_job_can_not_ask_for_a_time_that_is_none(seconds: Any) -> None:
    for signal in (kiq.Retry, kiq.Snooze):
        with pytest.raises(kiq.PayloadError, match="takes seconds"):
            signal(seconds)


# No attempt is left


@pytest.mark.parametrize(("retry", "most"), [(True, 25), (0, 0), (1, 1), (3, 3), (-2, 0)])
def test_a_job_dies_after_as_many_retries_as_its_options_say(retry: Any, most: int) -> None:
    payload = job(retry=retry)
    retries = 0
    while isinstance(decision := decided(payload, ValueError()), Later):
        retries += 1
    assert retries == most
    assert decision == GiveUp(True, "no retry is left")


def test_retry_true_means_the_configured_number() -> None:
    assert isinstance(decided(job(retry_count=1), ValueError(), max_retries=3), Later)
    assert isinstance(decided(job(retry_count=2), ValueError(), max_retries=3), GiveUp)


@pytest.mark.parametrize("failed_at", [NOW_MS - 59_000, NOW - 59])
def test_within_its_window_a_job_is_retried_whatever_its_count(failed_at: float) -> None:
    payload = job(retry_for=60, retry=0, retry_count=1000, failed_at=failed_at)
    assert isinstance(decided(payload, ValueError()), Later)


@pytest.mark.parametrize("failed_at", [NOW_MS - 61_000, NOW - 61])
def test_a_job_dies_when_its_window_is_over(failed_at: float) -> None:
    payload = job(retry_for=60, retry_count=0, failed_at=failed_at)
    assert decided(payload, ValueError()) == GiveUp(True, "no retry is left")


def test_the_first_failure_opens_the_window() -> None:
    assert isinstance(decided(job(retry_for=1), ValueError()), Later)


def test_retries_exhausted_is_called_once_with_the_job_and_the_error() -> None:
    told: list[Any] = []
    error = ValueError("last")
    payload = job(retry=1)
    hooks = {"retries_exhausted": lambda *given: told.append(given)}
    judged(payload, ValueError("first"), **hooks)
    assert told == []
    judged(payload, error, **hooks)
    assert told == [(payload, error)]
    assert payload["error_message"] == "last"


@pytest.mark.parametrize("answer", [kiq.Discard, kiq.Discard()])
def test_retries_exhausted_may_keep_the_job_out_of_the_dead_set(answer: object) -> None:
    payload = job(retry=0)
    decision = decided(payload, ValueError(), retries_exhausted=lambda *_: answer)
    assert decision == GiveUp(False, "no retry is left; retries_exhausted said Discard")
    assert payload["discarded_at"] == NOW_MS


@pytest.mark.parametrize("error", [RuntimeError("broken"), SystemExit(1)])
def test_an_error_in_retries_exhausted_is_reported_and_the_job_dies_all_the_same(
    error: BaseException,
) -> None:
    judgement = judged(job(retry=0), ValueError(), retries_exhausted=breaking(error))
    assert judgement.decision == GiveUp(True, "no retry is left")
    assert judgement.hook_errors == [error]


def test_a_job_with_dead_false_is_dropped_at_the_end() -> None:
    payload = job(retry=0, dead=False)
    decision = decided(payload, ValueError())
    assert decision == GiveUp(False, "no retry is left; its options say dead=False")
    assert payload["discarded_at"] == NOW_MS


def test_a_job_that_dies_has_no_discarded_at() -> None:
    payload = job(retry=0)
    decided(payload, ValueError())
    assert "discarded_at" not in payload


# What the job itself asked for


def test_snooze_means_later_and_counts_nothing() -> None:
    payload = job(retry=False)
    assert decided(payload, kiq.Snooze(90)) == Later(NOW + 90, counted=False)
    assert payload == job(retry=False)


def test_retry_with_seconds_means_exactly_then() -> None:
    payload = job()
    assert decided(payload, kiq.Retry(timedelta(seconds=7)), dice=0.9) == Later(NOW + 7)
    assert payload["retry_count"] == 0
    assert payload["error_class"] == "kiq.errors.Retry"


def test_retry_without_seconds_means_the_usual_delay() -> None:
    assert delay(job(), kiq.Retry(), retry_in=lambda *_: 40) == 40


def test_retry_does_not_outlive_the_number_of_retries() -> None:
    assert decided(job(retry=0), kiq.Retry(5)) == GiveUp(True, "no retry is left")


@pytest.mark.parametrize("kind", [kiq.Snooze, kiq.Retry])
@pytest.mark.parametrize("seconds", [1e300, 10**400, 1e9, 1_764_547_200_000])
def test_delays_that_are_dates_are_refused_where_they_are_asked_for(
    kind: type[kiq.Snooze] | type[kiq.Retry], seconds: float
) -> None:
    with pytest.raises(kiq.PayloadError, match="no date"):
        kind(seconds)


@pytest.mark.parametrize("retry", [True, False, 5])
def test_kill_means_the_dead_set_whatever_retry_says(retry: object) -> None:
    payload = job(retry=retry)
    assert decided(payload, kiq.Kill()) == GiveUp(True, "the job asked to be killed")
    assert payload["error_class"] == "kiq.errors.Kill"


def test_discard_means_nothing_is_left() -> None:
    payload = job()
    assert decided(payload, kiq.Discard()) == GiveUp(False, "the job asked to be discarded")
    assert payload["discarded_at"] == NOW_MS


# Errors and their texts


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class Quitter(Exception):
    def __str__(self) -> str:
        raise SystemExit(3)


@pytest.mark.parametrize("error", [Mute(), Quitter()])
def test_an_error_that_has_no_text_is_named(error: Exception) -> None:
    assert message_of(error) == f"<unprintable {type(error).__name__} object>"


def test_a_message_is_cut_and_made_valid_utf_8() -> None:
    assert message_of(ValueError("x" * 20_000)) == "x" * 10_000
    assert message_of(ValueError("a\ud800b")) == "a?b"


def test_an_error_is_named_with_its_module_unless_built_in() -> None:
    assert name_of(ValueError()) == "ValueError"
    assert name_of(json.JSONDecodeError("x", "", 0)) == "json.decoder.JSONDecodeError"
    assert name_of(Mute()) == f"{__name__}.Mute"


def deep(levels: int) -> None:
    if levels:
        deep(levels - 1)
    else:
        raise ValueError("at the bottom")


@pytest.mark.parametrize(("wanted", "kept"), [(True, 5), (2, 2), (99, 5), ("yes", 5), (-1, 0)])
def test_the_backtrace_begins_where_the_error_was_raised(wanted: Any, kept: int) -> None:
    payload = job(backtrace=wanted)
    judged(payload, raised(lambda: deep(2)))
    lines = backtrace_of(payload)
    assert len(lines) == kept
    # deep three times, the lambda, and raised itself
    assert all(line.endswith("in `deep'") for line in lines[:3])


@pytest.mark.parametrize("option", [False, None, 0])
def test_there_is_no_backtrace_unless_asked_for(option: object) -> None:
    payload = job(backtrace=option)
    judged(payload, raised(lambda: deep(2)))
    assert backtrace_of(payload) == []
    assert "error_backtrace" not in payload


def test_a_backtrace_is_compressed_json() -> None:
    packed = packed_backtrace(raised(lambda: deep(0)), True)
    lines = json.loads(zlib.decompress(b64decode(packed)))
    assert lines[0].startswith(f"{__file__}:")


def test_an_endless_recursion_leaves_a_backtrace_of_bounded_size() -> None:
    payload = job(backtrace=True)
    judged(payload, raised(lambda: deep(10**9)))
    assert len(backtrace_of(payload)) <= 1000
    assert len(payload["error_backtrace"]) < 10_000


# Hostile payloads

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(),
    st.text(max_size=5),
    st.lists(st.integers(0, 5), max_size=2),
)
FIELDS = ["retry", "retry_count", "retry_for", "failed_at", "retried_at", "backtrace", "dead"]


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*FIELDS, "retry_queue", "queue"]), scalars))
def test_whatever_a_payload_holds_it_is_judged_and_can_be_written(fields: dict[str, Any]) -> None:
    judgement = judged(job(**fields), ValueError("boom"))
    assert isinstance(judgement.decision, Later | GiveUp)
    again, _ = decode(encode(judgement.payload, "msgpack"))
    assert again.keys() == judgement.payload.keys()


@pytest.mark.parametrize("field", ["retry", "retry_count", "retry_for", "failed_at"])
@pytest.mark.parametrize("number", [10**400, -(10**400)])
def test_numbers_that_no_float_holds_do_no_harm(field: str, number: int) -> None:
    judgement = judged(job(**{field: number}), ValueError())
    assert isinstance(judgement.decision, Later | GiveUp)
