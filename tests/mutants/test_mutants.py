"""The tests can fail: each mistake that is made in a copy of kiq on purpose is noticed.

In short: every twelfth of those that are noticed within seconds, as each costs a run of pytest. With
CHAOS_LONG=1 all of them, as ``make mutants``.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mutants.copies import Copy
from tests.mutants.mutant import Change, Mutant, Nodes
from tests.mutants.run import attempt, controlled, main, trials
from tests.mutants.table import MUTANTS

LONG = bool(os.environ.get("CHAOS_LONG"))
QUICK = [(m, nodes) for m, nodes in trials(MUTANTS) if nodes is m.caught_by]
CHOSEN = list(trials(MUTANTS)) if LONG else QUICK[::12]
PASSES: Nodes = ("tests/unit/work/test_owner.py::test_settling_twice_counts_once",)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    """A copy without any change."""
    copy = Copy(tmp_path_factory.mktemp("mutants") / "base")
    yield copy
    copy.remove()


@pytest.mark.timeout(900)
def test_the_tests_that_catch_mutants_pass_on_kiq_as_it_is(base: Copy) -> None:
    assert not controlled(CHOSEN, base)


@pytest.mark.timeout(360)
@pytest.mark.parametrize(("mutant", "nodes"), [pytest.param(*c, id=c[0].name) for c in CHOSEN])
def test_a_mutant_is_caught(mutant: Mutant, nodes: Nodes, base: Copy, tmp_path: Path) -> None:
    outcome = attempt(mutant, nodes, base, tmp_path / "copy")
    assert not outcome.problem


def test_every_mutant_has_a_name_of_its_own_and_a_test_that_catches_it() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    assert all(mutant.caught_by or mutant.by_faults for mutant in MUTANTS)


def test_every_mutant_fits_kiq_as_it_is(base: Copy) -> None:
    for mutant in MUTANTS:
        for change in mutant.changes:
            assert base.changed(mutant, change)


def changed(old: str, new: str) -> Mutant:
    return Mutant("an example", (Change("kiq/work/owner.py", old, new),), PASSES)


@pytest.mark.parametrize(
    ("mutant", "problem"),
    [
        (changed("text that is not there", ""), "'an example': its text occurs 0 times"),
        (changed("self", ""), "times in kiq/work/owner.py, and must once;"),
        (changed('"""The owner: whose', '"""The owner; whose'), "it survives"),
        (changed("class Owner:", "class Owner"), "pytest ended with"),
        (changed("if ledger.get(taken.delivery) is", "if legder is"), "no assertion failed"),
    ],
    ids=["stale", "vague", "harmless", "no Python", "broken"],
)
def test_what_is_no_proof_is_not_taken_for_one(
    mutant: Mutant, problem: str, base: Copy, tmp_path: Path
) -> None:
    assert problem in attempt(mutant, PASSES, base, tmp_path / "copy").problem


def test_tests_that_fail_without_any_change_are_no_proof(base: Copy) -> None:
    missing = ("tests/unit/work/test_owner.py::test_of_nothing",)
    assert "test_of_nothing" in controlled([(MUTANTS[0], missing)], base)


def test_workers_that_can_not_load_are_no_proof(base: Copy, tmp_path: Path) -> None:
    broken = changed("class Owner:", "class Owner")
    faulty = Mutant(broken.name, broken.changes, by_faults=PASSES)
    assert "does not load" in attempt(faulty, PASSES, base, tmp_path / "copy").problem


def test_a_copy_whose_tests_import_another_kiq_is_refused(tmp_path: Path) -> None:
    copy = Copy(tmp_path / "copy")
    shutil.rmtree(copy.folder / "kiq")  # so that the installed one is found
    with pytest.raises(ValueError, match="not this copy is tested"):
        copy.probe()


def test_the_list_names_every_mutant(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    assert capsys.readouterr().out.splitlines() == [mutant.name for mutant in MUTANTS]
    assert main(["--only", "no such mutant"]) == 2
