"""Mutants of limits: who is let in, who is called, what is let go."""

from __future__ import annotations

from tests.mutants.mutant import Change, Mutant, Nodes

LUA = "kiq/plugins/limits/lua/"


def limits(name: str) -> Nodes:
    """Return the test *name* of limits of jobs."""
    return (f"tests/integration/test_limits.py::test_{name}",)


MUTANTS = (
    Mutant(
        "a slot outlives its delivery",
        (Change(LUA + "leave.lua", "      redis.call('ZREM', l.present, holder)\n", ""),),
        limits("whatever_becomes_of_a_job_its_slot_is_free"),
    ),
    Mutant(
        "one more than may be is let in",
        (Change(LUA + "ask.lua", "l.free - kept < l.cost - 0.000001", "l.free - kept < 0"),),
        limits("so_many_run_at_a_time_and_all_run"),
    ),
    Mutant(
        "who parks does not look whether there is room",
        (
            Change(
                LUA + "leave.lua",
                "    call_next(l, now, KEYS[1], KEYS[2])\n",
                "    if ARGV[3] ~= 'park' then call_next(l, now, KEYS[1], KEYS[2]) end\n",
            ),
        ),
        limits("who_parks_when_the_other_has_left_is_called_at_once"),
    ),
    Mutant(
        "who was declared dead is let in",
        (
            Change(
                LUA + "ask.lua",
                "if ARGV[3] ~= '' and not (in_hand(KEYS[1])",
                "if ARGV[3] ~= '' and not (true",
            ),
        ),
        limits("who_was_declared_dead_takes_nothing"),
    ),
    Mutant(
        "an old process brings its numbers back",
        (Change(LUA + "common.lua", "if not known or now - seen > 60 then", "if true then"),),
        (
            "tests/integration/test_limits_blocks.py::"
            "test_the_newest_numbers_rule_and_older_ones_come_back",
        ),
    ),
    Mutant(
        "of a window what was let in is forgotten too early",
        (
            Change(
                LUA + "common.lua",
                "'(' .. stamp(now - l.per), '+inf'",
                "'(' .. stamp(now), '+inf'",
            ),
        ),
        (
            "tests/integration/test_limits_blocks.py::"
            "test_a_window_counts_a_block_until_it_has_been_over_for_so_long",
        ),
    ),
)
