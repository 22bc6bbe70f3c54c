"""What completes what is typed."""

from __future__ import annotations

import pytest

from kiq.api import parse_filter
from kiq.api.job_record import JobRecord
from kiq.errors import ConfigError
from kiq.top.completing import FILTER_KEYS, completed, of_page
from kiq.top.picture import Row

pytestmark = pytest.mark.needs("textual")

RAW = b'{"class": "app.Mail", "args": [], "jid": "1", "queue": "mailers"}'


@pytest.mark.parametrize(
    ("typed", "done"),
    [
        ("", None),
        ("ret", "retries"),
        ("retries cl", "retries class:"),
        ("fleet m", "fleet mail"),
        ("error:x que", "error:x queue:"),
        ("nothing", None),
        ("retries ", None),
    ],
)
def test_the_last_word_is_completed(typed: str, done: str | None) -> None:
    assert completed(typed, ["retries", "fleet mail", *FILTER_KEYS]) == done


def test_names_of_the_page_complete_a_filter() -> None:
    rows = [
        Row("1", (), "dead", JobRecord(RAW)),
        Row("2", ()),
        Row("3", (), "dead", JobRecord(b"?")),
    ]
    assert {"class:app.Mail", "queue:mailers"} <= set(of_page(rows))


@pytest.mark.parametrize("key", FILTER_KEYS)
def test_every_key_that_is_offered_is_one_of_the_language(key: str) -> None:
    for value in ("1h", "5", "x"):
        try:
            assert parse_filter(key + value)
            return
        except ConfigError:
            continue
    raise AssertionError(key)
