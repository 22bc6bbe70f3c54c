"""What is well and what is stuck: Redis that is away and jobs that are long have no say in it."""

from __future__ import annotations

from dataclasses import dataclass, field

from kiq.health.vitals import Vitals


@dataclass
class Thread:
    silence: int = 0


@dataclass
class Courier:
    thread: Thread = field(default_factory=Thread)
    wants_jobs: bool = True
    progress_at: float = 1000.0


class Seen:
    """Vitals at a clock that the test sets."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.courier, self.heartbeat = Courier(), Thread()
        self.vitals = Vitals(lambda: self.now)

    def look(self, now: float, beaten_at: float, **more: bool) -> str:
        self.now = now
        told = {"away": False, "refused": False, "quiet": False, **more}
        self.vitals.look([("default", self.courier)], self.heartbeat, beaten_at, **told)
        return self.vitals.stuck


def test_an_idle_worker_is_well() -> None:
    seen = Seen()
    for second in range(1000, 5000):
        seen.courier.progress_at = float(second)
        assert seen.look(second, second - second % 5) == ""
    assert seen.vitals.heard_at == 4995


def test_a_thread_of_kiqs_own_that_hangs_is_stuck() -> None:
    seen = Seen()
    seen.courier.progress_at = 1050.0
    seen.courier.thread.silence = 59
    assert seen.look(1060, 1059) == ""
    seen.courier.thread.silence = 60
    assert seen.look(1061, 1060).startswith("capsule default has hung for 60 s")
    seen.courier.thread.silence, seen.heartbeat.silence = 0, 61
    assert seen.look(1059, 1058) == "the heartbeat has hung for 61 s"


def test_fetches_that_fail_are_no_sign_of_life_while_redis_answers_others() -> None:
    seen = Seen()
    stuck = [second for second in range(1000, 1100) if seen.look(second, second - second % 5)]
    assert stuck == list(range(1060, 1100))
    assert "fetched nothing for 99 s, though Redis answers" in seen.vitals.stuck


def test_busy_threads_ask_for_nothing() -> None:
    seen = Seen()
    seen.courier.wants_jobs = False
    assert not any(seen.look(second, second) for second in range(1000, 5000))


def test_while_redis_is_away_nothing_is_stuck_nor_in_the_moment_when_it_is_back() -> None:
    seen = Seen()
    seen.courier.progress_at = 1010.0
    for second in range(1010, 1300):
        assert seen.look(second, 1010, away=True) == ""
    assert seen.vitals.heard_at == 0
    for second in range(1300, 1359):
        assert seen.look(second, second) == ""
    assert seen.look(1380, 1380) != "", "but it must fetch, too, in the end"


def test_what_redis_refuses_no_restart_mends() -> None:
    seen = Seen()
    assert not any(seen.look(second, second, refused=True) for second in range(1000, 2000))
