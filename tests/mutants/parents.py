"""Mutants of the parent: its children's jobs, its stop, its replacements."""

from __future__ import annotations

from tests.mutants.mutant import Change, Mutant, Nodes


def fleet(name: str) -> Nodes:
    """Return the test *name* of what a parent decides."""
    return (f"tests/unit/parent/test_fleet.py::test_{name}",)


def parent(name: str) -> Nodes:
    """Return the test *name* of a parent at work."""
    return (f"tests/e2e/test_parent.py::test_{name}",)


def helpers(name: str) -> Nodes:
    """Return the test *name* of the processes that help a parent."""
    return (f"tests/integration/test_parent_helpers.py::test_{name}",)


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
        "jobs of another host's process with that number go back, too",
        (
            Change(
                "kiq/parent/giving_back.py",
                '        if owners.facts(link, owner).get("child") != dead.token:\n',
                "        if False:\n",
            ),
        ),
        caught_by=helpers("only_the_owners_with_the_token_of_the_dead_child_are_given_back"),
    ),
    Mutant(
        "what could not be given back is given up",
        (
            Change(
                "kiq/parent/helpers.py",
                "            self._dead += self._giving if code else []\n",
                "            pass\n",
            ),
        ),
        caught_by=helpers("what_a_giver_left_undone_when_it_died_is_tried_again"),
    ),
    Mutant(
        "a keeper goes on when its parent permits no more",
        (
            Change(
                "kiq/parent/keeping.py",
                "    while os.getppid() == parent and steady() < page.permit:\n",
                "    while os.getppid() == parent and steady() < page.permit + 5:\n",
            ),
        ),
        caught_by=helpers("a_keeper_beats_for_the_child_with_the_token_until_its_permit_is_over"),
    ),
    Mutant(
        "a keeper beats for whoever has that number",
        (
            Change(
                "kiq/parent/keeping.py",
                'owners.facts(link, name).get("child") == token]',
                "owners.facts(link, name)]",
            ),
        ),
        caught_by=helpers("a_keeper_beats_for_the_child_with_the_token_until_its_permit_is_over"),
    ),
    Mutant(
        "what a killed child has started works on beside the second run",
        (
            Change(
                "kiq/parent/nursery.py",
                "                    _end_group(there.si_pid)\n",
                "                    pass\n",
            ),
        ),
        by_faults=parent("what_a_killed_child_has_started_ends_with_it"),
    ),
    Mutant(
        "jobs of a child that its parent stopped count as suspects",
        (
            Change(
                "kiq/parent/giving_back.py",
                "crashed=dead.crashed, rides",
                "crashed=True, rides",
            ),
        ),
        caught_by=helpers("jobs_of_a_child_that_was_told_to_stop_are_no_suspects"),
    ),
    Mutant(
        "a restart is through before the old children were replaced",
        (
            Change(
                "kiq/parent/fleet.py",
                "        return self.complete and not self._outdated()\n",
                "        return self.complete\n",
            ),
        ),
        caught_by=fleet("a_rolling_restart_is_through_when_each_place_has_a_new_child"),
    ),
    Mutant(
        "a child that a job has forked holds the pid file",
        (
            Change(
                "kiq/parent/held.py",
                "        os.register_at_fork(after_in_child=self.close)\n",
                "        pass\n",
            ),
        ),
        caught_by=("tests/unit/parent/test_pid_file.py::test_a_forked_child_does_not_hold_it",),
        error="kiq.errors.BootError",
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
