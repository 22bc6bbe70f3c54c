"""Random histories of larger fleets, by seed."""

from __future__ import annotations

import pytest

from kiq.work.owner import Owner
from tests.model import simulation
from tests.model.shadow import Shadow
from tests.model.simulate import first_failure, main, trace
from tests.model.simulation import Simulation
from tests.model.state import State

EVENTS = 300


def test_every_job_is_settled_once_the_faults_stop() -> None:
    assert first_failure(range(1, 81), EVENTS) is None


def test_a_seed_has_one_history() -> None:
    first = trace(7, EVENTS)
    assert first == trace(7, EVENTS)
    assert first != trace(8, EVENTS)
    assert any("FAULT" in line for line in first)


@pytest.mark.parametrize("mistake", ["no-lease-guard", "no-reconcile", "record-removed-last"])
def test_a_mistake_is_found(mistake: str) -> None:
    failure = first_failure(range(1, 41), EVENTS, mistake)
    assert failure is not None
    seed, problem = failure
    assert problem in trace(seed, EVENTS, mistake)[-1]


def test_a_ledger_that_differs_from_kiqs_own_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(shadow: Shadow, before: State, after: State) -> None:
        """Forget to hand back."""

    monkeypatch.setattr(Shadow, "_writes_hand_back", nothing)
    failure = first_failure(range(1, 41), EVENTS)
    assert failure is not None
    assert "Owner and the model differ" in failure[1]


@pytest.mark.parametrize("method", ["fence", "handed_back", "settled", "took"])
def test_a_mistake_in_kiqs_own_owner_is_found(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(owner: Owner, *_: object) -> None:
        """Do nothing of what should be done."""

    monkeypatch.setattr(Owner, method, nothing)
    monkeypatch.setattr(simulation, "_MOST_TO_END", 2_000)
    assert first_failure(range(1, 41), EVENTS) is not None


def test_what_befell_a_seed_is_told_with_the_way_to_see_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--seeds", "40", "--events", "300", "--mistake", "no-lease-guard"]) == 1
    assert "--trace" in capsys.readouterr().out


def test_a_step_is_told_in_words() -> None:
    lines: list[str] = []
    simulation = Simulation(3, told=lines.append)
    simulation.run(20)
    assert len(lines) == simulation.steps
    assert lines[0].split(". ", 1)[0].strip() == "1"
