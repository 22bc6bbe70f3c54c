"""The language in which people say which jobs they mean."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiq.api.filters import parse_filter as parse
from kiq.api.job_record import JobRecord
from kiq.errors import ConfigError

NOW = 1_800_000_000.0


def job(**fields: Any) -> JobRecord:
    known = {
        **{"class": "app.Mail", "args": ["Bob Miller"], "jid": "abc", "queue": "mailers"},
        **{"tags": ["vip"], "retry_count": 4, "created_at": NOW - 7200, "failed_at": NOW - 3600},
        **{"error_class": "TimeoutError", "error_message": "no route to host"},
    }
    return JobRecord(json.dumps({**known, **fields}).encode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "class:app.Mail",
        "class:Mail",
        "class:Other class:Mail",
        "queue:mailers tag:vip",
        "jid:abc",
        "error:timeout",
        'error:"no route"',
        "Miller",
        "Bob Miller",
        '"Bob Miller"',
        "text:Miller",
        "age>30m age<2h",
        "retries>=5 retries<6 retries=5",
        "-class:Other -Alice",
        'error:"route to" -error:refused',
    ],
)
def test_it_means_the_job(text: str) -> None:
    assert parse(text).takes(job(), NOW)
    assert parse(text).needle in job().raw


@pytest.mark.parametrize(
    "text",
    [
        "class:mail",
        "class:Other",
        "queue:mailers tag:other",
        "-class:Mail",
        "-class:Mail class:Mail",
        "Bob Alice",
        '"Miller Bob"',
        "age>2h",
        "age<30m",
        "retries>5",
        "-Miller",
        "error:refused",
    ],
)
def test_it_means_others(text: str) -> None:
    assert not parse(text).takes(job(), NOW)


def test_a_job_that_never_failed_has_no_retries_and_the_age_of_its_push() -> None:
    fresh = job(retry_count=None, failed_at=None, error_class=None, error_message=None)
    assert parse("retries=0 age>90m").takes(fresh, NOW)
    assert not parse("error:timeout").takes(fresh, NOW)
    assert not parse("age>1s").takes(job(created_at=None, failed_at=None), NOW)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("clas:Mail", "does not know 'clas'"),
        ('class:"Mail', "a quote is not closed"),
        ("age:2h", "write age>..."),
        ("class>2", "write class:..."),
        ("age>soon", "says no duration"),
        ("retries>many", "says no number"),
        ("x " * 21, "at most 20 parts"),
    ],
)
def test_what_can_not_be_meant_is_said(text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        parse(text)


@given(st.text(max_size=80))
def test_any_text_is_a_filter_or_a_clear_error(text: str) -> None:
    try:
        found = parse(text)
    except ConfigError:
        return
    found.takes(job(), NOW)
    assert isinstance(found.needle, bytes)


@given(
    st.lists(st.sampled_from(["class:Mail", "tag:vip", "Bob", "-x9", "age>1m", "queue:mailers"]))
)
def test_what_is_meant_holds_the_needle(parts: list[str]) -> None:
    found = parse(" ".join(parts[:20]))
    if found.takes(job(), NOW):
        assert found.needle in job().raw
