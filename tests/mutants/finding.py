"""Mutants of `kiq find`, `kiq why` and history: what is looked at, and what is said of it."""

from __future__ import annotations

from tests.mutants.mutant import Change, Mutant, Nodes

API = "kiq/api/"
HISTORY = "kiq/plugins/history/"


def why(name: str) -> Nodes:
    """Return the test *name* of why."""
    return (f"tests/integration/test_api_why.py::test_{name}",)


def find(name: str) -> Nodes:
    """Return the test *name* of find."""
    return (f"tests/integration/test_api_find.py::test_{name}",)


def history(name: str) -> Nodes:
    """Return the test *name* of history."""
    return (f"tests/integration/test_history.py::test_{name}",)


MUTANTS = (
    Mutant(
        "a job is found by what its bytes hold",
        (
            Change(
                API + "finding/find.py",
                "            if job.jid == jid:\n",
                "            if True:\n",
            ),
        ),
        find("a_jid_within_another_jobs_arguments_is_not_that_job"),
    ),
    Mutant(
        "the first slice of a queue is all that is looked at",
        (
            Change(
                API + "finding/find.py",
                "        if place >= size:\n            return None\n",
                "        return None\n",
            ),
        ),
        find("a_queue_longer_than_a_slice_is_looked_through"),
    ),
    Mutant(
        "a crash that is long past isolates a job",
        (Change(API + "reasons/waiting.py", " or _is_over(until):", ":"),),
        why("a_suspect_runs_alone"),
    ),
    Mutant(
        "a queue that goes first stops a job though it is paused",
        (Change(API + "reasons/waiting.py", "if size and not is_paused:", "if size:"),),
        why("another_queue_goes_first_in_strict_order"),
    ),
    Mutant(
        "a job that is late has a mover that nobody is",
        (Change(API + "reasons/due.py", "    if not name:\n", "    if False:\n"),),
        why("it_is_due_and_nobody_moves_it"),
    ),
    Mutant(
        "a lock of its own holds a job",
        (
            Change(
                "kiq/plugins/unique/explaining.py",
                "if holder and holder != asked.jid:",
                "if holder:",
            ),
        ),
        why("another_job_has_its_lock"),
    ),
    Mutant(
        "attempts are kept without end",
        (Change(HISTORY + "lua/note.lua", "redis.call('LTRIM', KEYS[1], -ARGV[2], -1)\n", ""),),
        history("each_attempt_is_kept_and_the_oldest_go"),
    ),
    Mutant(
        "attempts are kept for ever",
        (Change(HISTORY + "lua/note.lua", "redis.call('EXPIRE', KEYS[1], ARGV[3])\n", ""),),
        history("no_key_stays_for_ever"),
    ),
)
