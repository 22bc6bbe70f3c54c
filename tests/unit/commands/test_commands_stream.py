"""A list that breaks off is one JSON document all the same, and says so."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from kiq.commands.screen import stream
from kiq.errors import StoreUnavailable


def breaking_after(count: int) -> Iterator[int]:
    yield from range(count)
    raise StoreUnavailable('Redis said "no"')


@pytest.mark.parametrize("count", [50, 60, 130])
def test_a_list_that_breaks_off_is_valid_json_with_an_error(
    capsys: pytest.CaptureFixture[str], count: int
) -> None:
    with pytest.raises(StoreUnavailable):
        stream({"set": "retry"}, "entries", breaking_after(count))
    found = json.loads(capsys.readouterr().out)
    assert found["error"] == 'Redis said "no"'
    assert found["entries"] == list(range(len(found["entries"])))


def test_a_list_that_can_not_begin_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(StoreUnavailable):
        stream({"set": "retry"}, "entries", breaking_after(0))
    assert capsys.readouterr().out == ""
