"""Mutants of health and metrics: who is killed by a probe that should live, and numbers that go back."""

from __future__ import annotations

from tests.mutants.mutant import Change, Mutant, Nodes


def unit(file: str, name: str) -> Nodes:
    """Return the test *name* of a file of unit tests."""
    return (f"tests/unit/{file}.py::test_{name}",)


MUTANTS = (
    Mutant(
        "an outage of Redis makes a worker stuck when it is over",
        (
            Change(
                "kiq/health/vitals.py",
                "now - max(one.progress_at, self._beats_since)",
                "now - one.progress_at",
            ),
        ),
        caught_by=unit(
            "health/test_vitals",
            "while_redis_is_away_nothing_is_stuck_nor_in_the_moment_when_it_is_back",
        ),
    ),
    Mutant(
        "a child that a job holds up makes its parent not live",
        (
            Change(
                "kiq/parent/wellness.py",
                "        if page.stuck and member.pid not in silent\n",
                "        if page.stuck\n",
            ),
        ),
        caught_by=unit(
            "parent/test_wellness", "a_stuck_child_is_not_live_but_one_that_is_held_up_is"
        ),
    ),
    Mutant(
        "what a child had counted ends with it",
        (
            Change(
                "kiq/health/reports.py",
                '            add(self.past, report["sums"])\n',
                "            pass\n",
            ),
        ),
        caught_by=unit(
            "health/test_reports", "those_that_have_ended_count_on_and_have_nothing_in_hand"
        ),
    ),
    Mutant(
        "a crowd that says nothing keeps others out",
        (
            Change(
                "kiq/health/door.py",
                "            if len(self._peers) >= _MOST:\n"
                "                self._part_with(next(iter(self._peers.values())))\n",
                "            if len(self._peers) >= _MOST:\n"
                "                connection.close()\n"
                "                continue\n",
            ),
        ),
        caught_by=unit(
            "health/test_door",
            "more_peers_than_there_are_places_take_them_from_those_that_wait_longest",
        ),
    ),
    Mutant(
        "what jobs start may speak to systemd",
        (Change("kiq/health/systemd.py", "environ.pop(name)", "environ[name]"),),
        caught_by=unit("health/test_systemd", "each_state_is_told_once"),
    ),
)
