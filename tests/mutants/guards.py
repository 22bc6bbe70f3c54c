"""Mutants of guarded pushes: lock and job in one step, or neither."""

from __future__ import annotations

from tests.mutants.mutant import Change, Mutant, Nodes, lua


def guards(name: str, where: str = "") -> Nodes:
    """Return the test *name* of guards."""
    return (f"tests/integration/test_guards{where}.py::test_{name}",)


MUTANTS = (
    Mutant(
        "guards write before the job is pushed",
        (
            lua(
                "guarded",
                "  local went, problem = pcall(put, job)\n",
                "  for _, one in ipairs(job.guards) do pcall(takes[one.number], one.keys, one.args) end\n"
                "  local went, problem = pcall(put, job)\n",
            ),
        ),
        guards("what_is_of_the_wrong_type_leaves_nothing"),
    ),
    Mutant(
        "a push whose lock can't be written stays",
        (lua("guarded", "if not take_back(job) then", "if job.there then"),),
        guards("a_lock_that_can_not_be_written_takes_the_push_back"),
    ),
    Mutant(
        "what other guards have written stays when a push is taken back",
        (lua("guarded", "for u = g, 1, -1 do", "for u = g, g do"),),
        guards("a_lock_that_can_not_be_written_takes_the_push_back"),
    ),
    Mutant(
        "each guard is asked when the one before has written",
        (
            lua(
                "guarded",
                "    if why then return '?' .. g .. ' ' .. tostring(why) end\n",
                "    if why then return '?' .. g .. ' ' .. tostring(why) end\n"
                "    pcall(takes[guard.number], guard.keys, guard.args)\n",
            ),
        ),
        guards("all_guards_are_asked_before_any_writes"),
    ),
    Mutant(
        "a guarded commit that is sent again promotes again",
        (lua("guarded", "if not job.held then return 0 end", ""),),
        guards("a_commit_that_is_sent_again_does_nothing_more", "_at_promotion"),
    ),
    Mutant(
        "a claim whose guard fails is not put back",
        (lua("guarded", "if job.consumed then", "if false then"),),
        guards("what_can_not_be_written_leaves_the_claim_in_flight", "_at_promotion"),
    ),
    Mutant(
        "a guarded push that is sent again is asked for, not known",
        (
            lua(
                "guarded",
                "if known then return 0 end",
                "",
            ),
        ),
        guards("what_was_pushed_before_is_not_taken_for_declined", "_when_nobody_waits"),
    ),
    Mutant(
        "the jobs beside a guarded one change their order",
        (
            Change(
                "kiq/store/enqueue.py",
                "if is_guarded(raws, extras):",
                "raws = sorted(raws, key=lambda raw: raw in extras)\n        if is_guarded(raws, extras):",
            ),
        ),
        guards("a_bulk_is_decided_job_by_job"),
    ),
    Mutant(
        "a job does not pass its own lock",
        (
            Change(
                "docs/plugins.md",
                "if holder ~= ARGV[1] then return holder end",
                "if holder then return holder end",
            ),
        ),
        (
            *guards("its_own_jid_passes"),
            *guards(
                "one_that_is_declined_stays_in_flight_and_goes_back_as_it_was", "_at_promotion"
            ),
        ),
    ),
)
