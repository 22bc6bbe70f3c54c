"""Mutants of results: what is written at an end, and who is told."""

from __future__ import annotations

from tests.mutants.mutant import Change, Mutant, Nodes

HERE = "kiq/plugins/results/"
LUA = HERE + "lua/"


def results(name: str) -> Nodes:
    """Return the test *name* of results."""
    return (f"tests/integration/test_results.py::test_{name}",)


def progress(name: str) -> Nodes:
    """Return the test *name* of progress."""
    return (f"tests/integration/test_progress.py::test_{name}",)


def hub(name: str) -> Nodes:
    """Return the test *name* of the hub."""
    return (f"tests/integration/test_results_hub.py::test_{name}",)


MUTANTS = (
    Mutant(
        "progress outlives the end",
        (Change(LUA + "leave.lua", "redis.call('DEL', KEYS[1])\n", ""),),
        results("a_failure_in_between_is_waited_out"),
    ),
    Mutant(
        "a result lives for ever",
        (Change(LUA + "leave.lua", ".. ARGV[1], 'PX', ARGV[2])\nredis", ".. ARGV[1])\nredis"),),
        results("the_time_counts_from_the_end"),
    ),
    Mutant(
        "an end is not remembered",
        (
            Change(
                LUA + "leave.lua",
                "redis.pcall('ZADD', KEYS[3], string.format('%.3f', now + ARGV[2] / 1000), ARGV[3])",
                "",
            ),
        ),
        results("a_result_that_has_expired_is_said_to_have"),
    ),
    Mutant(
        "who was declared dead tells its progress",
        (
            Change(
                LUA + "progress.lua",
                "if redis.call('HEXISTS', KEYS[2 * i - 1], ARGV[3 * i - 2]) == 1 then",
                "if true then",
            ),
        ),
        progress("a_late_word_of_who_was_declared_dead_is_not_written"),
    ),
    Mutant(
        "each call of progress is written",
        (Change(HERE + "writer.py", "PAUSE = 0.5", "PAUSE = 0.0"),),
        progress("ten_thousand_calls_are_a_few_writes_and_the_last_one_counts"),
    ),
    Mutant(
        "what is too large is kept",
        (Change(HERE + "record.py", "    if len(raw) > most:", "    if False:"),),
        results("what_can_not_be_kept_fails_no_job"),
    ),
    Mutant(
        "a failure in between is the end",
        (
            Change(
                HERE + "leaving.py",
                '            return _later(job, ttl, Underway("retrying", *_far(story), at, '
                "_error(raw).brief))",
                '            return _end(job, ttl, written(about(job.payload, story, "dead")))',
            ),
        ),
        results("a_failure_in_between_is_waited_out"),
    ),
    Mutant(
        "what is deleted by hand tells nobody",
        (
            Change(
                HERE + "leaving.py",
                '            return _end(job, ttl, written(about(job.payload, story, "deleted")))',
                "            return None",
            ),
        ),
        results("what_is_deleted_or_killed_by_hand_is_told"),
        error="kiq.errors.ResultTimeout",
    ),
    Mutant(
        "a dead job stays dead",
        (
            Change(
                HERE + "waiting.py",
                'return self._hub is not None and first and (outcome is None or outcome.status == "dead")',
                "return False",
            ),
        ),
        results("who_retries_a_dead_job_by_hand_is_waited_for"),
        error="kiq.errors.JobFailed",
    ),
    Mutant(
        "a job may wait for another",
        (
            Change(
                HERE + "waiting.py",
                "if job is None or not job.in_worker or allowed:",
                "if True:",
            ),
        ),
        results("a_job_that_waits_for_another_is_refused_with_words"),
    ),
    Mutant(
        "a lost notice is the end of it",
        (Change(HERE + "hub.py", "everything = steady() >= next_look", "everything = False"),),
        hub("a_notice_that_is_lost_costs_a_second"),
    ),
    Mutant(
        "a forked child waits for a thread of its parent",
        (Change(HERE + "hub.py", "    _hubs, _making = {}, threading.Lock()", "    pass"),),
        hub("a_forked_child_waits_by_itself"),
    ),
    Mutant(
        "the verdict loses what was enclosed",
        (
            Change(
                "kiq/work/run.py",
                "    return replace(verdict, enclosed=run.enclosed)",
                "    return verdict",
            ),
        ),
        results("what_a_job_returns_is_had_by_its_jid"),
        error="kiq.errors.ResultMissing",
    ),
)
