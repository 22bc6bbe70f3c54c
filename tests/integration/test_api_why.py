"""Each answer of ``kiq why``, against the state that it is about."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from hashlib import sha1
from typing import Any

import pytest
import redis

import kiq
from kiq import keys
from kiq.api import Asked, Explainer, Reason, Why, find, why
from kiq.plugins.trends import keys as trend_keys
from kiq.plugins.unique import keys as unique_keys
from tests.helpers.commands import command
from tests.helpers.contents import contents
from tests.helpers.living import hold, owner_of, show_process
from tests.helpers.server import TestServer

WORKER = "web-1:4711:8d0c54f1a2b3"
JID = "a" * 24
SMTP = {"error_class": "ConnectionError", "error_message": "smtp is away"}


def payload(jid: str = JID, **more: Any) -> str:
    return json.dumps({"class": "Mail", "args": ["bob"], "queue": "default", "jid": jid, **more})


def works(raw: redis.Redis, queues: tuple[str, ...] = ("default",), **more: Any) -> None:
    """A process that takes *queues*, with two threads."""
    capsule = {"concurrency": 2, "mode": "strict", "weights": dict.fromkeys(queues, 0)}
    info = {"hostname": "web-1", "pid": 4711, "queues": list(queues), "concurrency": 2}
    show_process(raw, WORKER, {**info, "capsules": {"default": capsule}}, **more)


def waits(raw: redis.Redis, *texts: str, queue: str = "default") -> None:
    """Jobs of a queue, the first of which is the next."""
    raw.sadd("queues", queue)
    raw.lpush(f"queue:{queue}", *(texts or (payload(),)))


def codes(answer: Why) -> dict[str, bool]:
    return {reason.code: reason.stops for reason in answer.reasons}


def the(answer: Why, code: str) -> Reason:
    return next(reason for reason in answer.reasons if reason.code == code)


@pytest.fixture
def store(raw: redis.Redis, kiq_client: kiq.Client) -> redis.Redis:
    return raw


def test_nobody_knows_such_a_job(store: redis.Redis) -> None:
    answer = why(JID)
    assert codes(answer) == {"unknown": True}
    assert not answer.found


def test_a_paused_queue(store: redis.Redis) -> None:
    works(store)
    waits(store)
    store.sadd("paused", "default")
    answer = why(JID)
    assert codes(answer)["paused"]
    assert the(answer, "paused").command == "kiq unpause default"
    assert answer.reasons[0].code == "paused"


def test_who_paused_the_queue_and_why(store: redis.Redis) -> None:
    works(store)
    waits(store)
    queue = kiq.api.Queue("default")
    assert queue.pause(by="ann", reason="smtp is away")
    text = the(why(JID), "paused").text
    assert text.startswith("the queue default is paused (")
    assert text.endswith(" ago, by ann): smtp is away")
    note = queue.pause_note
    assert note is not None
    assert (note.by, note.reason) == ("ann", "smtp is away")
    queue.unpause()
    assert queue.pause_note is None
    store.sadd("paused", "default")  # as Ruby does
    assert the(why(JID), "paused").text == "the queue default is paused"
    store.srem("paused", "default")
    assert queue.pause()
    assert not store.exists("kiq:paused-by")


def test_no_process_is_there(store: redis.Redis) -> None:
    waits(store)
    assert codes(why(JID)) == {"no_process": True}


def test_no_process_takes_the_queue_and_which_may_be_meant(store: redis.Redis) -> None:
    works(store, ("mailers",))
    waits(store, queue="mailer")
    answer = why(JID)
    assert codes(answer) == {"queue_untaken": True}
    assert the(answer, "queue_untaken").text.endswith("did you mean mailers?")
    assert the(answer, "queue_untaken").command == "kiq run -q mailer"


def test_the_processes_are_quiet(store: redis.Redis) -> None:
    works(store, quiet="true")
    waits(store)
    assert codes(why(JID)) == {"quiet": True}


def test_the_processes_are_silent(store: redis.Redis) -> None:
    works(store)
    store.expire(WORKER, 40)
    waits(store)
    assert codes(why(JID)) == {"silent": True}


def test_other_jobs_go_before_it_and_how_fast(store: redis.Redis) -> None:
    works(store)
    waits(store, payload("1"), payload("2"), payload())
    now = time.time()
    moments = [[now - 60 + n * 20, 0, 0, {"default": [3, n * 20]}] for n in range(4)]
    for moment in moments:
        store.lpush(trend_keys.TREND, json.dumps(moment))
    answer = why(JID)
    assert codes(answer) == {"behind": False, "rate": False}
    assert the(answer, "behind").text == "2 jobs are taken before it"
    until = the(answer, "rate").until
    assert until is not None
    assert 1.5 < until - now < 30  # two jobs at one in a second
    assert not answer.stopped


def test_it_is_the_next_one(store: redis.Redis) -> None:
    works(store)
    waits(store)
    assert codes(why(JID)) == {"next": False}


def test_all_threads_are_busy_and_the_longest_job_is_named(store: redis.Redis) -> None:
    works(store)
    waits(store)
    hold(store, WORKER, "default", payload("1"), payload("2"))
    for jid, age in (("1", 500), ("2", 20)):
        shown = {"queue": "default", "payload": payload(jid), "run_at": int(time.time() - age)}
        store.hset(f"{WORKER}:work", f"t{jid}", json.dumps(shown))
    answer = why(JID)
    assert codes(answer) == {"busy": False}
    assert the(answer, "busy").text.startswith(
        "all 2 places for jobs of default are taken, for 8 min"
    )
    assert the(answer, "busy").jid == "1"


def test_another_queue_goes_first_in_strict_order(store: redis.Redis) -> None:
    works(store, ("critical", "low", "default"))
    waits(store, payload("1"), queue="critical")
    waits(store, payload("2"), queue="low")
    waits(store)
    store.sadd("paused", "low")
    answer = why(JID)
    assert codes(answer) == {"strict": False, "next": False}
    first = [reason.text for reason in answer.reasons if reason.code == "strict"]
    assert first == ["the queue critical goes first, and has 1 job"]


def test_a_suspect_runs_alone(store: redis.Redis) -> None:
    works(store)
    waits(store)
    digest = sha1(payload().encode()).hexdigest()
    store.hset(keys.SUSPECTS, digest, f"2:{int(time.time()) + 1000}")
    assert codes(why(JID)) == {"suspect": False, "next": False}
    store.hset(keys.SUSPECTS, digest, f"2:{int(time.time()) - 1000}")
    assert codes(why(JID)) == {"next": False}
    store.hset(keys.SUSPECTS, digest, f"1:{int(time.time()) + 1000}")
    assert codes(why(JID)) == {"next": False}


def test_it_is_due_later_and_its_queue_is_looked_at_too(store: redis.Redis) -> None:
    works(store)
    store.zadd("schedule", {payload(): time.time() + 500})
    answer = why(JID)
    assert codes(answer) == {"due": True}
    assert the(answer, "due").command == f"kiq scheduled enqueue {JID}"
    assert the(answer, "due").until == pytest.approx(time.time() + 500, abs=20)
    store.sadd("paused", "default")
    assert codes(why(JID)) == {"due": True, "paused": True}


def test_it_failed_and_waits_for_its_next_attempt(store: redis.Redis) -> None:
    works(store)
    store.zadd("retry", {payload(**SMTP): time.time() + 500})
    answer = why(JID)
    assert the(answer, "due").command == f"kiq retries retry {JID}"
    assert "ConnectionError: smtp is away" in the(answer, "due").text


def test_it_is_due_and_nobody_moves_it(store: redis.Redis) -> None:
    works(store)
    store.zadd("schedule", {payload(): time.time() - 500})
    assert codes(why(JID)) == {"no_poller": True}
    store.set(keys.POLLER, WORKER)
    answer = why(JID)
    assert codes(answer) == {"late": False}
    assert WORKER in the(answer, "late").text


def test_it_is_due_and_no_process_is_there(store: redis.Redis) -> None:
    store.zadd("schedule", {payload(): time.time() - 500})
    assert codes(why(JID)) == {"no_process": True}


def test_it_runs(store: redis.Redis) -> None:
    works(store)
    hold(store, WORKER, "default", payload())
    assert codes(why(JID)) == {"running": False}


def test_a_process_has_taken_it_and_no_thread_is_free(store: redis.Redis) -> None:
    works(store)
    hold(store, WORKER, "default", payload("1"), payload("2"), payload())
    answer = why(JID)
    assert codes(answer) == {"fetched": False}
    assert "one of 2 places" in the(answer, "fetched").text


def test_its_process_is_silent_and_until_when_it_is_waited_for(store: redis.Redis) -> None:
    works(store)
    hold(store, WORKER, "default", payload())
    store.expire(WORKER, 30)
    store.hset(keys.record(owner_of(WORKER)), "beat", time.time() - 30)
    answer = why(JID)
    assert codes(answer) == {"silent": True}
    until = the(answer, "silent").until
    assert until is not None
    assert 20 < until - time.time() < 46
    store.hset(keys.record(owner_of(WORKER)), "beat", time.time() - 100)  # its lease is over
    until = the(why(JID), "silent").until
    assert until is not None
    assert until - time.time() < 16


def test_its_process_shows_itself_no_more(store: redis.Redis) -> None:
    works(store)
    hold(store, WORKER, "default", payload())
    store.delete(WORKER)
    assert codes(why(JID)) == {"silent": True}


def test_its_process_was_declared_dead(store: redis.Redis) -> None:
    works(store)
    hold(store, WORKER, "default", payload())
    store.rename(keys.record(owner_of(WORKER)), keys.lapsed(owner_of(WORKER)))
    assert codes(why(JID)) == {"dead_process": True}


def test_it_is_on_its_way_to_its_queue(store: redis.Redis) -> None:
    works(store)
    store.hset(keys.record(owner_of(WORKER)), "sources", "retry")
    store.hset(keys.inflight("retry", owner_of(WORKER)), "1.1", "17.5|" + payload())
    assert codes(why(JID)) == {"promoting": False}


def test_it_was_given_up(store: redis.Redis) -> None:
    store.zadd("dead", {payload(**SMTP): time.time()})
    answer = why(JID)
    assert codes(answer) == {"dead": True}
    assert the(answer, "dead").text == "it was given up: ConnectionError: smtp is away"
    assert the(answer, "dead").command == f"kiq dead retry {JID}"


def test_another_job_has_its_lock(store: redis.Redis) -> None:
    works(store)
    unique = {"key": "1-k", "lock": "while_executing", "on_conflict": "skip"}
    waits(store, payload(unique=unique))
    store.hset(unique_keys.lock(unique_keys.run_name("1-k")), mapping={"jid": "b", "since": 5})
    answer = why(JID)
    assert codes(answer) == {"lock": True, "next": False}
    assert (the(answer, "lock").jid, the(answer, "lock").command) == ("b", "kiq why b")
    store.hset(unique_keys.lock(unique_keys.run_name("1-k")), "jid", JID)
    assert codes(why(JID)) == {"next": False}
    assert [one.text for one in find(JID).known] == ["has the lock while_executing of unique jobs"]


def test_a_later_push_has_replaced_it(store: redis.Redis) -> None:
    unique = {"key": "1-k", "lock": "until_executed", "on_conflict": "replace"}
    works(store)
    waits(store, payload(unique=unique))
    store.zadd(unique_keys.REPLACED, {JID: 1})
    assert codes(why(JID)) == {"replaced": True, "next": False}


def test_it_has_expired_or_will_before_it_is_due(store: redis.Redis) -> None:
    works(store)
    waits(store, payload(expires_at=time.time() - 5))
    assert codes(why(JID)) == {"expired": True, "next": False}
    store.delete("queue:default")
    text = payload(expires_at=time.time() + 50)
    store.zadd("schedule", {text: time.time() + 100})
    assert codes(why(JID)) == {"due": True, "expires": False}


def test_somebody_has_cancelled_it(store: redis.Redis) -> None:
    works(store)
    waits(store)
    kiq.cancel(JID)
    assert codes(why(JID)) == {"cancelled": True, "next": False}


def test_a_redis_that_is_full(
    private_server: Any, unconfigured: None, fresh_host: kiq.Host
) -> None:
    full: TestServer = private_server()
    client = full.client()
    client.config_set("maxmemory", "1")
    client.config_set("maxmemory-policy", "noeviction")
    kiq.configure(redis=full.url)
    assert codes(why(JID)) == {"unknown": True, "redis_full": True}
    client.config_set("maxmemory", "0")
    assert codes(why(JID)) == {"unknown": True}
    client.close()


def test_what_features_hold_is_told_and_one_that_breaks_hides_nothing(
    store: redis.Redis, fresh_host: kiq.Host
) -> None:
    def breaks(asked: Asked) -> Iterator[Reason]:
        yield Reason("half", "said before it broke")
        raise ValueError("a bug")

    def holds(asked: Asked) -> Iterator[Reason]:
        assert asked.payload["args"] == ["bob"]
        assert asked.before == 0
        yield Reason("slot", "no slot is free", "kiq limits", jid="c")

    fresh_host.explainers += [Explainer("a", holds=breaks), Explainer("b", holds=holds)]
    works(store)
    waits(store)
    answer = why(JID)
    assert codes(answer) == {"half": True, "slot": True, "next": False}
    assert answer.unknown == ("a: ValueError: a bug",)


def test_whose_batch_it_is_and_that_it_was_cancelled(store: redis.Redis) -> None:
    with kiq.Batch("recount") as one:
        jid = kiq.push({"class": "Mail", "args": [], "queue": "default"})
        kiq.push({"class": "Mail", "args": [], "queue": "default"})
    works(store)
    (known,) = find(str(jid)).known
    assert known.text == f"is of the batch {one.bid} (recount): running, 0 of 2 jobs have ended"
    assert "batch_cancelled" not in codes(why(str(jid)))
    one.cancel("no longer wanted")
    answer = why(str(jid))
    assert codes(answer)["batch_cancelled"]
    text = the(answer, "batch_cancelled").text
    assert text.startswith(f"its batch {one.bid} (recount) was cancelled (no longer wanted)")
    store.delete(f"kiq:batch:{one.bid}")
    assert "nobody knows any more" in find(str(jid)).known[0].text
    waits(store, payload("k", callback={"bid": "b1", "event": "success"}))
    assert find("k").known[0].text == "is the callback success of the batch b1"


def test_looking_writes_nothing(store: redis.Redis) -> None:
    works(store)
    waits(store)
    before = contents(store)
    why(JID)
    assert contents(store) == before


def test_the_command_says_it_with_what_helps(
    store: redis.Redis, command_store: redis.Redis
) -> None:
    works(store)
    waits(store, payload("1"), payload())
    store.sadd("paused", "default")
    outcome = command("why", JID)
    assert outcome.code == 1
    assert outcome.lines == [
        f"{JID} waits in default, behind 1 job",
        "! the queue default is paused",
        "    kiq unpause default",
        "- 1 job is taken before it",
        "    kiq queues default",
    ]
    assert [each["code"] for each in command("why", JID, "--json").document["reasons"]] == [
        *("paused", "behind")
    ]
    assert command("why", "1").code == 1
    store.srem("paused", "default")
    assert command("why", JID).code == 0
