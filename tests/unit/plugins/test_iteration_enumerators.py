"""Enumerators: whatever interrupts them, each item is done, in order, and exactly once if in order."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kiq import iteration
from tests.helpers.resumed import crashed, interrupted

Write = Callable[[str], Path]
limits = st.lists(st.integers(0, 7), max_size=8)
text = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), max_size=6)
relaxed = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    names = itertools.count()

    def written(content: str) -> Path:
        path = tmp_path / f"file-{next(names)}"
        path.write_bytes(content.encode())
        return path

    return written


@given(size=st.integers(0, 20), after=limits)
def test_a_sequence_is_done_once_and_in_order(size: int, after: list[int]) -> None:
    assert interrupted(lambda c: iteration.sequence(range(size), cursor=c), after) == list(
        range(size)
    )


@given(size=st.integers(0, 20), after=limits)
def test_what_is_counted_is_done_once_and_in_order(size: int, after: list[int]) -> None:
    source = (str(number) for number in ())
    assert list(iteration.counted(source, cursor=None)) == []
    assert interrupted(lambda c: iteration.counted(iter(range(size)), cursor=c), after) == list(
        range(size)
    )


@given(size=st.integers(1, 20), flushed=st.integers(0, 20), later=st.integers(0, 20))
def test_a_crash_repeats_only_what_came_after_the_last_flush(
    size: int, flushed: int, later: int
) -> None:
    flushed = min(flushed, size - 1)
    died = min(flushed + later, size)
    done = crashed(lambda c: iteration.sequence(range(size), cursor=c), flushed, died)
    first = list(range(died))
    again = flushed if died > flushed else 0
    assert done == first + list(range(again, size))


@given(items=st.lists(st.integers(), max_size=20), size=st.integers(1, 5), after=limits)
def test_pages_are_done_once_and_in_order(items: list[int], size: int, after: list[int]) -> None:
    def fetch(number: int) -> list[int]:
        return items[(number - 1) * size : number * size]

    pages = interrupted(lambda c: iteration.pages(fetch, cursor=c), after)
    assert [item for page in pages for item in page] == items


@given(items=st.lists(st.integers(), max_size=20), size=st.integers(1, 5), after=limits)
def test_pages_with_tokens_are_done_once_and_in_order(
    items: list[int], size: int, after: list[int]
) -> None:
    def fetch(token: str | None) -> tuple[list[int], str | None]:
        begin = int(token or 0)
        following = begin + size
        return items[begin:following], str(following) if following < len(items) else None

    pages = interrupted(lambda c: iteration.token_pages(fetch, cursor=c), after)
    assert [item for page in pages for item in page] == items


@given(sizes=st.lists(st.integers(0, 4), max_size=6), after=limits)
def test_nested_ones_are_done_once_and_in_order(sizes: list[int], after: list[int]) -> None:
    def outer(*, cursor: Any) -> Any:
        return iteration.sequence(sizes, cursor=cursor)

    def middle(size: int, *, cursor: Any) -> Any:
        return iteration.sequence(range(size), cursor=cursor)

    def inner(size: int, number: int, *, cursor: Any) -> Any:
        return iteration.sequence("ab"[: number % 3], cursor=cursor)

    expected = [(s, n, x) for s in sizes for n in range(s) for x in "ab"[: n % 3]]
    assert (
        interrupted(lambda c: iteration.nested(outer, middle, inner, cursor=c), after) == expected
    )


def test_nested_ones_begin_a_new_outer_item_at_its_first_inner_one() -> None:
    gone = {"b": [1, 2], "c": [3, 4]}

    def outer(*, cursor: Any) -> Any:
        return [(key, key) for key in gone if cursor is None or key >= cursor]

    def inner(key: str, *, cursor: Any) -> Any:
        return iteration.sequence(gone[key], cursor=cursor)

    # "a" was deleted since: its inner cursor must not apply to "b".
    found = [item for item, _ in iteration.nested(outer, inner, cursor=["a", 1])]
    assert found == [("b", 1), ("b", 2), ("c", 3), ("c", 4)]


@relaxed
@given(
    content=st.lists(text.filter(lambda t: "\n" not in t), max_size=10),
    after=limits,
    end=st.booleans(),
)
def test_lines_are_done_once_and_in_order(
    write: Write, content: list[str], after: list[int], end: bool
) -> None:
    body = "\n".join(content) + ("\n" if end and content else "")
    path = write(body)
    expected = body.removeprefix("\ufeff").split("\n") if body else []
    if expected and expected[-1] == "" and body.endswith("\n"):
        expected.pop()
    assert interrupted(lambda c: iteration.lines(path, cursor=c), after) == expected


@relaxed
@given(
    rows=st.lists(st.lists(text, min_size=2, max_size=2), max_size=10),
    after=limits,
    mark=st.booleans(),
)
def test_csv_rows_are_done_once_and_in_order(
    write: Write, rows: list[list[str]], after: list[int], mark: bool
) -> None:
    path = write(("\ufeff" if mark else "") + written([["name", "text"], *rows]))
    done = interrupted(lambda c: iteration.csv_rows(path, cursor=c), after)
    assert done == [{"name": name, "text": value} for name, value in rows]


@relaxed
@given(
    rows=st.lists(st.lists(text, min_size=2, max_size=2), max_size=10),
    after=limits,
    sizes=st.lists(st.integers(1, 4), min_size=9, max_size=9),
)
def test_csv_batches_are_whole_even_if_their_size_changes(
    write: Write, rows: list[list[str]], after: list[int], sizes: list[int]
) -> None:
    path = write(written(rows))
    size = iter(sizes)
    done = interrupted(
        lambda c: iteration.csv_batches(path, cursor=c, size=next(size), header=False), after
    )
    assert [row for batch in done for row in batch] == rows


def written(rows: list[list[str]]) -> str:
    target = io.StringIO()
    csv.writer(target, quoting=csv.QUOTE_ALL).writerows(rows)
    return target.getvalue()


def test_a_row_may_go_over_several_lines(write: Write) -> None:
    path = write('a,b\n1,"x\ny"\n\n2,z\n')
    pairs = list(iteration.csv_rows(path, cursor=None))
    assert [row for row, _ in pairs] == [{"a": "1", "b": "x\ny"}, {"a": "2", "b": "z"}]
    assert [row for row, _ in iteration.csv_rows(path, cursor=pairs[1][1])] == [pairs[1][0]]


def test_rows_that_are_too_short_or_too_long_are_shown_as_they_are(write: Write) -> None:
    path = write("a;b\n1\n1;2;3\n")
    rows = [row for row, _ in iteration.csv_rows(path, cursor=None, delimiter=";")]
    assert rows == [{"a": "1", "b": None}, {"a": "1", "b": "2", None: ["3"]}]


@pytest.mark.parametrize("content", ["", "\ufeff", "a,b\n"])
def test_a_csv_file_without_rows_has_no_items(write: Write, content: str) -> None:
    assert list(iteration.csv_rows(write(content), cursor=None)) == []


def test_columns_of_one_name_are_refused(write: Write) -> None:
    with pytest.raises(ValueError, match="same name"):
        list(iteration.csv_rows(write("a,a\n1,2\n"), cursor=None))


def test_a_file_that_has_grown_is_gone_through_to_its_end(write: Write) -> None:
    path = write("1\n2\n")
    cursor = list(iteration.lines(path, cursor=None))[1][1]
    path.write_text("1\n2\n3\n")
    assert [line for line, _ in iteration.lines(path, cursor=cursor)] == ["2", "3"]


def test_a_file_that_has_shrunk_is_an_error(write: Write) -> None:
    with pytest.raises(ValueError, match="another file by now"):
        iteration.lines(write("1\n"), cursor=3)


def test_an_encoding_whose_lines_end_otherwise_is_refused(write: Write) -> None:
    with pytest.raises(ValueError, match="not one byte"):
        iteration.lines(write("1\n"), cursor=None, encoding="utf-16")


def test_a_file_is_closed_with_its_enumerator(write: Write) -> None:
    source = iteration.lines(write("1\n2\n"), cursor=None)
    next(iter(source))
    source.close()
    assert list(source) == []


@pytest.mark.parametrize("cursor", [-1, True, "1", 1.5, [1], {}])
@pytest.mark.parametrize(
    "build",
    [
        lambda c: iteration.sequence([1], cursor=c),
        lambda c: iteration.counted([1], cursor=c),
        lambda c: iteration.pages(lambda number: [], cursor=c),
        lambda c: iteration.lines(__file__, cursor=c),
        lambda c: iteration.csv_batches(__file__, cursor=c),
    ],
)
def test_a_cursor_of_other_code_is_refused(build: Any, cursor: Any) -> None:
    with pytest.raises(ValueError, match="no cursor of"):
        build(cursor)


@pytest.mark.parametrize("cursor", [5, ["a"], ["a", "b", "c"]])
def test_a_cursor_of_other_levels_is_refused(cursor: Any) -> None:
    with pytest.raises(ValueError, match="no cursor of 2 nested"):
        iteration.nested(lambda cursor: [], lambda item, cursor: [], cursor=cursor)


def test_what_has_no_index_is_refused() -> None:
    with pytest.raises(TypeError, match="counted"):
        iteration.sequence({1, 2}, cursor=None)  # type: ignore[arg-type]


@given(
    keys=st.sets(st.integers(0, 50), max_size=20).map(sorted),
    page=st.integers(1, 6),
    after=limits,
)
def test_a_keyset_is_done_once_and_in_order(keys: list[int], page: int, after: list[int]) -> None:
    fetch = table(keys)
    assert interrupted(lambda c: iteration.keyset(fetch, cursor=c, page=page), after) == keys
    batches = interrupted(lambda c: iteration.keyset_batches(fetch, cursor=c, size=page), after)
    assert [key for batch in batches for key in batch] == keys


def table(keys: list[int]) -> Any:
    def fetch(key: int | None, inclusive: bool, limit: int) -> list[tuple[int, int]]:
        found = [one for one in keys if key is None or one > key or (inclusive and one == key)]
        return [(one, one) for one in found[:limit]]

    return fetch


def test_a_row_that_was_deleted_meanwhile_is_no_obstacle() -> None:
    found = [item for item, _ in iteration.keyset(table([1, 2, 4, 5]), cursor=3, page=2)]
    assert found == [4, 5]


@pytest.mark.parametrize("page", [1, 2, 3, 10])
def test_a_key_that_is_not_unique_is_noticed_also_between_pages(page: int) -> None:
    with pytest.raises(ValueError, match="two rows have the key 2"):
        list(iteration.keyset(table([1, 2, 2, 3]), cursor=None, page=page))


@pytest.mark.parametrize("size", [0, -1])
def test_a_page_has_a_row_at_least(size: int) -> None:
    with pytest.raises(ValueError, match="1 row or more"):
        list(iteration.keyset(table([1]), cursor=None, page=size))


@pytest.mark.parametrize(
    ("pairs", "total"),
    [
        (iteration.sequence([1, 2], cursor=None), 2),
        (iteration.counted({1: 2}, cursor=None), 1),
        (iteration.counted(iter([1]), cursor=None), None),
    ],
)
def test_the_total_is_known_where_it_can_be(pairs: Any, total: int | None) -> None:
    assert pairs.total == total


def test_a_file_of_nothing_but_a_mark_has_no_line(write: Write) -> None:
    assert list(iteration.lines(write("\ufeff"), cursor=None)) == []
