"""Mutants of undo: what is kept of an act, and what is put back."""

from __future__ import annotations

from tests.mutants.mutant import Change, Mutant, Nodes

UNDO, KEEP = "kiq/api/lua/undo.lua", "kiq/api/lua/keep.lua"


def undo(name: str) -> Nodes:
    """Return the test *name* of undo."""
    return (f"tests/integration/test_undo.py::test_{name}",)


MUTANTS = (
    Mutant(
        "what is put back stays kept, and comes back again",
        (
            Change(
                UNDO,
                "redis.call('LTRIM', KEYS[1], 0, -FIELDS * count - 1)",
                "redis.call('LTRIM', KEYS[1], 0, -1)",
            ),
            Change(UNDO, "~= tonumber(ARGV[1]) then return false end", "< 0 then return false end"),
        ),
        undo("many_undo_at_a_time_and_each_job_comes_back_once[delete]"),
        runs=2,
    ),
    Mutant(
        "what an undo looked at may be something else by now",
        (Change(UNDO, "~= tonumber(ARGV[1]) then return false end", "< 0 then return false end"),),
        undo("many_undo_at_a_time_and_each_job_comes_back_once[delete]"),
        runs=3,
    ),
    Mutant(
        "a job that has started comes back all the same",
        (
            Change(
                UNDO,
                "if not redis.call('LPOS', place[name], job, 'MAXLEN', deep) then return false end\n"
                "  return redis.call('LREM', place[name], 1, job) == 1",
                "redis.call('LREM', place[name], 1, job)\n  return true",
            ),
        ),
        undo("what_has_started_is_left_alone"),
    ),
    Mutant(
        "a job that is there again gets its old time",
        (Change(UNDO, "'ZADD', place[source], 'NX', score", "'ZADD', place[source], score"),),
        undo("what_was_put_there_again_is_not_there_twice"),
    ),
    Mutant(
        "a job of a queue comes back next, wherever it was",
        (Change(UNDO, "local put = older ~= '' and", "local put = false and"),),
        undo("all_is_where_it_was[delete of a queue]"),
    ),
    Mutant(
        "guards are not asked",
        (Change(UNDO, "if why then return '?'", "if false then return '?'"),),
        undo("a_unique_job_is_not_brought_back_beside_another"),
    ),
    Mutant(
        "what Redis refuses is kept no more",
        (
            Change(
                UNDO,
                "for field = FIELDS, 1, -1 do redis.call('LPUSH', KEYS[1], one[field]) end",
                "do end",
            ),
        ),
        undo("what_redis_refuses_stays_kept"),
        error="kiq.errors.ConfigError",
    ),
    Mutant(
        "more is kept than there is room for",
        (Change(KEEP, "if jobs >= most or bytes + size > most_bytes then", "if false then"),),
        undo("no_more_is_kept_than_there_is_room_for"),
    ),
    Mutant(
        "an act that begins is forgotten by the next",
        (Change("kiq/api/trash.py", "(size is None and began < now - KEPT_FOR)", "size is None"),),
        undo("acts_that_begin_at_a_time_are_both_kept"),
        error="kiq.errors.ConfigError",
    ),
)
