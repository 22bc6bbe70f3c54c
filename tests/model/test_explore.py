"""Every order of events of a small fleet, and every mistake that was put in on purpose."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import pytest

from kiq.verdict import Flight, Taken
from kiq.work.owner import Owner, Phase, Reconciliation
from tests.model.canonical import canonical
from tests.model.enabled import all_enabled
from tests.model.explore import main
from tests.model.invariants import broken
from tests.model.mistakes import MISTAKES
from tests.model.search import explore
from tests.model.state import QUEUE, SETTLED, Job, Place, Rules, initial

#: The smallest fleet in which each is found: processes, jobs, faults, failures.
SMALLEST = {
    "plain-pop": (1, 1, 0, 0),
    "no-reconcile": (2, 1, 1, 0),
    "retry-without-token": (2, 1, 1, 1),
    "hdel-and-zadd-in-two-calls": (1, 1, 0, 1),
    "no-lease-guard": (2, 1, 1, 0),
    "no-epoch": (2, 1, 1, 0),
    "record-removed-last": (2, 1, 1, 0),
    "push-resent": (1, 1, 1, 0),
    "fetch-resent": (2, 1, 1, 0),
    "handed-back-from-inbox": (2, 1, 1, 0),
    "reconcile-from-second-thread": (1, 1, 0, 0),
    "ledger-struck-early": (2, 1, 1, 0),
    "claim-pops": (2, 1, 1, 1),
    "registered-again-under-same-name": (2, 1, 2, 0),
    "keeper-registers": (2, 1, 1, 0),
    "silent-child-given-back": (2, 1, 1, 0),
}
#: Those that only a parent can make.
OF_PARENTS = ("keeper-registers", "silent-child-given-back")


def smallest(name: str, mistake: str = "") -> Rules:
    """The fleet in which the mistake *name* is found, with *mistake* in it."""
    return Rules(*SMALLEST[name], mistake=mistake, parent=name in OF_PARENTS)


@pytest.mark.parametrize(
    ("jobs", "faults", "failures"), [(1, 0, 0), (1, 1, 1), (1, 2, 0), (2, 1, 0), (2, 2, 0)]
)
def test_all_invariants_hold_in_every_order_of_events(
    jobs: int, faults: int, failures: int
) -> None:
    found = explore(Rules(2, jobs, faults, failures), most_states=100_000)
    assert found.problem is None, "\n".join(found.trace)
    assert found.ends


@pytest.mark.parametrize(("processes", "jobs", "faults"), [(1, 1, 2), (2, 1, 1), (2, 2, 1)])
def test_all_invariants_hold_for_the_children_of_a_parent(
    processes: int, jobs: int, faults: int
) -> None:
    found = explore(Rules(processes, jobs, faults, 0, parent=True), most_states=100_000)
    assert found.problem is None, "\n".join(found.trace)
    assert found.ends


def test_every_mistake_has_a_smallest_fleet() -> None:
    assert SMALLEST.keys() == MISTAKES.keys()


def _nothing(owner: Owner, *_: object) -> None:
    """Do nothing of what should be done."""


def _does_not_go_back(owner: Owner) -> None:
    """Go on after an unknown outcome, as if it were known."""
    owner.phase = Phase.SURE


def _adopts_nothing(
    owner: Owner, held: Mapping[Flight, set[str]], unstarted: Iterable[Taken]
) -> Reconciliation:
    """Reconcile with an empty list of what Redis holds."""
    return reconcile(owner, {flight: set() for flight in held}, unstarted)


reconcile = Owner.reconcile


@pytest.mark.parametrize(
    ("method", "wrong"),
    [
        ("doubts", _does_not_go_back),
        ("handing_back", _nothing),
        ("hears", lambda owner, state: True),
        ("reconcile", _adopts_nothing),
        ("settled", _nothing),
        ("took", _nothing),
    ],
)
def test_a_mistake_in_kiqs_own_owner_is_found(
    method: str, wrong: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Owner, method, wrong)
    found = explore(Rules(2, 1, 2, 0), most_states=20_000)
    assert found.problem is not None
    assert found.trace
    print(f"{method}: {len(found.trace)} steps: {found.problem}")


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found(mistake: str) -> None:
    found = explore(smallest(mistake, mistake), most_states=20_000)
    assert found.problem is not None
    assert found.trace
    print(f"{mistake}: {len(found.trace)} steps, {found.states} states: {found.problem}")


@pytest.mark.parametrize("mistake", MISTAKES)
def test_without_the_mistake_the_same_fleet_is_sound(mistake: str) -> None:
    assert explore(smallest(mistake), most_states=20_000).problem is None


@pytest.mark.parametrize("rules", [Rules(2, 1, 1, 0), Rules(1, 1, 2, 0, parent=True)])
def test_what_happens_at_once_hides_nothing(rules: Rules) -> None:
    """All steps in all orders, no state left out: the verdict is the same, only slower."""
    start = canonical(initial(rules), rules)
    seen, ahead = {start}, [start]
    while ahead:
        state = ahead.pop()
        steps = list(all_enabled(state, rules))
        assert broken(state, ended=not any(step.must_happen for step in steps)) is None
        for step in steps:
            after = canonical(step.take(state, rules), rules)
            if after not in seen:
                seen.add(after)
                ahead.append(after)
    assert len(seen) > (1 if rules.parent else 5) * explore(rules).states


def test_a_state_has_one_form_whatever_its_jobs_are_called() -> None:
    rules = Rules(2, 2)
    state = initial(rules)
    here, there = Job((Place(QUEUE),)), Job((Place(SETTLED),))
    forms = {canonical(state._replace(jobs=jobs), rules) for jobs in ((here, there), (there, here))}
    assert len(forms) == 1


def test_the_command_prints_the_figures(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--processes", "2", "--jobs", "1", "--faults", "1", "--failures", "0"]) == 0
    assert "all invariants hold" in capsys.readouterr().out


def test_the_command_prints_the_shortest_way_to_what_is_broken(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--jobs", "1", "--faults", "1", "--mistake", "no-lease-guard"]) == 1
    printed = capsys.readouterr().out
    assert "FAULT: process 0 does not beat for longer than its lease" in printed.replace(
        "process 1", "process 0"
    )
    assert "started where it was not in flight" in printed


def test_the_command_lists_the_mistakes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list-mistakes"]) == 0
    printed = capsys.readouterr().out
    assert [name for name in MISTAKES if name not in printed] == []
