"""The rules of ownership, one by one, and all together against a model of Redis."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from kiq.verdict import Flight, Taken
from kiq.work.ownership import Ownership, order_of

QUEUE = "queue:a"


def taken(ownership: Ownership, delivery: str, source: str = QUEUE) -> Taken:
    return Taken(delivery, ownership.flight(source), delivery.encode(), 0.0)


def holding(*deliveries: str) -> tuple[Ownership, list[Taken]]:
    """An ownership that took these deliveries."""
    ownership = Ownership("o", [QUEUE])
    jobs = [taken(ownership, each) for each in deliveries]
    ownership.took(jobs)
    return ownership, jobs


def in_redis(ownership: Ownership, *ids: str) -> dict[Flight, set[str]]:
    return {ownership.flight(QUEUE): set(ids)}


# One by one


def test_a_job_is_in_the_ledger_from_the_fetch_that_named_it_until_it_is_settled() -> None:
    ownership, jobs = holding("1.1", "1.2")
    assert len(ownership) == 2
    ownership.settled(jobs[:1])
    assert "1.1" not in ownership
    assert "1.2" in ownership


def test_call_numbers_are_never_used_twice_by_any_owner_of_the_process() -> None:
    first, second = Ownership("o", []), Ownership("p", [])
    numbers = [each.next_call() for each in (first, second, first, second, first)]
    assert len(set(numbers)) == 5
    assert numbers == sorted(numbers)


def test_delivery_ids_are_ordered_as_numbers() -> None:
    assert sorted(["10.1", "2.10", "2.9", "1.100"], key=order_of) == [
        "1.100",
        "2.9",
        "2.10",
        "10.1",
    ]


def test_a_flight_is_made_once_per_source_and_shares_the_permit() -> None:
    ownership = Ownership("o", [QUEUE])
    late = ownership.flight("queue:b")
    assert ownership.flight("queue:b") is late
    assert late.permit is ownership.permit is ownership.flight(QUEUE).permit


def test_counts_agree_per_flight() -> None:
    ownership, jobs = holding("1.1", "1.2")
    ownership.took([taken(ownership, "2.1", "queue:b")])
    ownership.settled(jobs[:1])
    assert ownership.agrees(ownership.flight(QUEUE), 1)
    assert ownership.agrees(ownership.flight("queue:b"), 1)
    assert not ownership.agrees(ownership.flight(QUEUE), 2)


def test_settling_twice_counts_once() -> None:
    ownership, jobs = holding("1.1", "1.2")
    ownership.settled(jobs[:1])
    ownership.settled(jobs[:1])
    assert ownership.agrees(ownership.flight(QUEUE), 1)


def test_a_verdict_of_another_owner_strikes_out_nothing() -> None:
    ownership, _ = holding("1.1")
    _, jobs = holding("2.1")
    ownership.settled(jobs)
    assert "1.1" in ownership
    assert ownership.agrees(ownership.flight(QUEUE), 1)


def test_a_job_that_is_handed_back_stays_in_the_ledger_until_that_is_confirmed() -> None:
    ownership, jobs = holding("1.1")
    ownership.handing_back(jobs)
    assert "1.1" in ownership
    ownership.handed_back()
    assert len(ownership) == 0


def test_what_redis_holds_and_we_do_not_know_is_adopted_oldest_first() -> None:
    ownership, jobs = holding("1.1")
    plan = ownership.reconcile(2, in_redis(ownership, "1.1", "10.1", "2.10", "2.9"), jobs)
    assert plan.adopt == {ownership.flight(QUEUE): ["2.9", "2.10", "10.1"]}
    assert plan.drop == []
    assert ownership.epoch == 2


def test_what_waits_here_and_is_not_in_redis_is_dropped() -> None:
    ownership, jobs = holding("1.1", "1.2")
    plan = ownership.reconcile(2, in_redis(ownership, "1.2"), jobs)
    assert plan.drop == ["1.1"]
    assert plan.adopt == {}
    assert "1.1" not in ownership


def test_what_has_started_is_neither_adopted_nor_dropped() -> None:
    ownership, _ = holding("1.1", "1.2")
    plan = ownership.reconcile(2, in_redis(ownership, "1.1"), [])
    assert plan.adopt == {}
    assert plan.drop == []
    assert "1.2" in ownership


def test_a_hand_back_that_did_not_happen_is_adopted_again() -> None:
    ownership, jobs = holding("1.1")
    ownership.handing_back(jobs)
    plan = ownership.reconcile(2, in_redis(ownership, "1.1"), [])
    assert plan.adopt == {ownership.flight(QUEUE): ["1.1"]}
    assert "1.1" not in ownership  # until it is read, and taken anew


def test_a_hand_back_that_did_happen_is_forgotten() -> None:
    ownership, jobs = holding("1.1")
    ownership.handing_back(jobs)
    plan = ownership.reconcile(2, in_redis(ownership), [])
    assert plan.adopt == {}
    assert len(ownership) == 0


def test_a_flight_that_could_not_be_read_keeps_its_jobs() -> None:
    ownership, jobs = holding("1.1")
    plan = ownership.reconcile(2, {}, jobs)
    assert plan.drop == []
    assert "1.1" in ownership


def test_a_fence_forgets_everything_and_lets_nothing_start_again() -> None:
    ownership, jobs = holding("1.1", "1.2")
    ownership.permit.extend(100.0)
    assert ownership.fence() == 2
    assert len(ownership) == 0
    ownership.permit.extend(200.0)
    assert ownership.permit.until == float("-inf")
    ownership.settled(jobs)  # their verdicts come later, and change nothing
    assert len(ownership) == 0


# All together


class Server:
    """What Redis does, as far as ownership sees it: the scripts' rules, on Python's sets."""

    def __init__(self) -> None:
        self.queue: list[int] = []
        self.held: dict[str, dict[str, int]] = {}  # owner -> delivery -> job
        self.epochs: dict[str, int] = {}
        self.done: list[int] = []

    def register(self, owner: str) -> None:
        self.epochs[owner], self.held[owner] = 1, {}

    def fetch(self, owner: str, epoch: int, call: int, count: int) -> dict[str, int] | None:
        if self._refuses(owner, epoch):
            return None
        jobs, self.queue = self.queue[:count], self.queue[count:]
        named = {f"{call}.{index}": job for index, job in enumerate(jobs, 1)}
        self.held[owner] |= named
        return named

    def hand_back(self, owner: str, epoch: int, ids: Iterable[str]) -> bool:
        if self._refuses(owner, epoch):
            return False
        self.queue[:0] = [self.held[owner].pop(id_) for id_ in ids if id_ in self.held[owner]]
        return True

    def settle(self, owner: str, ids: Iterable[str]) -> None:
        held = self.held.get(owner, {})
        self.done += [held.pop(id_) for id_ in ids if id_ in held]

    def begin(self, owner: str, epoch: int) -> set[str]:
        self.epochs[owner] = max(self.epochs[owner], epoch)
        return set(self.held[owner])

    def reclaim(self, owner: str) -> None:
        del self.epochs[owner]
        self.queue[:0] = self.held.pop(owner).values()

    def _refuses(self, owner: str, epoch: int) -> bool:
        if self.epochs.get(owner, epoch + 1) > epoch:
            return True
        self.epochs[owner] = epoch
        return False


#: What becomes of a write: answered; answer lost; request lost; request arrives later.
fates = st.sampled_from(["answered", "answered", "reply lost", "never sent", "late"])


class Life(RuleBasedStateMachine):
    """One courier, its processors, and a network that loses, delays and cuts."""

    def __init__(self) -> None:
        super().__init__()
        self.server = Server()
        self.pushed = 0
        self.generation = 0
        self.buffer: list[Taken] = []
        self.running: list[Taken] = []
        self.owed: list[Taken] = []
        self.late: list[Callable[[], Any]] = []
        self.starts: dict[int, int] = {}
        self.may_repeat: set[int] = set()
        self.jobs: dict[tuple[str, str], int] = {}  # owner, delivery -> job
        self.uncertain = False

    @initialize()
    def begin(self) -> None:
        self.become_owner()

    def become_owner(self) -> None:
        self.generation += 1
        self.ownership = Ownership(f"o{self.generation}", [QUEUE])
        self.server.register(self.ownership.owner)
        self.uncertain = False

    def write(self, fate: str, request: Callable[[], Any]) -> tuple[bool, Any]:
        """Send *request*; return whether it was answered, and what."""
        if fate in ("answered", "reply lost"):
            answer = request()
            if fate == "answered":
                return True, answer
        elif fate == "late":
            self.late.append(request)
        self.uncertain = True
        return False, None

    def named(self, ids: dict[str, int]) -> list[Taken]:
        owner = self.ownership.owner
        self.jobs |= {(owner, id_): job for id_, job in ids.items()}
        return [taken(self.ownership, id_) for id_ in ids]

    def job_of(self, one: Taken) -> int:
        return self.jobs[one.flight.owner, one.delivery]

    @rule(count=st.integers(1, 5))
    def push(self, count: int) -> None:
        self.server.queue += range(self.pushed, self.pushed + count)
        self.pushed += count

    @precondition(lambda self: not self.uncertain)
    @rule(count=st.integers(1, 4), fate=fates)
    def fetch(self, count: int, fate: str) -> None:
        owner, epoch = self.ownership.owner, self.ownership.epoch
        call = self.ownership.next_call()
        answered, ids = self.write(fate, lambda: self.server.fetch(owner, epoch, call, count))
        if answered:
            jobs = self.named(ids)
            self.ownership.took(jobs)
            self.buffer += jobs

    @precondition(lambda self: self.buffer)
    @rule()
    def start(self) -> None:
        one = self.buffer.pop(0)
        self.running.append(one)
        job = self.job_of(one)
        self.starts[job] = self.starts.get(job, 0) + 1

    @precondition(lambda self: self.running)
    @rule(at=st.integers(0, 9))
    def finish(self, at: int) -> None:
        self.owed.append(self.running.pop(at % len(self.running)))

    @precondition(lambda self: self.owed and not self.uncertain)
    @rule(fate=fates)
    def settle(self, fate: str) -> None:
        owed = list(self.owed)

        def request() -> None:
            for one in owed:
                self.server.settle(one.flight.owner, [one.delivery])

        answered, _ = self.write(fate, request)
        if answered:
            self.ownership.settled(owed)
            self.owed = []

    @precondition(lambda self: self.buffer and not self.uncertain)
    @rule(fate=fates)
    def hand_back(self, fate: str) -> None:
        jobs, self.buffer = self.buffer, []
        self.ownership.handing_back(jobs)
        owner, epoch, ids = self.ownership.owner, self.ownership.epoch, [t.delivery for t in jobs]
        answered, _ = self.write(fate, lambda: self.server.hand_back(owner, epoch, ids))
        if answered:
            self.ownership.handed_back()

    @precondition(lambda self: self.late)
    @rule(at=st.integers(0, 9))
    def arrive_late(self, at: int) -> None:
        self.late.pop(at % len(self.late))()

    @precondition(lambda self: self.uncertain)
    @rule()
    def reconcile(self) -> None:
        ownership = self.ownership
        held = self.server.begin(ownership.owner, ownership.epoch + 1)
        plan = ownership.reconcile(
            ownership.epoch + 1, in_redis(ownership, *held), list(self.buffer)
        )
        adopted = [id_ for ids in plan.adopt.values() for id_ in ids]
        mine = {
            t.delivery for t in (*self.running, *self.owed) if t.flight.owner == ownership.owner
        }
        assert not mine & {*adopted, *plan.drop}
        self.buffer = [one for one in self.buffer if one.delivery not in plan.drop]
        in_hand = self.server.held[ownership.owner]
        jobs = self.named({id_: in_hand[id_] for id_ in adopted})
        ownership.took(jobs)
        self.buffer += jobs
        self.uncertain = False

    @rule()
    def be_declared_dead(self) -> None:
        self.server.reclaim(self.ownership.owner)
        self.may_repeat |= {self.job_of(one) for one in (*self.running, *self.owed)}
        self.ownership.fence()
        self.buffer = []
        self.become_owner()

    @invariant()
    def every_job_is_in_exactly_one_place(self) -> None:
        in_flight = [job for held in self.server.held.values() for job in held.values()]
        places = [*self.server.queue, *in_flight, *self.server.done]
        assert sorted(places) == list(range(self.pushed))

    @invariant()
    def nothing_starts_twice_unless_its_owner_was_declared_dead_meanwhile(self) -> None:
        assert {job for job, times in self.starts.items() if times > 1} <= self.may_repeat

    @invariant()
    def in_certainty_the_ledger_is_what_redis_holds(self) -> None:
        if self.uncertain or not self.generation:
            return
        owner = self.ownership.owner
        held = set(self.server.held[owner])
        here = {t.delivery for t in (*self.buffer, *self.running) if t.flight.owner == owner}
        owed = {t.delivery for t in self.owed if t.flight.owner == owner}
        assert here <= held <= here | owed  # a late settle may have taken some that are owed
        assert all(id_ in self.ownership for id_ in here | owed)
        assert len(self.ownership) == len(here | owed)

    def teardown(self) -> None:
        """Whatever happened: once the network heals, every job gets done."""
        for request in self.late:
            request()
        self.late = []
        while len(self.server.done) < self.pushed:
            if self.uncertain:
                self.reconcile()
            elif self.buffer:
                self.start()
            elif self.running:
                self.finish(0)
            elif self.owed:
                self.settle("answered")
            else:
                self.fetch(100, "answered")
        self.every_job_is_in_exactly_one_place()
        self.nothing_starts_twice_unless_its_owner_was_declared_dead_meanwhile()


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)


def test_the_model_refuses_a_write_of_an_older_epoch() -> None:
    server = Server()
    server.register("o")
    server.queue = [1, 2]
    server.begin("o", 2)
    assert server.fetch("o", 1, 1, 5) is None
    assert server.fetch("o", 2, 2, 5) == {"2.1": 1, "2.2": 2}
    server.reclaim("o")
    assert server.fetch("o", 9, 3, 5) is None
