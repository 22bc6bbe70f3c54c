"""The rules of owner, one by one, and all together against a model of Redis."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
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
from kiq.work.owner import Owner, Phase, Reconciliation, order_of

QUEUE = "queue:a"


def taken(owner: Owner, delivery: str, source: str = QUEUE) -> Taken:
    return Taken(delivery, owner.flight(source), delivery.encode(), 0.0)


def holding(*deliveries: str) -> tuple[Owner, list[Taken]]:
    """An owner that is sure, and took these deliveries."""
    owner = Owner("o", [QUEUE])
    owner.registered(100.0)
    jobs = [taken(owner, each) for each in deliveries]
    owner.took(jobs)
    return owner, jobs


def in_redis(owner: Owner, *ids: str) -> dict[Flight, set[str]]:
    return {owner.flight(QUEUE): set(ids)}


def reconciled(
    owner: Owner, held: dict[Flight, set[str]], unstarted: Iterable[Taken]
) -> Reconciliation:
    """What a reconciliation in epoch 2 came to."""
    owner.doubts()
    owner.begins(2)
    return owner.reconcile(held, unstarted)


# One by one


def test_a_job_is_in_the_ledger_from_the_fetch_that_named_it_until_it_is_settled() -> None:
    owner, jobs = holding("1.1", "1.2")
    assert len(owner) == 2
    owner.settled(jobs[:1])
    assert "1.1" not in owner
    assert "1.2" in owner


def test_call_numbers_are_never_used_twice_by_any_owner_of_the_process() -> None:
    first, second = Owner("o", []), Owner("p", [])
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
    owner = Owner("o", [QUEUE])
    late = owner.flight("queue:b")
    assert owner.flight("queue:b") is late
    assert late.permit is owner.permit is owner.flight(QUEUE).permit


def test_counts_agree_per_flight() -> None:
    owner, jobs = holding("1.1", "1.2")
    owner.took([taken(owner, "2.1", "queue:b")])
    owner.settled(jobs[:1])
    assert owner.compare([owner.flight(QUEUE)], [1])
    assert owner.compare([owner.flight("queue:b")], [1])
    assert not owner.compare([owner.flight(QUEUE)], [2])


def test_a_count_that_differs_calls_for_a_reconciliation() -> None:
    owner, _ = holding("1.1")
    assert not owner.compare([owner.flight(QUEUE)], [2])
    assert owner.phase is Phase.UNSURE


def test_a_flight_that_could_not_be_counted_calls_for_nothing() -> None:
    owner, _ = holding("1.1")
    assert owner.compare([owner.flight(QUEUE)], [-1])
    assert owner.sure


# Phases


def in_phase(phase: Phase) -> Owner:
    """An owner that came to *phase* by allowed moves."""
    owner = Owner("o", [QUEUE])
    if phase is not Phase.NEW:
        owner.registered(100.0)
    if phase is Phase.ASKING:
        owner.asks()
    if phase in (Phase.UNSURE, Phase.COMPARING, Phase.ADOPTING):
        owner.doubts()
    if phase in (Phase.COMPARING, Phase.ADOPTING):
        owner.begins(2)
    if phase is Phase.ADOPTING:
        owner.reconcile(in_redis(owner, "1.1"), [])
    assert owner.phase is phase
    return owner


EVENTS: dict[str, Callable[[Owner], object]] = {
    "registered": lambda owner: owner.registered(100.0),
    "asks": lambda owner: owner.asks(),
    "answered": lambda owner: owner.answered(),
    "begins": lambda owner: owner.begins(2),
    "reconciles": lambda owner: owner.reconcile({}, []),
    "adopted": lambda owner: owner.adopted(),
}
ALLOWED = {
    (Phase.NEW, "registered"): Phase.SURE,
    (Phase.SURE, "asks"): Phase.ASKING,
    (Phase.ASKING, "answered"): Phase.SURE,
    (Phase.UNSURE, "begins"): Phase.COMPARING,
    (Phase.COMPARING, "reconciles"): Phase.SURE,
    (Phase.ADOPTING, "adopted"): Phase.SURE,
}


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("phase", Phase)
def test_what_may_not_happen_in_a_phase_is_an_error(phase: Phase, event: str) -> None:
    owner = in_phase(phase)
    if (phase, event) in ALLOWED:
        EVENTS[event](owner)
        assert owner.phase is ALLOWED[phase, event]
    else:
        with pytest.raises(RuntimeError, match=phase.name):
            EVENTS[event](owner)
        assert owner.phase is phase


@pytest.mark.parametrize("phase", Phase)
def test_doubt_may_come_at_any_moment_and_ends_in_a_reconciliation(phase: Phase) -> None:
    owner = in_phase(phase)
    owner.doubts()
    assert owner.phase is (Phase.NEW if phase is Phase.NEW else Phase.UNSURE)


@pytest.mark.parametrize("phase", Phase)
def test_a_fence_may_come_at_any_moment_and_holds(phase: Phase) -> None:
    owner = in_phase(phase)
    owner.fence()
    assert owner.phase is phase  # the write that is under way is read to its end
    owner.doubts()
    assert owner.fenced
    assert not owner.sure


@pytest.mark.parametrize(
    ("state", "phase", "fenced"),
    [("ok", Phase.SURE, False), ("stale", Phase.UNSURE, False), ("fenced", Phase.SURE, True)],
)
def test_what_scripts_answer_has_a_meaning(state: str, phase: Phase, fenced: bool) -> None:
    owner = in_phase(Phase.SURE)
    assert owner.hears(state) is (state == "ok")
    assert (owner.phase, owner.fenced) == (phase, fenced)


# The ledger


def test_settling_twice_counts_once() -> None:
    owner, jobs = holding("1.1", "1.2")
    owner.settled(jobs[:1])
    owner.settled(jobs[:1])
    assert owner.compare([owner.flight(QUEUE)], [1])


def test_a_verdict_of_another_owner_strikes_out_nothing() -> None:
    owner, _ = holding("1.1")
    _, jobs = holding("2.1")
    owner.settled(jobs)
    assert "1.1" in owner
    assert owner.compare([owner.flight(QUEUE)], [1])


def test_a_job_that_is_handed_back_stays_in_the_ledger_until_that_is_confirmed() -> None:
    owner, jobs = holding("1.1")
    owner.handing_back(jobs)
    assert "1.1" in owner
    owner.handed_back()
    assert len(owner) == 0


def test_what_redis_holds_and_we_do_not_know_is_adopted_oldest_first() -> None:
    owner, jobs = holding("1.1")
    plan = reconciled(owner, in_redis(owner, "1.1", "10.1", "2.10", "2.9"), jobs)
    assert plan.adopt == {owner.flight(QUEUE): ["2.9", "2.10", "10.1"]}
    assert plan.drop == []
    assert owner.epoch == 2


def test_what_waits_here_and_is_not_in_redis_is_dropped() -> None:
    owner, jobs = holding("1.1", "1.2")
    plan = reconciled(owner, in_redis(owner, "1.2"), jobs)
    assert plan.drop == ["1.1"]
    assert plan.adopt == {}
    assert "1.1" not in owner


def test_what_has_started_is_neither_adopted_nor_dropped() -> None:
    owner, _ = holding("1.1", "1.2")
    plan = reconciled(owner, in_redis(owner, "1.1"), [])
    assert plan.adopt == {}
    assert plan.drop == []
    assert "1.2" in owner


def test_a_hand_back_that_did_not_happen_is_adopted_again() -> None:
    owner, jobs = holding("1.1")
    owner.handing_back(jobs)
    plan = reconciled(owner, in_redis(owner, "1.1"), [])
    assert plan.adopt == {owner.flight(QUEUE): ["1.1"]}
    assert "1.1" not in owner  # until it is read, and taken anew


def test_a_hand_back_that_did_happen_is_forgotten() -> None:
    owner, jobs = holding("1.1")
    owner.handing_back(jobs)
    plan = reconciled(owner, in_redis(owner), [])
    assert plan.adopt == {}
    assert len(owner) == 0


def test_a_flight_that_could_not_be_read_keeps_its_jobs() -> None:
    owner, jobs = holding("1.1")
    plan = reconciled(owner, {}, jobs)
    assert plan.drop == []
    assert "1.1" in owner


def test_a_fence_forgets_everything_and_lets_nothing_start_again() -> None:
    owner, jobs = holding("1.1", "1.2")
    owner.permit.extend(100.0)
    assert owner.falls() == 2
    assert len(owner) == 0
    owner.permit.extend(200.0)
    assert owner.permit.until == float("-inf")
    owner.settled(jobs)  # their verdicts come later, and change nothing
    assert len(owner) == 0


# All together


class Server:
    """What Redis does, as far as owner sees it: the scripts' rules, on Python's sets."""

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
        self.inbox: list[Taken] = []
        self.running: list[Taken] = []
        self.owed: list[Taken] = []
        self.late: list[Callable[[], Any]] = []
        self.starts: dict[int, int] = {}
        self.may_repeat: set[int] = set()
        self.jobs: dict[tuple[str, str], int] = {}  # owner, delivery -> job

    @initialize()
    def begin(self) -> None:
        self.become_owner()

    @property
    def uncertain(self) -> bool:
        return self.owner.phase is Phase.UNSURE

    def become_owner(self) -> None:
        self.generation += 1
        self.owner = Owner(f"o{self.generation}", [QUEUE])
        self.server.register(self.owner.name)
        self.owner.registered(float("inf"))

    def write(self, fate: str, request: Callable[[], Any]) -> tuple[bool, Any]:
        """Send *request*; return whether it was answered, and what."""
        self.owner.asks()
        if fate in ("answered", "reply lost"):
            answer = request()
            if fate == "answered":
                self.owner.answered()
                return True, answer
        elif fate == "late":
            self.late.append(request)
        self.owner.doubts()
        return False, None

    def named(self, ids: dict[str, int]) -> list[Taken]:
        owner = self.owner.name
        self.jobs |= {(owner, id_): job for id_, job in ids.items()}
        return [taken(self.owner, id_) for id_ in ids]

    def job_of(self, one: Taken) -> int:
        return self.jobs[one.flight.owner, one.delivery]

    @rule(count=st.integers(1, 5))
    def push(self, count: int) -> None:
        self.server.queue += range(self.pushed, self.pushed + count)
        self.pushed += count

    @precondition(lambda self: not self.uncertain)
    @rule(count=st.integers(1, 4), fate=fates)
    def fetch(self, count: int, fate: str) -> None:
        owner, epoch = self.owner.name, self.owner.epoch
        call = self.owner.next_call()
        answered, ids = self.write(fate, lambda: self.server.fetch(owner, epoch, call, count))
        if answered:
            jobs = self.named(ids)
            self.owner.took(jobs)
            self.inbox += jobs

    @precondition(lambda self: self.inbox)
    @rule()
    def start(self) -> None:
        one = self.inbox.pop(0)
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
            self.owner.settled(owed)
            self.owed = []

    @precondition(lambda self: self.inbox and not self.uncertain)
    @rule(fate=fates)
    def hand_back(self, fate: str) -> None:
        jobs, self.inbox = self.inbox, []
        self.owner.handing_back(jobs)
        owner, epoch, ids = self.owner.name, self.owner.epoch, [t.delivery for t in jobs]
        answered, _ = self.write(fate, lambda: self.server.hand_back(owner, epoch, ids))
        if answered:
            self.owner.handed_back()

    @precondition(lambda self: self.late)
    @rule(at=st.integers(0, 9))
    def arrive_late(self, at: int) -> None:
        self.late.pop(at % len(self.late))()

    @precondition(lambda self: self.uncertain)
    @rule()
    def reconcile(self) -> None:
        owner = self.owner
        held = self.server.begin(owner.name, owner.epoch + 1)
        owner.begins(owner.epoch + 1)
        plan = owner.reconcile(in_redis(owner, *held), list(self.inbox))
        adopted = [id_ for ids in plan.adopt.values() for id_ in ids]
        mine = {t.delivery for t in (*self.running, *self.owed) if t.flight.owner == owner.name}
        assert not mine & {*adopted, *plan.drop}
        self.inbox = [one for one in self.inbox if one.delivery not in plan.drop]
        in_hand = self.server.held[owner.name]
        jobs = self.named({id_: in_hand[id_] for id_ in adopted})
        owner.took(jobs)
        self.inbox += jobs
        if plan.adopt:
            owner.adopted()

    @rule()
    def be_declared_dead(self) -> None:
        self.server.reclaim(self.owner.name)
        self.may_repeat |= {self.job_of(one) for one in (*self.running, *self.owed)}
        self.owner.falls()
        self.inbox = []
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
        owner = self.owner.name
        held = set(self.server.held[owner])
        here = {t.delivery for t in (*self.inbox, *self.running) if t.flight.owner == owner}
        owed = {t.delivery for t in self.owed if t.flight.owner == owner}
        assert here <= held <= here | owed  # a late settle may have taken some that are owed
        assert all(id_ in self.owner for id_ in here | owed)
        assert len(self.owner) == len(here | owed)

    def teardown(self) -> None:
        """Whatever happened: once the network heals, every job gets done."""
        for request in self.late:
            request()
        self.late = []
        while len(self.server.done) < self.pushed:
            if self.uncertain:
                self.reconcile()
            elif self.inbox:
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
