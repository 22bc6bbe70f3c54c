"""Mutants of the scripts: what happens inside Redis."""

from __future__ import annotations

from tests.mutants.mutant import Change, Mutant, faults, lua, store

#: What is taken, by whom, and once.
TAKING = (
    Mutant(
        "a plain pop: nothing notes what is in flight",
        (lua("fetch", "redis.pcall('HSET', flight, unpack(fields))", "1"),),
        store("fetch::what_is_fetched_has_left_the_queue_and_is_in_flight"),
        faults("the_jobs_of_a_killed_process_run_again_beside_one_another"),
    ),
    Mutant(
        "a fetch takes no notice of the epoch",
        (lua("fetch", "if seen > epoch then return {'stale'} end", ""),),
        store("fetch::a_late_fetch_of_an_old_connection_takes_nothing"),
    ),
    Mutant(
        "a hand-back takes no notice of the epoch",
        (lua("hand_back", "if seen > tonumber(ARGV[1]) then return {'stale'} end", ""),),
        store("hand_back::a_late_hand_back_of_an_old_connection_does_nothing"),
    ),
    Mutant(
        "an epoch may be one that was seen before",
        (lua("epoch", "math.max(tonumber(ARGV[1]), seen + 1)", "tonumber(ARGV[1])"),),
        store("hand_back::an_epoch_is_always_higher_than_any_seen"),
    ),
    Mutant(
        "a late registration brings old epochs back",
        (lua("register", "if epoch then", "if false then"),),
        store("hand_back::a_late_registration_does_not_bring_old_epochs_back"),
    ),
    Mutant(
        "a fetch that is sent twice takes twice",
        (lua("fetch", "if last and tonumber(ARGV[3]) <= last then return {'stale'} end", ""),),
        store("fetch::a_call_number_that_took_something_is_never_taken_twice"),
    ),
    Mutant(
        "a claim that is sent twice takes twice",
        (lua("claim", "if last and tonumber(ARGV[1]) <= last then", "if false then"),),
        store("promotion::a_claim_that_is_sent_twice_overwrites_nothing"),
    ),
)

SHARES = "tests/integration/test_band_shares_properties.py::test_"
BANDS_AT_WORK = "tests/integration/test_bands.py::test_"

#: Bands of a queue.
BANDS = (
    Mutant(
        "a band that had nothing has its turn at once",
        (lua("fetch", "local due = had[l] + 1 / share[l]", "local due = had[l]"),),
        (f"{SHARES}a_band_that_had_nothing_has_no_credit",),
    ),
    Mutant(
        "bands are taken in order, and the last one starves",
        (
            lua(
                "fetch",
                "    if bands[q] then had[next] = had[next] + drawn / share[next] end\n",
                "",
            ),
            Change(
                "kiq/work/bands.py",
                "                passes[which] += counts.get(name, 0) / WEIGHTS[which]\n",
                "                pass\n",
            ),
        ),
        (f"{SHARES}the_last_band_gets_one_job_of_each_turn_and_the_others_their_shares",),
    ),
    Mutant(
        "what is taken of bands is no queue's",
        (
            Change(
                "kiq/work/fetching.py",
                "            counts = self._by_queue(names, known, fetched) if known else fetched.counts\n",
                "            counts = fetched.counts[: len(names)]\n",
            ),
        ),
        (f"{BANDS_AT_WORK}a_band_is_its_queues_between_queues[weighted]",),
    ),
    Mutant(
        "a band is fetched from before the record says so",
        (lua("bands", "if sources ~= before then", "if false then"),),
        (f"{BANDS_AT_WORK}the_record_says_of_a_band_before_anything_is_taken_of_it",),
    ),
    Mutant(
        "a cap counts the queue's own list alone",
        (lua("capping", "return l <= queues and l or tonumber(args[7 + 3 * l])", "return l"),),
        (f"{BANDS_AT_WORK}a_cap_of_the_fleet_holds_for_the_queue_as_a_whole",),
    ),
    Mutant(
        "what is promoted comes to the normal band",
        (Change("kiq/work/due.py", "list_of(changed), raw", 'changed["queue"], raw'),),
        (f"{BANDS_AT_WORK}what_is_due_comes_to_its_band",),
    ),
    Mutant(
        "who was rung and found nothing waits for its time",
        (Change("kiq/work/fetching.py", "                self.bands.rung_in_vain(now)\n", ""),),
        (f"{BANDS_AT_WORK}a_bell_that_brings_nothing_lets_it_look_for_bands",),
    ),
)

#: What rides on a settling write.
RIDING = (
    Mutant(
        "a rider is let go whether its job was in flight or not",
        (lua("riding", "gone = there[r] and", "gone ="),),
        caught_by=(
            "tests/integration/test_riders.py"
            "::test_what_a_fenced_owner_settles_late_releases_nothing",
        ),
    ),
    Mutant(
        "a rider is let go whether its job has left or not",
        (
            lua(
                "riding",
                "gone = there[r] and redis.pcall('HEXISTS', hash, field) == 0",
                "gone = there[r]",
            ),
        ),
        caught_by=(
            "tests/integration/test_riders.py::test_what_the_target_refuses_releases_nothing_yet",
        ),
    ),
    Mutant(
        "what records goes behind what settles",
        (
            Change(
                "kiq/riders.py",
                "return [*first, *others], read",
                "return [*others, *first], lambda many: read([*many[len(others) :], *many[: len(others)]])",
            ),
        ),
        caught_by=(
            "tests/integration/test_riders.py::test_what_records_is_there_when_the_job_is_settled",
        ),
    ),
    Mutant(
        "a piece that fails fails the settle",
        (
            lua(
                "riding",
                "pcall(pieces[piece], part(KEYS, first, keys), part(ARGV, from + 5, args))",
                "true, pieces[piece](part(KEYS, first, keys), part(ARGV, from + 5, args))",
            ),
        ),
        caught_by=(
            "tests/integration/test_riders.py"
            "::test_a_piece_that_fails_is_reported_once_and_keeps_nothing_from_being_settled",
        ),
    ),
)

AT_RECLAIM = "tests/integration/test_riders_at_reclaim.py::test_"
RIDING_BACK = (
    Mutant(
        "a reclaim lets nothing go",
        (
            Change(
                "kiq/store/owners.py",
                "        command, read = rides(command, jobs)\n",
                "        read = list\n",
            ),
        ),
        (f"{AT_RECLAIM}what_a_dead_owner_had_is_let_go_with_its_delivery",),
    ),
    Mutant(
        "a reclaim lets go what has come back already",
        (lua("riding", "gone = there[r] and", "gone ="),),
        (f"{AT_RECLAIM}what_two_processes_give_back_at_once_is_let_go_once",),
    ),
    Mutant(
        "a reclaim lets go what could not come back",
        (
            lua(
                "riding",
                "gone = there[r] and redis.pcall('HEXISTS', hash, field) == 0",
                "gone = there[r]",
            ),
        ),
        (f"{AT_RECLAIM}what_its_queue_refuses_is_let_go_when_it_takes_it",),
    ),
    Mutant(
        "the reclaimer asks no rider",
        (Change("kiq/work/reclaimer.py", "rides=self._worker.riders.giving_back()", "rides=None"),),
        (f"{AT_RECLAIM}the_reclaimer_of_a_worker_asks_its_riders",),
    ),
    Mutant(
        "who leaves asks no rider",
        (Change("kiq/work/session.py", "sources=sources, rides=rides", "sources=sources"),),
        (f"{AT_RECLAIM}who_leaves_lets_go_of_what_still_runs",),
    ),
)

CAPPED = "tests/integration/test_fleet_caps.py::test_"
#: What is limited in the fetch script.
CAPS = (
    Mutant(
        "how much room there is changes nothing",
        (lua("capping", "if most < math.huge then args[place] = most end", ""),),
        (f"{CAPPED}all_together_take_no_more_than_they_may",),
    ),
    Mutant(
        "a cap is asked before the fetch is sent, and what it said is taken",
        (lua("capping", "question.cap.room(KEYS, ARGV)", "tonumber(ARGV[1])"),),
        (f"{CAPPED}all_together_take_no_more_than_they_may",),
    ),
    Mutant(
        "what was taken is not noted",
        (
            lua(
                "capping",
                "local taken = question.cap and tokens[question.queue]",
                "local taken = nil",
            ),
        ),
        (f"{CAPPED}all_together_take_no_more_than_they_may",),
    ),
    Mutant(
        "a queue is open whose room is unknown",
        (lua("capping", "return went and most or 0", "return went and most or math.huge"),),
        (f"{CAPPED}a_queue_whose_room_is_unknown_is_closed_and_the_others_go_on[return 'many']",),
    ),
    Mutant(
        "what could not be noted runs all the same",
        (lua("capping", "if not next(failed) then", "if true then"),),
        (f"{CAPPED}what_can_not_be_noted_goes_back_and_the_others_go_on",),
    ),
    Mutant(
        "what could not be noted is noted in part",
        (lua("capping", "if question.cap and failed[question.queue] then", "if false then"),),
        (f"{CAPPED}what_can_not_be_noted_goes_back_and_the_others_go_on",),
    ),
    Mutant(
        "what could not be noted is lost",
        (lua("capping", "    redis.call('RPUSH', list, held)\n", ""),),
        (f"{CAPPED}what_can_not_be_noted_goes_back_and_the_others_go_on",),
    ),
    Mutant(
        "what could not be noted goes back in the wrong order",
        (
            lua(
                "capping",
                "for i = failed[queue_of(l)] and #ids[l] or 0, 1, -1 do",
                "for i = 1, failed[queue_of(l)] and #ids[l] or 0 do",
            ),
        ),
        (f"{CAPPED}what_can_not_be_noted_goes_back_and_the_others_go_on",),
    ),
    Mutant(
        "a slot that is freed wakes nobody",
        (Change("kiq/capping.py", "> 0 then ring(idle, 1) break", "> 0 then break"),),
        (f"{CAPPED}a_free_slot_wakes_somebody_while_jobs_wait",),
    ),
    Mutant(
        "what is deleted by hand frees the slot of nobody",
        (Change("kiq/capping.py", "if queue and job.token else", "if queue else"),),
        (f"{CAPPED}what_is_deleted_from_its_queue_frees_nothing",),
    ),
)

#: The token: who removes the field may act, and nobody else.
TOKEN = (
    Mutant(
        "a retry is written whether the job is in flight or not",
        (lua("move", "if not held then return {0} end", "if not held then held = ARGV[4] end"),),
        store("settle::a_job_moves_once_however_often_it_is_sent"),
    ),
    Mutant(
        "of retries that are written together some are written whether they are in flight or not",
        (lua("delay", "  if held[i] then\n", "  held[i] = held[i] or '?'\n  if held[i] then\n"),),
        store("settle::of_jobs_that_go_together_those_that_others_took_stay_where_they_are"),
    ),
    Mutant(
        "retries that are written together leave flight though their set refuses",
        (lua("delay", "  redis.call('HSET', KEYS[1], unpack(back))\n", ""),),
        store("settle::jobs_that_go_together_stay_in_flight_when_their_set_refuses"),
    ),
    Mutant(
        "what is done is counted without a look at what was in flight",
        (
            lua(
                "done",
                "settled = settled + gone",
                "settled = settled + math.min(first + 3999, after - 1) - first + 1",
            ),
        ),
        store("settle::done_jobs_leave_flight_and_count_once_however_often_it_is_sent"),
    ),
    Mutant(
        "what is done is not counted",
        (lua("done", "  redis.pcall('INCRBY', KEYS[1], settled)\n", ""),),
        store("settle::done_jobs_leave_flight_and_count_once_however_often_it_is_sent"),
        faults("without_a_fault_every_job_runs_once_and_is_counted"),
    ),
    Mutant(
        "a claim is pushed though it was given back",
        (lua("commit", "    if found[i] then\n", "    if true then\n"),),
        store("promotion::a_commit_moves_each_claim_once"),
    ),
)

#: Consume first, and put back what finds no place.
UNDO = (
    Mutant(
        "no undo in a fetch",
        (lua("fetch", "    put_back(list, popped, 1)\n", ""),),
        store("wrongtype::a_hash_of_the_wrong_type_leaves_its_queue_as_it_was"),
    ),
    Mutant(
        "no undo in a move",
        (lua("move", "  redis.call('HSET', KEYS[1], ARGV[1], held)\n", ""),),
        store("settle::a_target_of_the_wrong_type_leaves_the_job_in_flight_as_it_was"),
    ),
    Mutant(
        "no undo in a hand-back",
        (lua("hand_back", "    redis.call('HSET', flight, id, held)\n", ""),),
        store(
            "hand_back::a_queue_of_the_wrong_type_keeps_its_jobs_in_flight_and_the_others_go_back"
        ),
    ),
    Mutant(
        "no undo in a claim",
        (
            lua(
                "claim",
                "    for i = 1, #members do redis.call('ZADD', KEYS[2], due[2 * i], due[2 * i - 1]) end\n",
                "",
            ),
        ),
        store("promotion::a_hash_of_the_wrong_type_leaves_the_set_as_it_was"),
    ),
    Mutant(
        "no undo in a commit",
        (lua("commit", "    redis.call('HSET', KEYS[1], unpack(fields))\n", ""),),
        store("promotion::a_queue_of_the_wrong_type_keeps_its_claims_and_the_others_go_on"),
    ),
    Mutant(
        "no undo in a reclaim",
        (lua("reclaim", "    redis.call('HSET', KEYS[1], unpack(back))\n", ""),),
        store("reclaim::a_queue_of_the_wrong_type_holds_up_no_other_and_is_tried_again"),
    ),
    Mutant(
        "a registration begins with what a full Redis refuses",
        (lua("register", "redis.call('HDEL', KEYS[1], 'absent')\n", ""),),
        store("full_redis::a_worker_starts_works_and_leaves"),
        error="kiq.errors.StoreFull",
    ),
)

PROMOTIONS = "tests/chaos/test_promotions_that_misbehave.py::test_a_layer_that_"

#: The dead: who is, and what becomes of what they held.
DEATH = (
    Mutant(
        "the record of a dead owner is removed last, not first",
        (
            lua("lapse", "'RENAME', KEYS[1]", "'COPY', KEYS[1]"),
            lua("reclaim", "if redis.call('EXISTS', KEYS[7]) == 1 then return {-1} end", ""),
            lua(
                "forget",
                "if redis.call('EXISTS', KEYS[3]) == 1 then return 0 end",
                "redis.call('DEL', KEYS[3])",
            ),
        ),
        store("reclaim::the_owner_is_fenced_from_the_first_step_on"),
    ),
    Mutant(
        "a lease does not keep anybody alive",
        (lua("lapse", "ARGV[1] ~= '1' and type", "false and type"),),
        store("reclaim::an_owner_with_a_lease_is_left_alone_unless_its_death_is_proven"),
    ),
    Mutant(
        "a beat does not strike out that its owner was seen without a lease",
        (
            lua(
                "beat", "redis.pcall('HDEL', KEYS[i], 'absent')", "redis.pcall('HDEL', KEYS[i], '')"
            ),
        ),
        store("owners::that_an_owner_was_seen_without_a_lease_is_noted_until_it_beats"),
    ),
    Mutant(
        "an election holds as long as its key says",
        (lua("elect", "left >= 0 and left <= tonumber(ARGV[3])", "true"),),
        store("owners::an_election_that_no_term_can_have_is_none[3600]"),
        (
            "tests/chaos/test_recovery_always_comes.py::test_an_election_that_outlived_its_holder_is_taken_over[3600]",
        ),
    ),
    Mutant(
        "a beat that is yet to come counts",
        (Change("kiq/store/owners.py", "return -_SET_BY <= now - float", "return now - float"),),
        store(
            "owners::a_lease_runs_from_the_last_beat_by_the_clock_of_redis[it was set back by an hour]"
        ),
    ),
    Mutant(
        "the record of an owner ends by itself",
        (
            lua(
                "beat",
                "redis.pcall('HSET', KEYS[i], 'beat', now)",
                "redis.pcall('HSET', KEYS[i], 'beat', now) redis.call('EXPIRE', KEYS[i], 60)",
            ),
        ),
        store("owners::nothing_that_recovery_rests_on_has_a_ttl[beaten]"),
    ),
    Mutant(
        "a beat does not renew the lease",
        (lua("beat", "    redis.pcall('HSET', KEYS[i], 'beat', now)\n", ""),),
        store("owners::a_beat_renews_the_leases_of_those_that_have_a_record"),
    ),
    Mutant(
        "jobs of the dead come back in the wrong order",
        (Change("kiq/store/owners.py", "key=_order, reverse=True", "key=_order"),),
        store("reclaim::jobs_return_to_the_front_in_their_old_order"),
    ),
    Mutant(
        "who waited beside a pill is suspected like it",
        (
            lua(
                "reclaim",
                "elseif marked[i] then level, light = raised(level, light, marked[i]) end",
                "else level, light = raised(level, light, 0) end",
            ),
        ),
        store("suspects::innocents_beside_a_pill_stay_at_the_first_level"),
    ),
    Mutant(
        "due jobs that were claimed at a crash are no suspects",
        (
            lua(
                "reclaim",
                "if not crashed then return marked end",
                "if not (crashed and is_queue) then return marked end",
            ),
        ),
        store(
            "suspects::what_a_poller_had_claimed_at_a_crash_is_suspect_and_what_it_had_marked_is_put_off"
        ),
        (f"{PROMOTIONS}ends_its_process_does_so_three_times[kills--9-schedule]",),
    ),
    Mutant(
        "the dead set is trimmed without limit in one call",
        (
            lua("move", "cut, 'LIMIT', 0, 1000)", "cut)"),
            lua("move", "math.min(over, 1000)", "over"),
        ),
        store("settle::a_limit_that_was_lowered_is_reached_a_thousand_at_a_time"),
    ),
    Mutant(
        "one dead job too many is dropped",
        (lua("move", "- tonumber(ARGV[10])", "- tonumber(ARGV[10]) + 1"),),
        store("settle::exactly_as_many_dead_jobs_are_kept_as_allowed"),
    ),
)

#: The bell: losing it costs only milliseconds, so that nothing but a test of it sees it.
BELL = (
    Mutant(
        "nobody is rung",
        (lua("ring", "while rung < jobs do", "while false do"),),
        store("bell::a_fetch_that_finds_nothing_is_rung_by_the_next_push"),
    ),
    Mutant(
        "who has found something is still on the list of the idle",
        (lua("fetch", "elseif ARGV[7] == '1' then", "elseif false then"),),
        store("bell::a_fetch_that_takes_something_takes_its_names_away"),
    ),
)

PAUSE = "tests/integration/test_api_pause.py::test_"
PAUSES = (
    Mutant(
        "a paused queue is fetched from",
        (lua("fetch", "paused[q], empty[q] = true, 1", "paused[q] = true"),),
        (f"{PAUSE}nothing_is_fetched_from_a_paused_queue_and_the_others_go_on[True]",),
    ),
    Mutant(
        "who is idle waits for a queue that is paused",
        (lua("fetch", "total == 0 and not paused[q]", "total == 0"),),
        (f"{PAUSE}a_push_to_a_paused_queue_wakes_nobody_and_unpausing_wakes_all",),
    ),
)

MUTANTS = (*TAKING, *BANDS, *RIDING, *RIDING_BACK, *CAPS, *TOKEN, *UNDO, *DEATH, *BELL, *PAUSES)
