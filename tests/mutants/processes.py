"""Mutants of the worker process and of its connections: what happens outside Redis."""

from __future__ import annotations

from tests.mutants.mutant import Change, Mutant, Nodes, faults, lua


def cuts(moment: str) -> Nodes:
    """Return the test of cuts at one *moment*."""
    return faults(f"a_few_cuts_in_the_flow_strand_and_repeat_nothing[{moment}]")


#: Unknown outcomes: what is in the ledger, and what is sent again.
OUTCOMES = (
    Mutant(
        "no reconciliation after an unknown outcome",
        (
            Change(
                "kiq/work/reconciling.py",
                "        self._adopt(link, contents, unstarted)\n",
                "        owner.phase = Phase.SURE\n        self._suspects.admit(unstarted)\n",
            ),
        ),
        by_faults=cuts("after the request"),
    ),
    Mutant(
        "a hand-back is told of that may not have arrived",
        (
            Change(
                "kiq/work/owner.py",
                "self._handing_back.keys() & set(result.drop)",
                "set(self._handing_back)",
            ),
        ),
        (
            "tests/integration/test_settled.py"
            "::test_a_hand_back_whose_answer_is_lost_is_told_once[before the request]",
        ),
    ),
    Mutant(
        "who was declared dead goes on as if its verdicts had counted",
        (
            Change(
                "kiq/work/settling.py",
                "(self._short or bool(self._absent)) and not self._repeated",
                "False",
            ),
        ),
        caught_by=(
            "tests/integration/test_disowned.py"
            "::test_a_verdict_that_finds_nothing_makes_it_look_before_more_jobs_start",
        ),
    ),
    Mutant(
        "what was settled by a lost write is taken for a death",
        (
            Change(
                "kiq/work/settling.py",
                "(self._short or bool(self._absent)) and not self._repeated",
                "self._short or bool(self._absent)",
            ),
        ),
        caught_by=(
            "tests/integration/test_disowned.py"
            "::test_one_that_is_sent_again_and_was_done_the_first_time_says_nothing",
        ),
    ),
    Mutant(
        "reconciliation by a second thread",
        (
            Change(
                "kiq/work/heartbeat.py",
                "        return min(_TICK, self._interval)\n",
                "        for courier in self._couriers:\n"
                "            if courier._exchange.session.owner.phase.value:\n"
                "                courier._exchange.reconciler._reconcile(beating.link)\n"
                "        return 0.02\n",
            ),
        ),
        by_faults=faults("replies_that_are_long_on_their_way_repeat_nothing"),
        runs=3,
    ),
    Mutant(
        "a count that differs is nobody's concern",
        (Change("kiq/work/owner.py", "flight.held != number", "flight.held > 1e9"),),
        by_faults=faults("a_job_in_flight_that_its_owner_does_not_know_is_found_by_the_count"),
    ),
    Mutant(
        "verdicts whose outcome is unknown are not sent again",
        (
            Change(
                "kiq/work/settling.py",
                "        self._repeated = True\n",
                "        self._repeated = True\n        self._owed = []\n",
            ),
        ),
        by_faults=cuts("before the request"),
    ),
    Mutant(
        "jobs are struck out of the ledger before the reply",
        (
            Change(
                "kiq/work/exchange.py",
                "        self.link.send(commands)\n",
                "        self.session.owner.settled([s[0] for s in self.settler._owed])\n"
                "        self.link.send(commands)\n",
            ),
        ),
        by_faults=cuts("before the request"),
    ),
    Mutant(
        "a job that is being handed back counts as known",
        (
            Change(
                "kiq/work/owner.py",
                " or id_ in self._handing_back]",
                "]",
            ),
        ),
        ("tests/unit/work/test_owner.py::test_a_hand_back_that_did_not_happen_is_adopted_again",),
    ),
    Mutant(
        "redis-py sends again what timed out",
        (
            Change(
                "kiq/store/link_pool.py",
                "            return use(link, commands)\n        except StoreError:\n            raise\n",
                "            return use(link, commands)\n"
                "        except StoreError:\n"
                "            return use(link, commands)\n",
            ),
        ),
        faults("a_push_whose_reply_is_lost_is_not_sent_again"),
    ),
    Mutant(
        "redis-py's own settings are left as they are",
        (
            Change(
                "kiq/store/source.py",
                "    arguments.update(_OURS, retry=Retry(NoBackoff(), 0))\n",
                "",
            ),
        ),
        faults("a_client_that_would_connect_again_and_again_connects_once"),
    ),
)

#: One step in two calls.
CALLS = (
    Mutant(
        "a retry is taken out of flight by one call, and written by another",
        (
            Change(
                "kiq/work/exchange.py",
                "        self.session.owner.asks()\n",
                "        self.session.owner.asks()\n"
                "        for taken, verdict in self.settler._owed:\n"
                '            if type(verdict).__name__ == "ToRetry":\n'
                '                self.link.call(("HDEL", taken.flight.key, taken.delivery))\n',
            ),
            lua("move", "if not held then return {0} end", "if not held then held = ARGV[4] end"),
        ),
        by_faults=faults("a_kill_before_retries_are_written_loses_none"),
    ),
    Mutant(
        "a promotion pops by one call, and pushes by another",
        (
            Change(
                "kiq/store/promotion.py",
                "        replies = list(read(link.exchange(commands)))\n",
                '        link.exchange([("HDEL", flight, one.delivery) for one in plain])\n'
                '        link.exchange([("LPUSH", keys.queue(one.queue), one.raw) for one in plain])\n'
                "        replies = [[len(plain)]]\n",
            ),
        ),
        faults("a_commit_that_is_cut_off_leaves_each_claim_in_one_place"),
    ),
)

#: Who may start a job, and when.
STARTS = (
    Mutant(
        "a job starts though its owner's lease is over",
        (
            Change(
                "kiq/work/processor.py",
                "now > taken.flight.permit.until or now > handover.gate_at",
                "now > handover.gate_at",
            ),
        ),
        by_faults=faults("a_process_that_slept_through_its_lease_starts_nothing_that_it_lost"),
        runs=3,
    ),
    Mutant(
        "a beat does not prolong the permit to start jobs",
        (
            Change(
                "kiq/work/heartbeat.py",
                "active[owner].permit.extend(worker.good_until(sent_at))",
                "pass",
            ),
        ),
        by_faults=faults("a_process_works_on_after_its_first_lease"),
    ),
    Mutant(
        "jobs are handed back, and stay in the inbox",
        (
            Change(
                "kiq/work/exchange.py",
                "handed_back()\n        return self._inbox.drain()\n",
                "handed_back()\n        return list(self._inbox.jobs)[::-1]\n",
            ),
        ),
        by_faults=faults("jobs_that_are_handed_back_run_once"),
    ),
    Mutant(
        "quiet hands nothing back",
        (
            Change(
                "kiq/work/exchange.py",
                "return self.suspects.take_back()",
                "return []",
            ),
        ),
        by_faults=faults("a_quiet_process_gives_back_at_once_what_it_has_not_begun"),
    ),
    Mutant(
        "who is quiet is still on the list of the idle",
        (
            Change(
                "kiq/work/courier.py",
                "exchange.link.exchange(flight.unname_commands(owner.name, flights))",
                "assert flights",
            ),
        ),
        by_faults=(
            "tests/e2e/test_signals.py::test_a_quiet_process_takes_its_name_off_the_idle_sets",
        ),
    ),
    Mutant(
        "suspects run one at a time from the first crash on",
        (Change("kiq/work/suspects.py", "ISOLATED = 2\n", "ISOLATED = 1\n"),),
        (
            "tests/unit/work/test_suspects.py::test_suspects_of_the_first_degree_run_beside_an_isolated_one",
        ),
        faults("the_jobs_of_a_killed_process_run_again_beside_one_another"),
    ),
    Mutant(
        "a job that the shutdown interrupted counts as failed",
        (Change("kiq/work/retry.py", "return PutBack()", "pass"),),
        (
            "tests/unit/work/test_executor.py::test_a_job_that_the_shutdown_interrupted_goes_back_to_its_queue",
        ),
        ("tests/e2e/test_signals.py::test_a_job_longer_than_the_timeout_goes_back_uncounted",),
    ),
)

RECOVERY = "tests/chaos/test_recovery_always_comes.py::test_"

#: Who counts as dead, and what a process does that was declared dead.
DEATH = (
    Mutant(
        "one sighting without a lease is enough",
        (Change("kiq/work/absence.py", "self.sightings >= SIGHTINGS", "self.sightings > 0"),),
        (
            "tests/unit/work/test_absence.py::test_so_many_looks_with_a_pause_each_time_prove_a_death",
        ),
    ),
    Mutant(
        "looks without a pause prove a death",
        (Change("kiq/work/absence.py", "_PAUSE = 0.9 ", "_PAUSE = 0.0 "),),
        ("tests/unit/work/test_absence.py::test_looks_without_a_pause_count_once",),
    ),
    Mutant(
        "what was seen of an owner before a reconnection counts for nothing",
        (
            Change(
                "kiq/work/reclaimer.py",
                "        absence = Absence.read(sighting.note).seen(sighting.now, sighting.lease)\n",
                '        seen = vars(self).setdefault("seen", {})\n'
                "        absence = seen.get(owner, Absence()).seen(sighting.now, sighting.lease)\n"
                "        seen[owner] = absence\n",
            ),
            Change(
                "kiq/work/reclaimer.py",
                "lost=self._link.close,",
                'lost=lambda: (vars(self).pop("seen", None), self._link.close()),',
            ),
        ),
        by_faults=(
            f"{RECOVERY}recovery_comes_though_no_connection_lasts_for_a_lease[_kill_all]",
            f"{RECOVERY}recovery_comes_though_no_process_lives_for_a_lease",
        ),
    ),
    Mutant(
        "who does not beat stays the one who looks for the dead",
        (Change("kiq/work/duty.py", "if not self._worker.beats:", "if False:"),),
        by_faults=(f"{RECOVERY}who_does_not_beat_is_not_the_one_who_looks_for_the_dead",),
    ),
    Mutant(
        "who fails at a duty keeps it",
        (Change("kiq/work/duty.py", "if self._wanted and", "if not self._wanted and"),),
        by_faults=(
            f"{RECOVERY}who_may_not_promote_leaves_it_to_another[patterns0]",
            f"{RECOVERY}who_may_not_give_back_leaves_it_to_another",
        ),
    ),
    Mutant(
        "a missing lock file proves a death",
        (
            Change(
                "kiq/work/reclaimer.py",
                "        dead = self._folder.free(but=self._strangers)\n",
                "        for owner in owners.all_owners(self._link):\n"
                '            name = owners.facts(self._link, owner).get("lock")\n'
                "            if name and not (self._folder._folder / name).exists():\n"
                "                self._give_back(owner, proven=True)\n"
                "        dead = self._folder.free(but=self._strangers)\n",
            ),
        ),
        by_faults=faults("a_live_process_whose_lock_file_was_removed_is_left_alone"),
    ),
    Mutant(
        "the verdict of a process that was declared dead is dropped",
        (
            Change(
                "kiq/work/settling.py",
                "            owed.append(outbox.popleft())\n",
                "            settlement = outbox.popleft()\n"
                "            if not settlement[0].flight.permit.fenced:\n"
                "                owed.append(settlement)\n",
            ),
        ),
        by_faults=faults("a_verdict_that_comes_before_its_job_is_given_back_saves_the_repeat"),
    ),
)

#: Whose the state of an iterable job is.
ITERATION = (
    Mutant(
        "a run that was overtaken writes over what came since",
        (
            Change(
                "kiq/plugins/iteration/lua/save.lua",
                "if run and run ~= ARGV[1] then return false end\n",
                "",
            ),
        ),
        (
            "tests/integration/test_iteration_run.py"
            "::test_a_run_that_was_overtaken_writes_nothing_whatever_ends_it",
        ),
    ),
)

#: What a child finds that a job has forked.
FORKS = (
    Mutant(
        "a forked child takes a lock that another thread held",
        (
            Change(
                "kiq/work/handover.py",
                "at the fork: here it would do so for ever.\n"
                "        self._answered = threading.Event()\n",
                "at the fork: here it would do so for ever.\n",
            ),
        ),
        ("tests/unit/work/test_forked_children.py::test_the_desk_is_told_of_the_fork",),
        (
            "tests/chaos/test_forks.py"
            "::test_no_child_hangs_that_is_forked_beside_jobs_that_do_nothing[exits]",
        ),
        runs=3,
    ),
)

PROMOTIONS = "tests/chaos/test_promotions_that_misbehave.py::test_a_layer_that_"

#: What client middleware may do to the poller.
PROMOTING = (
    Mutant(
        "a promotion that hangs is tried again for ever",
        (Change("kiq/work/due.py", "level = taken.suspicion + 1", "level = taken.suspicion"),),
        ("tests/unit/work/test_due.py::test_the_third_strike_convicts",),
        (f"{PROMOTIONS}takes_long_for_one_job_holds_up_no_other[never returns]",),
    ),
    Mutant(
        "the poller waits for client middleware as long as it takes",
        (Change("kiq/work/passage.py", "> _PATIENCE\n", "> 1e9\n"),),
        ("tests/unit/work/test_passage.py::test_a_job_that_takes_long_holds_up_no_other",),
        (f"{PROMOTIONS}takes_long_for_one_job_holds_up_no_other[takes 10 s]",),
    ),
    Mutant(
        "a suspect among due jobs is not marked before it is tried",
        (Change("kiq/work/promoter.py", "self._link.call(flight.mark_command([taken]))", "pass"),),
        by_faults=(f"{PROMOTIONS}ends_its_process_does_so_three_times[kills--9-schedule]",),
    ),
    Mutant(
        "claims stay with who has lost the election",
        (
            Change(
                "kiq/work/promoter.py",
                "        if self._suspects or self._passages.holding:\n            self.abandon()\n",
                "",
            ),
        ),
        by_faults=(
            "tests/chaos/test_promotions_that_misbehave.py"
            "::test_who_loses_the_election_gives_back_what_waits_behind_a_suspect_that_hangs",
        ),
    ),
    Mutant(
        "a due job that nobody can read is claimed again and again",
        (
            Change(
                "kiq/work/promoter.py",
                "            self._unread = self._session.owner\n",
                "            self._unread = None\n",
            ),
        ),
        by_faults=(
            "tests/chaos/test_output_limits.py::test_a_due_job_that_is_larger_than_any_reply_"
            "ends_there_too_and_the_others_go[schedule]",
        ),
    ),
)

MUTANTS = (*OUTCOMES, *CALLS, *STARTS, *DEATH, *ITERATION, *FORKS, *PROMOTING)
