"""Mutants of unique jobs: whose the lock is, and when it is let go."""

from __future__ import annotations

from tests.mutants.mutant import Change, Mutant, Nodes

LUA = "kiq/plugins/unique/lua/"
DIGEST = "kiq/plugins/unique/digest.py"
KEYS = ("tests/unit/plugins/test_unique_digest.py",)


def unique(name: str) -> Nodes:
    """Return the test *name* of unique jobs."""
    return (f"tests/integration/test_unique.py::test_{name}",)


def orders(name: str) -> Nodes:
    """Return the test *name* of orders that are rare."""
    return (f"tests/integration/test_unique_orders.py::test_{name}",)


MUTANTS = (
    Mutant(
        "whoever ends frees the lock of another",
        (
            Change(
                LUA + "leave.lua",
                "if ARGV[3] ~= '' and redis.call('HGET', KEYS[1], 'jid') == ARGV[1] then",
                "if ARGV[3] ~= '' then",
            ),
        ),
        unique("who_has_no_lock_any_more_frees_nobody_elses"),
    ),
    Mutant(
        "who has run wakes nobody",
        (Change(LUA + "leave.lua", "if not first or rouse(first) then break end", "break"),),
        unique("one_runs_and_the_other_waits_without_a_thread_or_an_attempt"),
    ),
    Mutant(
        "a job that runs is replaced",
        (
            Change(
                LUA + "check.lua",
                "or ARGV[3] == 'reschedule') and not lock[2] then",
                "or ARGV[3] == 'reschedule') then",
            ),
        ),
        unique("a_running_job_is_never_replaced"),
    ),
    Mutant(
        "what was replaced elsewhere runs",
        (
            Change(
                LUA + "start.lua",
                "if redis.call('ZSCORE', KEYS[3], ARGV[1]) then return {'replaced'} end",
                "",
            ),
        ),
        unique("of_a_job_that_lies_elsewhere_the_later_one_runs_alone"),
    ),
    Mutant(
        "two run together",
        (
            Change(
                LUA + "start.lua",
                "if holder and holder ~= ARGV[1] then return {'wait', holder} end",
                "",
            ),
        ),
        unique("one_runs_and_the_other_waits_without_a_thread_or_an_attempt"),
    ),
    Mutant(
        "a retry takes the lock of its start again",
        (
            Change(
                "kiq/plugins/unique/guarding.py",
                'if terms.ends_at_start and payload.get("retry_count") is not None:',
                "if False:",
            ),
        ),
        unique("a_retry_does_not_take_the_lock_of_a_start_again"),
    ),
    Mutant(
        "the sweep frees at its first look",
        (
            Change(
                "kiq/plugins/unique/sweep.py",
                "if self._missed.get(name) == one and self",
                "if self",
            ),
            Change(
                "kiq/plugins/census.py",
                "        yield from self._in_flight()\n",
                "",
            ),
        ),
        (
            "tests/integration/test_unique_sweep.py::"
            "test_what_others_delete_leaves_no_lock_and_what_lives_keeps_its_own",
        ),
    ),
    Mutant(
        "who parks does not look whether the lock is free",
        (Change(LUA + "leave.lua", "if redis.call('EXISTS', KEYS[4]) == 0 then", "if false then"),),
        orders("who_asked_while_another_ran_and_parks_when_it_has_ended_is_due_at_once"),
    ),
    Mutant(
        "a job that is due replaces another",
        (Change(LUA + "check.lua", "if asks and not PROMOTING and (", "if asks and ("),),
        orders("who_snoozed_and_lost_its_lock_waits_in_its_set_and_replaces_nobody"),
    ),
    Mutant(
        "only who has run rouses the next",
        (Change(LUA + "leave.lua", "holder and 0 or 100", "holder == nil and 100 or 0"),),
        orders("when_the_one_that_was_roused_is_deleted_the_next_in_line_is_roused"),
    ),
    Mutant(
        "one that never asks is replaced",
        (Change(LUA + "check.lua", "if asks and not PROMOTING", "if not PROMOTING"),),
        orders("a_job_that_was_pushed_to_stay_is_not_replaced"),
    ),
    Mutant(
        "the time of the lock before stays",
        (Change(LUA + "take.lua", "redis.call('PERSIST', KEYS[1])", ""),),
        orders("the_time_of_the_lock_is_that_of_the_job_that_has_it"),
    ),
    Mutant(
        "a job that was replaced takes the lock when it is due",
        (
            Change(
                LUA + "take.lua",
                " or redis.call('ZSCORE', KEYS[3], ARGV[1])) then return end",
                ") then return end",
            ),
        ),
        orders("a_job_that_was_replaced_on_its_way_takes_no_lock_when_it_is_due"),
    ),
    Mutant(
        "the order of a dict counts",
        (
            Change(
                DIGEST,
                "pairs = sorted(value.items(), key=lambda pair: (type(pair[0]).__name__, pair[0]))",
                "pairs = value.items()",
            ),
        ),
        KEYS,
    ),
    Mutant(
        "the class does not count",
        (Change(DIGEST, '"class": spec.name if spec else name', '"class": "x"'),),
        KEYS,
    ),
    Mutant(
        "an Enum is not its value",
        (Change(DIGEST, "return _sorted(value.value)", "return value.name"),),
        KEYS,
    ),
    Mutant(
        "arguments that do not count do",
        (Change(DIGEST, "{each: found[each] for each in by}", "dict(found)"),),
        KEYS,
    ),
    Mutant(
        "defaults make a difference",
        (
            Change(
                DIGEST,
                "bound = spec.arity.bound(args, kwargs) if spec is not None else None",
                "bound = spec.arity._signature.bind(*args, **kwargs) if spec is not None else None",
            ),
        ),
        KEYS,
    ),
    Mutant(
        "the digest is made in another way",
        (Change(DIGEST, "hexdigest()[:32]", "hexdigest()[1:33]"),),
        KEYS,
    ),
    Mutant(
        "it is stamped again",
        (
            Change(
                "kiq/plugins/unique/terms.py",
                'if not said or (isinstance(said, dict) and "key" in said):',
                "if not said:",
            ),
        ),
        ("tests/unit/plugins/test_unique_digest.py::test_it_is_stamped_once",),
        error="kiq.errors.ConfigError",
    ),
)
