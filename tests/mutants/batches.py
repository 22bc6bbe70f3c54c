"""Mutants of batches: who is counted, when, and who is told."""

from __future__ import annotations

from tests.mutants.mutant import Change, Mutant, Nodes

LUA = "kiq/plugins/batches/lua/"


def batches(name: str) -> Nodes:
    """Return the test *name* of batches."""
    return (f"tests/integration/test_batches.py::test_{name}",)


def within(name: str) -> Nodes:
    """Return the test *name* of batches within batches."""
    return (f"tests/integration/test_batches_within.py::test_{name}",)


MUTANTS = (
    Mutant(
        "an event is told again and again",
        (
            Change(
                LUA + "shared.lua",
                "if redis.call('HEXISTS', record, event .. '_at') == 1 then return end",
                "",
            ),
        ),
        batches("death_is_told_of_the_first_that_dies_alone"),
    ),
    Mutant(
        "a dead job does not keep success away",
        (
            Change(
                LUA + "shared.lua",
                "if complete and not success and redis.call('EXISTS', others) == 0 then",
                "if complete and not success and redis.call('ZCOUNT', others, 0, 2) == 0 then",
            ),
        ),
        batches("a_dead_job_that_is_retried_by_hand_lets_success_be_told"),
    ),
    Mutant(
        "complete waits for retries",
        (
            Change(
                LUA + "shared.lua",
                "if not complete and redis.call('ZCOUNT', others, 0, 0) == 0 then",
                "if not complete and redis.call('ZCOUNT', others, 0, 1) == 0 then",
            ),
        ),
        batches(
            "complete_is_told_after_the_first_attempts_and_success_after_a_retry",
        ),
    ),
    Mutant(
        "the outer batch does not wait for callbacks",
        (
            Change(
                LUA + "shared.lua",
                "for jid in jids:gmatch('%S+') do redis.call('ZADD', others, 0, jid) end",
                "",
            ),
        ),
        within("the_outer_one_waits_for_the_inner_one_and_its_callbacks"),
    ),
    Mutant(
        "a batch that is open is judged",
        (Change(LUA + "shared.lua", "if not state or state == 'open' then", "if not state then"),),
        batches("no_event_is_told_before_the_last_is_pushed"),
    ),
    Mutant(
        "a cancelled batch succeeds",
        (Change(LUA + "shared.lua", "if state ~= 'cancelled' then\n    if not", "do\n    if not"),),
        within("a_job_that_ends_well_in_a_cancelled_batch_makes_no_success"),
    ),
    Mutant(
        "what is over takes more",
        (
            Change(
                LUA + "shared.lua",
                "if redis.call('HEXISTS', record, 'success_at') == 1 then return 'finished' end",
                "do return nil end",
            ),
        ),
        within("nothing_is_added_to_what_is_over"),
    ),
    Mutant(
        "who was declined belongs to the batch",
        (Change(LUA + "joined.lua", "kind == '+' then", "kind == '+' or kind == '?' then"),),
        batches("declined_jobs_are_no_members_and_are_told"),
    ),
    Mutant(
        "who was refused is forgotten",
        (
            Change(
                LUA + "joined.lua",
                "for _, jid in ipairs(refused) do redis.call('ZADD', others, 8, jid) end",
                "",
            ),
        ),
        batches("what_a_queue_refuses_keeps_the_batch_from_success"),
    ),
    Mutant(
        "a step is done again when it is sent again",
        (
            Change(
                LUA + "add.lua",
                "if redis.call('ZSCORE', tokens, ARGV[3]) then return 'there' end",
                "",
            ),
        ),
        batches("a_step_that_is_sent_twice_is_done_once"),
    ),
    Mutant(
        "a retry that the job asked for ends its attempt",
        (
            Change(
                "kiq/plugins/batches/leaving.py",
                'return "" if _asked(raw) else "retry"',
                'return "retry"',
            ),
        ),
        batches("what_a_job_asks_for_itself_is_no_attempt"),
    ),
    Mutant(
        "the sweep takes for lost what it misses once",
        (
            Change(
                "kiq/plugins/batches/sweep.py",
                "for bid, jid in missed & self._missed:",
                "for bid, jid in missed:",
            ),
            Change("kiq/plugins/census.py", "        yield from self._in_flight()\n", ""),
        ),
        (
            "tests/integration/test_batches_sweep.py::"
            "test_what_another_program_deletes_is_lost_and_what_runs_is_not",
        ),
    ),
)
