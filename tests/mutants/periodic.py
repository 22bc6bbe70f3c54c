"""Mutants of periodic jobs: what takes a tick, what is missed, what waits, whose entries hold."""

from __future__ import annotations

from tests.mutants.mutant import Change, Mutant, Nodes

HERE = "kiq/plugins/periodic/"
LUA = HERE + "lua/"


def ticks(name: str) -> Nodes:
    """Return the test *name* of ticks."""
    return (f"tests/integration/test_periodic_ticks.py::test_{name}",)


def faults(name: str) -> Nodes:
    """Return the test *name* of faults."""
    return (f"tests/integration/test_periodic_faults.py::test_{name}",)


def steps(name: str) -> Nodes:
    """Return the test *name* of single steps."""
    return (f"tests/integration/test_periodic_steps.py::test_{name}",)


def releases(name: str) -> Nodes:
    """Return the test *name* of releases."""
    return (f"tests/integration/test_periodic_releases.py::test_{name}",)


def deciding(name: str) -> Nodes:
    """Return the test *name* of what is decided."""
    return (f"tests/unit/plugins/test_periodic_deciding.py::test_{name}",)


TWO = ticks("two_that_think_they_have_the_duty_push_each_tick_once")
CURSOR = "if not cursor or tonumber(cursor) ~= tonumber(ARGV[2]) then return 'decided' end"
NEXT = (
    "if ARGV[4] == '' then redis.call('ZREM', KEYS[1], ARGV[1]) "
    "else redis.call('ZADD', KEYS[1], ARGV[4], ARGV[1]) end"
)

MUTANTS = (
    Mutant("a tick is taken whoever took it", (Change(LUA + "check.lua", CURSOR, ""),), TWO),
    Mutant(
        "a tick of a definition that has changed is taken",
        (
            Change(
                LUA + "check.lua",
                "if redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[3] then return 'changed' end",
                "",
            ),
        ),
        steps("a_tick_of_an_entry_that_has_just_changed_is_not_taken"),
    ),
    Mutant(
        "what is paused has ticks",
        (
            Change(
                LUA + "check.lua",
                "if redis.call('HEXISTS', KEYS[3], ARGV[1]) == 1 then return 'paused' end",
                "",
            ),
        ),
        ticks("what_is_paused_has_no_jobs_and_owes_none"),
    ),
    Mutant(
        "no run stands in the way",
        (Change(LUA + "check.lua", "if latest and (", "if false and ("),),
        ticks("while_the_last_run_is_there_a_tick_is_skipped"),
    ),
    Mutant("a tick that was taken stays next", (Change(LUA + "take.lua", NEXT, ""),), TWO),
    Mutant(
        "the last run is not cancelled in the step",
        (Change(LUA + "take.lua", "ARGV[7] == 'cancel'", "false"),),
        steps("the_step_that_takes_the_tick_cancels_the_last_run"),
    ),
    Mutant(
        "every last run is cancelled",
        (Change(LUA + "take.lua", "if last and ARGV[7] == 'cancel' then", "if last then"),),
        steps("the_step_that_takes_the_tick_cancels_the_last_run"),
    ),
    Mutant(
        "what has waited is taken to wait still",
        (Change(LUA + "take.lua", "redis.call('HDEL', KEYS[7], ARGV[1])\n", ""),),
        faults("a_tick_that_waited_for_longer_than_is_missed_runs_all_the_same"),
    ),
    Mutant(
        "a tick is passed over though another is next",
        (
            Change(
                LUA + "pass.lua",
                "if not cursor or tonumber(cursor) ~= tonumber(ARGV[2]) then return 0 end",
                "",
            ),
        ),
        steps("what_was_decided_meanwhile_is_not_passed_over"),
    ),
    Mutant(
        "a tick of another definition is passed over",
        (
            Change(
                LUA + "pass.lua",
                "if redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[3] then return 0 end",
                "",
            ),
        ),
        steps("what_was_decided_meanwhile_is_not_passed_over"),
    ),
    Mutant(
        "any run that ends lets the next begin",
        (Change(LUA + "over.lua", "if latest and latest:match('^%S+') == ARGV[2] then", "do"),),
        steps("only_the_end_of_the_last_run_lets_the_next_begin"),
    ),
    Mutant(
        "outcomes that nobody asks for are kept",
        (Change(LUA + "over.lua", "> 2 * tonumber(ARGV[5]) then prune() end", "< 0 then end"),),
        faults("outcomes_are_noted_though_two_hundred_runs_outlasted_the_history"),
    ),
    Mutant(
        "who has gone leaves outcomes",
        (Change(LUA + "over.lua", "redis.call('HEXISTS', KEYS[4], ARGV[1]) == 1", "true"),),
        faults("a_run_of_an_entry_that_is_gone_leaves_nothing_behind"),
    ),
    Mutant(
        "a push that is taken back has had its tick",
        (Change(LUA + "undo.lua", "redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])", ""),),
        steps("a_push_that_is_taken_back_leaves_the_tick_as_it_was"),
    ),
    Mutant(
        "a push that is taken back stays in the history",
        (Change(LUA + "undo.lua", "redis.call('LPOP', KEYS[5])", ""),),
        steps("a_push_that_is_taken_back_leaves_the_tick_as_it_was"),
    ),
    Mutant(
        "an old release comes back",
        (Change(LUA + "offer.lua", "if known and not unseen then return {0, {}, {}} end", ""),),
        releases("the_new_release_holds_at_once_and_the_old_one_does_not_come_back"),
    ),
    Mutant(
        "a roll-back never comes into force",
        (Change(LUA + "offer.lua", "if known and not unseen", "if known"),),
        releases("a_release_that_was_rolled_back_comes_into_force_when_the_newer_one_has_gone"),
    ),
    Mutant(
        "an application takes another's entries",
        (Change(LUA + "offer.lua", "not is_away(tostring(old.app))", "false"),),
        releases("another_application_and_what_was_added_by_hand_are_left_alone"),
    ),
    Mutant(
        "entries of an application that is away are nobody's",
        (Change(LUA + "offer.lua", "not is_away(tostring(old.app))", "true"),),
        faults("an_application_that_has_another_name_now_takes_its_entries_along"),
    ),
    Mutant(
        "a tick begins anew with each offer",
        (Change(LUA + "offer.lua", "local anew = not old or", "local anew = true or"),),
        releases("what_is_equal_changes_nothing_a_tick_that_is_due_stays_due"),
    ),
    Mutant(
        "who was added again loses its tick",
        (
            Change(
                LUA + "forget.lua",
                "if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then return 0 end",
                "",
            ),
        ),
        faults("an_entry_that_was_added_again_meanwhile_keeps_its_tick"),
    ),
    Mutant(
        "who is away for a moment loses its entries",
        (
            Change(LUA + "orphans.lua", "now - seen < tonumber(ARGV[2])", "now < seen"),
            Change(
                HERE + "overlooking.py",
                "if at and at[0].isdigit() and int(at[0]) < now - _KEPT_UNSEEN",
                "if at",
            ),
        ),
        faults("entries_of_an_application_that_is_gone_for_a_week_go"),
    ),
    Mutant(
        "the run that is nowhere is let go of though it is another now",
        (
            Change(
                LUA + "free.lua",
                "if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end",
                "",
            ),
        ),
        steps("only_the_run_that_was_looked_for_is_let_go_of"),
    ),
    Mutant(
        "one look that finds nothing is enough",
        (Change(HERE + "standing.py", "if looked.missed > 1:", "if looked.missed:"),),
        steps("a_run_is_let_go_of_after_two_looks_only"),
    ),
    Mutant(
        "what is late is not missed",
        (Change(HERE + "deciding.py", "if latest < window:", "if False:"),),
        deciding("a_tick_is_on_time_within_a_minute"),
    ),
    Mutant(
        "of what was missed all run",
        (
            Change(
                HERE + "deciding.py",
                'if entry.missed == "all" and',
                'if entry.missed != "skip" and',
            ),
        ),
        deciding("of_ten_ticks_that_nobody_took"),
    ),
    Mutant(
        "a storm has no end",
        (Change(HERE + "deciding.py", "[-MOST:]", ""),),
        deciding("what_has_waited_for_long_is_not_missed_and_a_storm_has_an_end"),
    ),
    Mutant(
        "who is late by a moment has missed it",
        (Change(HERE + "deciding.py", "GRACE = 60", "GRACE = 0"),),
        deciding("a_tick_is_on_time_within_a_minute"),
    ),
    Mutant(
        "what has waited is missed",
        (Change(HERE + "deciding.py", "    if waited:\n", "    if False:\n"),),
        deciding("what_has_waited_for_long_is_not_missed_and_a_storm_has_an_end"),
    ),
    Mutant(
        "missed ticks are not counted right",
        (
            Change(
                HERE + "deciding.py", "between(cursor - 1, first - 1)", "between(cursor, first - 1)"
            ),
        ),
        deciding("of_ten_ticks_that_nobody_took"),
    ),
    Mutant(
        "what fails is tried at each ring",
        (Change(HERE + "failing.py", "elif one.times == 1:", "else:"),),
        faults("what_fails_is_tried_with_growing_pauses_however_often_the_bell_rings"),
    ),
)
