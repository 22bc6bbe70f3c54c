"""How many bytes of jobs are asked for at once."""

from __future__ import annotations

from kiq.work.reply_size import ReplySize, pieces


def broken(size: ReplySize, times: int, now: float = 0.0) -> None:
    """Let that many connections break in a row while jobs are read."""
    for _ in range(times):
        size.ask(now)
        size.lost(now)


def test_one_broken_connection_changes_nothing() -> None:
    size = ReplySize(1_000)
    broken(size, 1)
    assert size.limit == 1_000


def test_a_second_in_a_row_makes_replies_a_quarter_and_each_further_one_again() -> None:
    size = ReplySize(1_000)
    broken(size, 2)
    assert size.limit == 250
    broken(size, 2)
    assert size.limit == 15


def test_connections_that_break_between_replies_that_arrive_change_nothing() -> None:
    size = ReplySize(1_000)
    for _ in range(10):
        broken(size, 1)
        size.ask(0.0)
        size.arrived(3)
    assert size.limit == 1_000


def test_an_empty_reply_proves_nothing() -> None:
    size = ReplySize(1_000)
    broken(size, 1)
    size.ask(0.0)
    size.arrived(0)
    broken(size, 1)
    assert size.limit == 250


def test_connections_that_break_while_no_job_is_asked_for_change_nothing() -> None:
    size = ReplySize(1_000)
    for _ in range(10):
        size.lost(0.0)
    assert size.limit == 1_000


def test_it_never_asks_for_nothing() -> None:
    size = ReplySize(1_000)
    broken(size, 50)
    assert size.limit == 1


def test_after_half_a_minute_it_tries_twice_as_much_and_in_the_end_all() -> None:
    size = ReplySize(1_000)
    broken(size, 2, now=100.0)
    assert size.ask(129.0) == 250
    assert size.ask(130.0) == 500
    assert size.ask(131.0) == 500
    assert size.ask(160.0) == 1_000
    assert size.ask(300.0) == 1_000


def test_pieces_keep_the_order_and_the_limit_and_what_is_larger_stands_alone() -> None:
    assert pieces(["a", "b", "c", "d", "e"], [40, 60, 10, 500, 1], 100) == [
        ["a", "b"],
        ["c"],
        ["d"],
        ["e"],
    ]
    assert pieces([], [], 100) == []
