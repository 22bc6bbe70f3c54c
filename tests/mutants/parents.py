"""Mutants of the parent: its children's jobs, its stop, its replacements."""

from __future__ import annotations

from tests.mutants.mutant import Change, Mutant, Nodes


def fleet(name: str) -> Nodes:
    """Return the test *name* of what a parent decides."""
    return (f"tests/unit/parent/test_fleet.py::test_{name}",)


def parent(name: str) -> Nodes:
    """Return the test *name* of a parent at work."""
    return (f"tests/e2e/test_parent.py::test_{name}",)


MUTANTS = (
    Mutant(
        "the old child finishes before the new one takes jobs",
        (
            Change(
                "kiq/parent/fleet.py",
                "                one.ready for one in there[there.index(member) + 1 :]\n",
                "                one.pid for one in there[there.index(member) + 1 :]\n",
            ),
        ),
        caught_by=fleet("a_rolling_restart_starts_the_new_one_first_and_one_by_one"),
    ),
    Mutant(
        "a killed child has a successor before it is gone",
        (
            Change(
                "kiq/parent/fleet.py",
                "    return member.told is Told.KILL or (member",
                "    return (member",
            ),
        ),
        caught_by=fleet(
            "a_child_that_hangs_in_its_boot_is_killed_and_one_that_waits_for_redis_is_not"
        ),
    ),
    Mutant(
        "a child that ends before it was ready counts as one that was",
        (
            Change(
                "kiq/parent/child.py",
                "        if phase is not Phase.STOPPING or self._page.phase == Phase.READY:\n",
                "        if True:\n",
            ),
        ),
        caught_by=(
            "tests/unit/parent/test_child.py::"
            "test_a_child_that_ends_before_it_was_ready_never_says_that_it_stops",
        ),
    ),
    Mutant(
        "a machine that slept finds all children silent",
        (
            Change(
                "kiq/parent/fleet.py",
                "            self._awake_since = now\n",
                "            self._awake_since = 0.0\n",
            ),
        ),
        caught_by=fleet("after_a_sleep_of_the_machine_nobody_is_silent"),
    ),
    Mutant(
        "jobs of dead children wait for the lease",
        (
            Change(
                "kiq/parent/supervising.py",
                "            self._helpers.owe(dead)\n        if self._fleet.stopping and code",
                "            pass\n        if self._fleet.stopping and code",
            ),
        ),
        by_faults=parent(
            "alone_in_a_container_with_default_settings_a_child_has_a_successor_at_once"
        ),
    ),
    Mutant(
        "nobody renews the lease of a silent child",
        (
            Change(
                "kiq/parent/keeping.py",
                "                owners.beat(link, mine)\n",
                "                pass\n",
            ),
        ),
        by_faults=parent("a_job_that_holds_the_interpreter_keeps_its_lease_and_runs_once"),
    ),
    Mutant(
        "children hold the end of the pipe that is the parent's alone",
        (
            Change(
                "kiq/parent/nursery.py",
                "            child.settle_in(self._foreign, cpu)\n",
                "            child.settle_in((), cpu)\n",
            ),
        ),
        by_faults=parent("children_learn_of_the_end_by_the_pipe_alone"),
    ),
)
