"""Function jobs: ``@kiq.job`` keeps the function what it was, and lets it be pushed."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import redis

import kiq
from kiq.errors import ArgumentError
from kiq.registry import registry
from tests.helpers.stored import in_queue, scheduled


@kiq.job
def plain(number: int) -> int:
    """Double a number."""
    return number * 2


@kiq.job(queue="mailers", retry=2, name="welcome", aliases=("old.welcome",))
def welcome(user_id: int, *, again: bool = False) -> str:
    return f"{user_id} {again}"


def test_calling_a_function_job_runs_it_here() -> None:
    assert plain(21) == 42
    assert welcome(1, again=True) == "1 True"


def test_a_function_job_keeps_name_doc_and_signature() -> None:
    assert plain.__name__ == "plain"  # type: ignore[attr-defined]
    assert plain.__doc__ == "Double a number."
    assert list(inspect.signature(plain).parameters) == ["number"]


def test_a_function_job_pushes_under_its_modules_name_to_the_default_queue(
    fake: redis.Redis,
) -> None:
    jid = plain.perform_async(1)
    (payload,) = in_queue(fake)
    assert payload["class"] == f"{__name__}.plain"
    assert (payload["jid"], payload["args"], payload["retry"]) == (jid, [1], True)


def test_options_of_the_decorator_travel_and_name_and_aliases_do_not(fake: redis.Redis) -> None:
    welcome.perform_async(1, again=True)
    (payload,) = in_queue(fake, "mailers")
    assert payload["class"] == "welcome"
    assert payload["retry"] == 2
    assert payload["kwargs"] == {"again": True}
    assert "name" not in payload
    assert "aliases" not in payload


def test_a_function_job_has_every_way_to_push(fake: redis.Redis) -> None:
    plain.perform_in(60, 1)
    plain.perform_at(4_000_000_000, 2)
    plain.perform_bulk([(3,), plain.args(4)])
    plain.set(queue="low").perform_async(5)
    assert [payload["args"] for _, payload in scheduled(fake)] == [[1], [2]]
    assert [payload["args"] for payload in in_queue(fake)] == [[3], [4]]
    assert [payload["args"] for payload in in_queue(fake, "low")] == [[5]]
    assert plain.perform_inline(6) == 12


def test_wrong_arguments_name_the_function_not_a_perform_that_it_lacks(fake: redis.Redis) -> None:
    push: Any = welcome.perform_async
    with pytest.raises(ArgumentError) as raised:
        push()
    assert str(raised.value) == (
        "welcome(user_id, *, again=False): missing a required argument: 'user_id'"
    )
    assert fake.keys() == []


def test_a_required_keyword_only_argument_is_asked_for(fresh_registry: object) -> None:
    @kiq.job(name="needs_key")
    def needs_key(*, key: str) -> None: ...

    bad: Any = needs_key.args
    with pytest.raises(ArgumentError, match=r"missing a required.* 'key'"):
        bad()
    assert needs_key.args(key="x").kwargs == {"key": "x"}


def test_variadic_functions_take_what_they_say(fresh_registry: object) -> None:
    @kiq.job(name="anything")
    def anything(first: int, *rest: int, **extra: int) -> None: ...

    assert anything.args(1, 2, 3, four=4).args == (1, 2, 3)
    bad: Any = anything.args
    with pytest.raises(ArgumentError, match="'first'"):
        bad(extra=1)


def test_retry_hooks_are_decorators_of_the_function_job(fresh_registry: object) -> None:
    @kiq.job(name="hooked")
    def hooked() -> None: ...

    @hooked.retry_in
    def later(count: int, error: BaseException, payload: dict[str, Any]) -> int:
        return 60 * count

    @hooked.retries_exhausted
    def gone(payload: dict[str, Any], error: BaseException) -> None: ...

    spec = registry.get("hooked")
    assert spec.hook("retry_in") is later
    assert spec.hook("retries_exhausted") is gone
