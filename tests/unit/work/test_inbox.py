"""The inbox: jobs reach the threads that wait, each exactly once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from kiq.verdict import Flight, Permit, Taken
from kiq.work.inbox import Inbox
from tests.helpers.waiting import eventually

FLIGHT = Flight("o", "queue:a", Permit())


def taken(number: int) -> Taken:
    return Taken(f"1.{number}", FLIGHT, b"", float(number))


class Crew:
    """Threads that take what comes until they are sent home."""

    def __init__(self, inbox: Inbox, threads: int) -> None:
        self.took: list[list[Taken]] = [[] for _ in range(threads)]
        seats = [inbox.seat() for _ in range(threads)]
        self.threads = [
            threading.Thread(target=self._work, args=(inbox, seat, mine), daemon=True)
            for seat, mine in zip(seats, self.took, strict=True)
        ]
        for each in self.threads:
            each.start()

    @staticmethod
    def _work(inbox: Inbox, seat: object, mine: list[Taken]) -> None:
        while (one := inbox.take(seat)) is not None:  # type: ignore[arg-type]
            mine.append(one)

    @property
    def all(self) -> list[Taken]:
        return [one for mine in self.took for one in mine]


@contextmanager
def crew(inbox: Inbox, threads: int) -> Iterator[Crew]:
    team = Crew(inbox, threads)
    eventually(lambda: inbox.free == threads)
    yield team
    inbox.close()
    for each in team.threads:
        each.join(5)
        assert not each.is_alive()


def test_jobs_leave_in_the_order_in_which_they_came() -> None:
    inbox = Inbox()
    seat = inbox.seat()
    jobs = [taken(number) for number in range(3)]
    inbox.put(jobs)
    assert [inbox.take(seat) for _ in jobs] == jobs


def test_a_job_may_jump_the_queue() -> None:
    inbox = Inbox()
    inbox.put([taken(1)])
    first = taken(2)
    inbox.put_first(first)
    assert inbox.take(inbox.seat()) is first


def test_draining_takes_everything_newest_first() -> None:
    inbox = Inbox()
    jobs = [taken(number) for number in range(3)]
    inbox.put(jobs)
    assert inbox.drain() == jobs[::-1]
    assert len(inbox) == 0
    assert inbox.drain() == []


def test_the_oldest_is_the_one_that_is_next() -> None:
    inbox = Inbox()
    assert inbox.oldest_at() is None
    inbox.put([taken(7), taken(8)])
    assert inbox.oldest_at() == 7.0


def test_a_woken_thread_takes_the_job() -> None:
    inbox = Inbox()
    with crew(inbox, 2) as team:
        inbox.put([taken(1)])
        inbox.wake(1)
        eventually(lambda: len(team.all) == 1)
        eventually(lambda: inbox.free == 2)


def test_as_many_threads_wake_as_are_called() -> None:
    inbox = Inbox()
    with crew(inbox, 4) as team:
        jobs = [taken(number) for number in range(3)]
        inbox.put(jobs)
        inbox.wake(3)
        eventually(lambda: len(team.all) == 3)


def test_waking_more_threads_than_wait_does_no_harm() -> None:
    inbox = Inbox()
    inbox.wake(5)
    with crew(inbox, 2) as team:
        inbox.wake(100)
        inbox.put([taken(1)])
        inbox.wake(100)
        eventually(lambda: len(team.all) == 1)
        eventually(lambda: inbox.free == 2)


def test_a_thread_that_is_woken_for_nothing_waits_on() -> None:
    inbox = Inbox()
    with crew(inbox, 1) as team:
        inbox.wake(1)
        eventually(lambda: inbox.free == 1)
        assert team.all == []
        inbox.put([taken(1)])
        inbox.wake(1)
        eventually(lambda: len(team.all) == 1)


def test_closing_sends_waiting_threads_home() -> None:
    inbox = Inbox()
    with crew(inbox, 3):
        pass  # closing and joining is what the crew does


def test_a_thread_that_is_dismissed_goes_home_and_the_others_stay() -> None:
    inbox = Inbox()
    with crew(inbox, 2) as team:
        one, other = team.threads
        inbox.dismiss(inbox._seats[0])
        one.join(5)
        assert not one.is_alive()
        eventually(lambda: inbox.free == 1)
        inbox.put([taken(1)])
        inbox.wake(1)
        eventually(lambda: len(team.all) == 1)
        assert other.is_alive()


def test_who_is_dismissed_takes_what_is_there_first() -> None:
    inbox = Inbox()
    seat = inbox.seat()
    inbox.put([taken(1)])
    inbox.dismiss(seat)
    assert inbox.take(seat) is not None
    assert inbox.take(seat) is None
    assert inbox.free == 0


def test_a_wake_up_on_its_way_to_who_leaves_reaches_another() -> None:
    inbox = Inbox()
    with crew(inbox, 1) as team:
        gone = inbox.seat()
        inbox.put([taken(1)])  # nobody was woken for it: the wake-up went to the one who leaves
        inbox.leave(gone)
        eventually(lambda: len(team.all) == 1)


def test_a_thread_that_comes_after_closing_is_sent_home_at_once() -> None:
    inbox = Inbox()
    seat = inbox.seat()
    inbox.close()
    assert inbox.take(seat) is None
    assert inbox.take(seat) is None


def test_of_50_000_jobs_and_8_threads_none_is_lost_and_none_taken_twice() -> None:
    inbox = Inbox()
    total, batch = 50_000, 50
    drained: list[Taken] = []
    with crew(inbox, 8) as team:
        for start in range(0, total, batch):
            inbox.put(taken(number) for number in range(start, start + batch))
            inbox.wake(1 + start % 8)
            if start % (batch * 20) == 0:
                back = inbox.drain()  # what a hand-back does, while threads take
                drained += back[: len(back) // 2]
                inbox.put(reversed(back[len(back) // 2 :]))
        eventually(lambda: not len(inbox) or inbox.wake(8), timeout=20)
        eventually(lambda: len(team.all) + len(drained) >= total, timeout=20)
    counts = Counter(one.delivery for one in (*team.all, *drained))
    assert len(counts) == total
    assert set(counts.values()) == {1}
    assert sum(1 for mine in team.took if mine) > 1
