"""What a parent decides about its children, in whatever order things happen."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kiq.parent.fleet import Fleet, Limits
from kiq.parent.members import GiveUp, Member, Order, Phase, Remark, Start, Tell, Told

MEGABYTE = 1 << 20


class Nursery:
    """Does what a fleet says, in memory: its children never do anything by themselves."""

    def __init__(self, processes: int = 2, *, max_jobs: int = 0, **limits: float) -> None:
        self.fleet = Fleet(Limits(processes=processes, **limits))  # type: ignore[arg-type]
        self.now = 100.0
        self.max_jobs = max_jobs
        self.pids = 0
        self.said: list[Order] = []
        self.silent: set[int] = set()

    def turn(self, seconds: float = 0.0) -> list[Order]:
        self.now += seconds
        for pid, member in self.fleet.members.items():
            if member.phase is Phase.READY and pid not in self.silent:
                self.fleet.seen(pid, Phase.READY, self.now, self.now)
        orders = self.fleet.decide(self.now)
        for order in orders:
            if isinstance(order, Start):
                self.pids += 1
                self.fleet.started(Member(order.slot, self.pids, self.now, self.max_jobs))
        self.said += orders
        return orders

    def ready(self, pid: int, memory: int = 20 * MEGABYTE) -> None:
        self.fleet.seen(pid, Phase.READY, self.now, self.now)
        self.said += self.fleet.measured(pid, 0, memory)

    def begin(self) -> Nursery:
        self.turn()
        self.ready(1)
        self.turn()
        for pid in list(self.fleet.members)[1:]:
            self.ready(pid)
        return self

    def told(self, pid: int) -> Told:
        return self.fleet.members[pid].told


def starts(orders: list[Order]) -> list[int]:
    return [order.slot for order in orders if isinstance(order, Start)]


def test_the_first_child_comes_alone_and_the_others_when_it_is_ready() -> None:
    nursery = Nursery(3)
    assert starts(nursery.turn()) == [1]
    assert starts(nursery.turn(5)) == []
    nursery.ready(1)
    assert starts(nursery.turn()) == [2, 3]
    assert not nursery.fleet.complete
    for pid in (2, 3):
        nursery.ready(pid)
    assert nursery.fleet.complete
    assert nursery.turn(1) == []


def test_a_child_that_dies_is_replaced_at_once() -> None:
    nursery = Nursery(2).begin()
    nursery.now += 5
    nursery.fleet.ended(2, -9, nursery.now)
    assert starts(nursery.turn()) == [2]


def test_who_dies_as_soon_as_it_is_ready_is_replaced_after_growing_pauses() -> None:
    nursery = Nursery(1).begin()
    pauses = []
    for pid in range(1, 6):
        nursery.fleet.ended(pid, -11, nursery.now)
        began = nursery.now
        while not starts(nursery.turn(0.1)):
            pass
        pauses.append(round(nursery.now - began + 0.1))
        nursery.ready(pid + 1)
    assert pauses == [1, 1, 2, 2, 2], "half a second, a second, two"
    assert not any(isinstance(order, GiveUp) for order in nursery.said), "they did work"


def test_children_that_can_not_boot_are_given_up_with_their_exit_code() -> None:
    nursery = Nursery(4)
    for pid in range(1, 6):
        while not starts(nursery.turn(0.1)):
            assert nursery.now < 200
        nursery.fleet.ended(pid, 77, nursery.now)
    assert GiveUp(77) in nursery.turn()
    assert nursery.fleet.over


def test_as_long_as_one_takes_jobs_nothing_is_given_up() -> None:
    nursery = Nursery(2)
    nursery.turn()
    nursery.ready(1)
    for pid in range(2, 12):
        while not starts(nursery.turn(1)):
            pass
        nursery.fleet.ended(pid, 70, nursery.now)
    assert not any(isinstance(order, GiveUp) for order in nursery.said)


def test_a_child_that_hangs_in_its_boot_is_killed_and_one_that_waits_for_redis_is_not() -> None:
    nursery = Nursery(1, boot_timeout=60)
    nursery.turn()
    for _ in range(100):
        nursery.fleet.seen(1, Phase.CONNECTING, nursery.now, nursery.now)
        assert nursery.turn(5) == []
    nursery.fleet.seen(1, Phase.STARTING, nursery.now, nursery.now)
    orders: list[Order] = []
    for _ in range(13):
        orders += nursery.turn(5)
    assert [(order.told, order.why) for order in orders if isinstance(order, Tell)] == [
        (Told.KILL, "it was not ready within 60 s")
    ]
    nursery.fleet.ended(1, -9, nursery.now)
    assert starts(nursery.turn(1)) == [1]


def test_after_a_sleep_of_the_machine_who_boots_has_its_time_again() -> None:
    nursery = Nursery(1, boot_timeout=60)
    nursery.turn()
    assert nursery.turn(3600) == []
    for _ in range(11):
        assert nursery.turn(5) == []


def test_a_rolling_restart_starts_the_new_one_first_and_one_by_one() -> None:
    nursery = Nursery(2).begin()
    assert nursery.fleet.restart() == 2
    assert starts(nursery.turn()) == [1]
    assert nursery.turn(1) == [], "the second waits for the first"
    nursery.ready(3)
    orders = nursery.turn()
    assert [order.member.pid for order in orders if isinstance(order, Tell)] == [1]
    assert nursery.told(1) is Told.FINISH
    assert starts(orders) == [2]
    assert nursery.told(2) is Told.NOTHING
    nursery.ready(4)
    nursery.turn()
    assert nursery.told(2) is Told.FINISH
    for _ in range(1000):
        assert nursery.turn(9) == [], "who finishes has all the time it needs"
    nursery.fleet.ended(1, 0, nursery.now)
    nursery.fleet.ended(2, 0, nursery.now)
    assert nursery.turn() == []


def test_a_rolling_restart_is_through_when_each_place_has_a_new_child() -> None:
    nursery = Nursery(2).begin()
    nursery.fleet.restart()
    assert not nursery.fleet.renewed, "all take jobs, and all are old"
    nursery.turn()
    nursery.ready(3)
    nursery.turn()
    assert not nursery.fleet.renewed
    nursery.fleet.ended(2, -9, nursery.now)
    nursery.turn()
    assert not nursery.fleet.renewed, "the second place has none at all"
    nursery.ready(4)
    nursery.turn()
    assert nursery.fleet.renewed, "whether the first old one has ended or not"


def test_a_rolling_restart_whose_new_children_fail_keeps_the_old() -> None:
    nursery = Nursery(2).begin()
    nursery.fleet.restart()
    for pid in range(3, 8):
        while not starts(nursery.turn(0.5)):
            assert nursery.now < 200
        nursery.fleet.ended(pid, 70, nursery.now)
    (remark,) = [order for order in nursery.turn() if isinstance(order, Remark)]
    assert remark.serious
    assert "given up" in remark.text
    assert nursery.fleet.renewal_failed
    assert nursery.turn(60) == []
    assert [member.pid for member in nursery.fleet.members.values() if member.ready] == [1, 2]


def test_max_jobs_and_max_memory_replace_and_far_too_much_memory_kills() -> None:
    nursery = Nursery(2, max_jobs=100, memory=100 * MEGABYTE).begin()
    nursery.fleet.measured(1, 100, 30 * MEGABYTE)
    nursery.fleet.measured(2, 99, 101 * MEGABYTE)
    assert starts(nursery.turn()) == [1]
    nursery.ready(3)
    assert starts(nursery.turn()) == [2]
    nursery.ready(4)
    nursery.turn()
    assert nursery.told(1) is nursery.told(2) is Told.FINISH
    nursery.fleet.measured(2, 99, 151 * MEGABYTE)
    nursery.turn()
    assert nursery.told(2) is Told.KILL


def test_a_limit_below_a_fresh_child_is_said_once_and_counts_no_more() -> None:
    nursery = Nursery(2, memory=10 * MEGABYTE).begin()
    remarks = [order for order in nursery.said if isinstance(order, Remark)]
    assert len(remarks) == 1
    assert remarks[0].serious
    nursery.fleet.measured(1, 5, 500 * MEGABYTE)
    assert nursery.turn(1) == []


def test_a_silent_child_is_kept_alive_by_others_and_in_the_end_killed() -> None:
    nursery = Nursery(2, lease=20, max_silence=300).begin()
    nursery.silent = {2}
    assert nursery.turn(9) == []
    assert nursery.fleet.silent(nursery.now) == []
    for _ in range(32):
        assert nursery.turn(9) == []
        assert [member.pid for member in nursery.fleet.silent(nursery.now)] == [2]
    (order,) = nursery.turn(9)
    assert isinstance(order, Tell)
    assert (order.member.pid, order.told) == (2, Told.KILL)
    assert nursery.fleet.silent(nursery.now) == []


def test_after_a_sleep_of_the_machine_nobody_is_silent() -> None:
    nursery = Nursery(1, max_silence=300).begin()
    nursery.silent = {1}
    assert nursery.turn(3600) == []
    assert nursery.fleet.silent(nursery.now) == []


def test_a_child_that_stops_by_itself_is_neither_silent_nor_broken_and_is_replaced_at_once() -> (
    None
):
    nursery = Nursery(1, boot_timeout=60, max_silence=300).begin()
    nursery.fleet.seen(1, Phase.STOPPING, nursery.now, nursery.now)
    assert starts(nursery.turn()) == [1]
    nursery.ready(2)
    for _ in range(100):
        assert nursery.turn(9) == []
    nursery.fleet.ended(1, 0, nursery.now)
    assert nursery.turn() == []


def test_a_stop_tells_all_and_kills_who_is_late() -> None:
    nursery = Nursery(2, shutdown_timeout=25).begin()
    nursery.fleet.stop()
    assert [(o.member.pid, o.told) for o in nursery.turn() if isinstance(o, Tell)] == [
        (1, Told.STOP),
        (2, Told.STOP),
    ]
    nursery.fleet.ended(2, 0, nursery.now)
    assert nursery.turn(30) == []
    (order,) = nursery.turn(4)
    assert isinstance(order, Tell)
    assert order.told is Told.KILL
    nursery.fleet.ended(1, -9, nursery.now)
    assert nursery.fleet.over


class AnyOrder(RuleBasedStateMachine):
    """Children are ready, work, grow and die as they like; signals come at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self.nursery = Nursery(3, max_jobs=10, memory=100 * MEGABYTE)
        self.fleet = self.nursery.fleet
        self.jobs: dict[int, int] = {}

    def one(self, data: st.DataObject) -> Member:
        return data.draw(st.sampled_from(list(self.fleet.members.values())))

    @rule(seconds=st.sampled_from([0.0, 0.1, 1.0, 7.0, 40.0]))
    def turn(self, seconds: float) -> None:
        stopping, quiet = self.fleet.stopping, self.fleet.quiet
        orders = self.nursery.turn(seconds)
        if stopping or quiet:
            assert not starts(orders)
        for order in orders:
            if isinstance(order, Tell) and order.told is Told.FINISH:
                place = [m for m in self.fleet.members.values() if m.slot == order.member.slot]
                assert any(m.ready for m in place), "another takes jobs in its place"

    @precondition(lambda self: self.fleet.members)
    @rule(data=st.data(), phase=st.sampled_from(Phase))
    def gets_on(self, data: st.DataObject, phase: Phase) -> None:
        member = self.one(data)
        if phase > member.phase:
            self.fleet.seen(member.pid, phase, self.nursery.now, self.nursery.now)

    @precondition(lambda self: self.fleet.members)
    @rule(data=st.data(), jobs=st.integers(0, 20), memory=st.integers(1, 200))
    def works(self, data: st.DataObject, jobs: int, memory: int) -> None:
        self.fleet.measured(self.one(data).pid, jobs, memory * MEGABYTE)

    @precondition(lambda self: self.fleet.members)
    @rule(data=st.data(), code=st.sampled_from([0, 1, 70, -9, -15]))
    def dies(self, data: st.DataObject, code: int) -> None:
        self.fleet.ended(self.one(data).pid, code, self.nursery.now)

    @rule()
    def restart(self) -> None:
        self.fleet.restart()

    @precondition(lambda self: not self.fleet.quiet)
    @rule(dice=st.integers(0, 9))
    def quiet(self, dice: int) -> None:
        self.fleet.quiet = dice == 0

    @rule(dice=st.integers(0, 19))
    def stop(self, dice: int) -> None:
        if dice == 0:
            self.fleet.stop()

    @invariant()
    def no_place_has_more_than_one_and_its_successor(self) -> None:
        untold = [
            m
            for m in self.fleet.members.values()
            if m.told is Told.NOTHING and m.phase is not Phase.STOPPING
        ]
        for slot in (1, 2, 3):
            assert len([m for m in untold if m.slot == slot]) <= 2
        assert len(untold) <= 4, "one place at a time is replaced"

    @invariant()
    def all_comes_to_an_end(self) -> None:
        if self.fleet.stopping:
            assert not self.fleet.over or not self.fleet.members


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
