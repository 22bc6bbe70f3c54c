"""Options of job classes and of one push: what is taken, and what is refused with which words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

import kiq
from kiq.options import DEFAULTS, checked


@pytest.mark.parametrize(
    ("given", "travels"),
    [
        ({"queue": "a.b:c-d_9"}, {"queue": "a.b:c-d_9"}),
        ({"retry": None}, {"retry": False}),
        ({"retry": 0}, {"retry": 0}),
        ({"retry": True}, {"retry": True}),
        ({"retry_for": timedelta(minutes=2)}, {"retry_for": 120.0}),
        ({"retry_for": 1_000_000_000}, {"retry_for": 1_000_000_000}),
        ({"retry_queue": "slow"}, {"retry_queue": "slow"}),
        ({"retry_queue": None}, {"retry_queue": None}),
        ({"dead": False}, {"dead": False}),
        ({"backtrace": 7}, {"backtrace": 7}),
        ({"tags": ("a", "b")}, {"tags": ["a", "b"]}),
        ({"log_level": "debug"}, {"log_level": "debug"}),
        ({"time_limit": timedelta(seconds=90)}, {"time_limit": 90.0}),
        ({"time_limit": 5}, {"time_limit": 5}),
        ({"profile": "slow"}, {"profile": "slow"}),
        ({"name": "X", "aliases": ["Y"]}, {"name": "X", "aliases": ["Y"]}),
    ],
)
def test_an_option_takes_the_form_that_a_payload_has(
    given: dict[str, Any], travels: dict[str, Any]
) -> None:
    result = checked("J", given)
    assert result == travels
    assert [type(value) for value in result.values()] == [type(v) for v in travels.values()]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"queue": ""}, "J: queue: '' can't be the name of a queue"),
        ({"queue": "a\tb"}, r"'a\tb' can't be the name of a queue"),
        ({"queue": "a\n"}, "can't be the name of a queue"),
        ({"queue": "\udcff"}, "can't be the name of a queue"),
        ({"queue": None}, "J: queue must be the name of a queue, not None"),
        ({"queue": 5}, "J: queue must be the name of a queue, not 5"),
        ({"retry_queue": "a\0b"}, r"J: retry_queue: 'a\x00b'"),
        ({"retry": -1}, "J: retry must be True, False or a number of 0 or more, not -1"),
        ({"retry": "5"}, "not '5'"),
        ({"retry": 1.5}, "not 1.5"),
        ({"backtrace": -3}, "J: backtrace must be"),
        ({"dead": 1}, "J: dead must be True or False, not 1"),
        ({"retry_for": 0}, "J: retry_for must be more than 0"),
        ({"retry_for": 1_000_000_001}, "it is a span of time, not a date"),
        ({"retry_for": float("nan")}, "it is a span of time"),
        ({"retry_for": "1h"}, "J: retry_for must be seconds or a timedelta, not '1h'"),
        ({"retry_for": True}, "J: retry_for must be seconds"),
        ({"tags": "abc"}, "J: tags must be a list of strings, not 'abc'"),
        ({"tags": [1]}, "J: tags must hold strings only, not [1]"),
        ({"tags": {"a"}}, "J: tags must be a list of strings"),
        ({"aliases": "Old"}, "J: aliases must be a list of strings, not 'Old'"),
        ({"name": 5}, "J: name must be a string, not 5"),
        (
            {"log_level": 10},
            "J: log_level must be one of debug, info, warning, error, critical, not 10",
        ),
        ({"log_level": "nonsense"}, "log_level must be one of debug, info, warning"),
        ({"log_level": "notset"}, "log_level must be one of debug, info, warning"),
        ({"log_level": ""}, "log_level must be one of debug, info, warning"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_the_option_in_the_message(
    given: dict[str, Any], words: str
) -> None:
    with pytest.raises(kiq.ConfigError) as raised:
        checked("J", given)
    assert words in str(raised.value)


def test_an_unknown_option_suggests_the_near_miss() -> None:
    with pytest.raises(
        kiq.ConfigError, match=r"Typo: unknown option 'quue'; did you mean 'queue'\?"
    ):

        class Typo(kiq.Job, quue="x"):  # type: ignore[call-arg]
            def perform(self) -> None: ...


def test_an_option_unlike_any_other_gets_the_list_of_all(standard_features: None) -> None:
    with pytest.raises(kiq.ConfigError) as raised:
        checked("J", {"zzz": 1})
    assert "(there are: aliases, backtrace, capture_log, dead, expires_in, history" in str(
        raised.value
    )


def test_set_refuses_what_only_a_class_can_have(fresh_registry: object) -> None:
    class Some(kiq.Job, name="options.Some"):
        def perform(self) -> None: ...

    setter: Any = Some.set
    with pytest.raises(kiq.ConfigError, match=r"options\.Some: unknown option 'name'"):
        setter(name="Other")
    with pytest.raises(kiq.ConfigError, match="did you mean 'queue'"):
        setter(quee="low")


def test_the_decorator_checks_its_options_too() -> None:
    decorate: Any = kiq.job
    with pytest.raises(kiq.ConfigError, match="unknown option 'retrys'; did you mean 'retry'"):

        @decorate(retrys=3)  # type: ignore[untyped-decorator]
        def function() -> None: ...


def test_the_defaults_are_sidekiqs() -> None:
    assert dict(DEFAULTS) == {"retry": True, "queue": "default"}
