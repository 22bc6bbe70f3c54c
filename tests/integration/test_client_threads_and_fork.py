"""One client, many threads and forked children: every job arrives, no socket is shared."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import redis

import kiq
from tests.helpers.stored import in_queue


class Work(kiq.Job, name="threads.Work"):
    def perform(self, number: int) -> None: ...


PREFORKING_PRODUCER = """
    import json, os, sys, threading
    import kiq

    class Work(kiq.Job, name="Work"):
        def perform(self, who, number): ...

    def push(who, count):
        return [Work.perform_async(who, number) for number in range(count)]

    kiq.configure(redis=sys.argv[1])
    jids = push("first", 1)
    halves = threading.Barrier(5)

    def push_around_the_forks(who):
        jids.extend(push(who, 25))
        halves.wait(20)
        jids.extend(push(who, 25))

    threads = [threading.Thread(target=push_around_the_forks, args=(f"thread {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    children = []
    for n in range(4):
        reader, writer = os.pipe()
        pid = os.fork()
        if not pid:
            os.write(writer, json.dumps(push(f"child {n}", 50)).encode())
            os._exit(0)
        os.close(writer)
        children.append((pid, reader))
    halves.wait(20)
    for thread in threads:
        thread.join()
    for pid, reader in children:
        with os.fdopen(reader, "rb") as pipe:
            jids.extend(json.loads(pipe.read()))
        assert os.waitpid(pid, 0)[1] == 0
    jids.extend(push("last", 1))
    print(json.dumps(jids))
"""

FORK_AFTER_A_PUSH = """
    import json, os, sys
    import kiq

    def push(who):
        kiq.push({"class": "X", "args": [who]})

    kiq.configure(redis=sys.argv[1])
    push("parent")
    statuses = []
    for n in range(3):
        pid = os.fork()
        if not pid:
            push(f"child {n}")
            push(f"child {n}")
            os._exit(0)
        push("parent")
        statuses.append(os.waitpid(pid, 0)[1])
    push("parent")
    print(json.dumps(statuses))
"""

FORK_WHILE_THE_CLIENT_IS_MADE = """
    import os, signal, sys, threading
    import kiq
    from kiq.client import _default

    kiq.configure(redis=sys.argv[1])
    held, done = threading.Event(), threading.Event()

    def make_slowly():
        with _default._lock:
            held.set()
            done.wait()

    thread = threading.Thread(target=make_slowly)
    thread.start()
    held.wait()
    pid = os.fork()
    if not pid:
        signal.alarm(10)
        kiq.push({"class": "X", "args": []})
        os._exit(0)
    status = os.waitpid(pid, 0)[1]
    done.set()
    thread.join()
    print(status)
"""


FORK_WITHIN_A_BULK = """
    import json, os, sys
    import kiq

    class Work(kiq.Job, name="Work"):
        def perform(self, number): ...

    kiq.configure(redis=sys.argv[1])
    reader, writer = os.pipe()
    pid = None

    def jobs():
        global pid
        for number in range(8):
            if number == 5:  # in the middle of the second slice
                pid = os.fork()
            yield (number,)

    jids = Work.perform_bulk(jobs(), batch_size=4)
    if not pid:
        os.write(writer, json.dumps(jids).encode())
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        print(json.dumps([jids, json.loads(pipe.read())]))
"""


def run(script: str, url: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", textwrap.dedent(script), url],
        capture_output=True,
        text=True,
        timeout=40,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def connections(raw: redis.Redis) -> int:
    stats: Any = raw.info("stats")
    return int(stats["total_connections_received"])


def test_threads_that_share_a_client_lose_and_mix_nothing(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    def push_many(thread: int) -> list[str | None]:
        return [Work.perform_async(thread * 1000 + number) for number in range(100)]

    with ThreadPoolExecutor(8) as pool:
        jids = [jid for pushed in pool.map(push_many, range(8)) for jid in pushed]
    stored = in_queue(raw)
    assert len(jids) == len(set(jids)) == 800
    assert {job["jid"] for job in stored} == set(jids)
    for thread in range(8):
        its_own = [job["args"][0] for job in stored if job["args"][0] // 1000 == thread]
        assert its_own == [thread * 1000 + number for number in range(100)]


def test_threads_that_race_for_the_first_push_make_one_client(
    raw: redis.Redis, kiq_client: kiq.Client, redis_url: str
) -> None:
    kiq.configure(redis=redis_url)
    with ThreadPoolExecutor(8) as pool:
        clients = set(pool.map(lambda _: kiq.client.default_client(), range(64)))
    assert len(clients) == 1


def test_a_thread_reuses_its_connection(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    Work.perform_async(0)
    before = connections(raw)
    for number in range(50):
        Work.perform_async(number)
    assert connections(raw) == before


def test_forked_children_and_threads_of_the_parent_push_at_the_same_time(
    raw: redis.Redis, redis_url: str
) -> None:
    jids = run(PREFORKING_PRODUCER, redis_url)
    stored = in_queue(raw)
    assert len(jids) == len(set(jids)) == 402
    assert sorted(job["jid"] for job in stored) == sorted(jids)
    for who in [f"child {n}" for n in range(4)] + [f"thread {n}" for n in range(4)]:
        assert [job["args"][1] for job in stored if job["args"][0] == who] in (
            list(range(50)),
            list(range(25)) * 2,
        )


def test_each_forked_child_opens_a_connection_of_its_own(raw: redis.Redis, redis_url: str) -> None:
    before = connections(raw)
    assert run(FORK_AFTER_A_PUSH, redis_url) == [0, 0, 0]
    assert connections(raw) - before == 1 + 3
    assert sorted(job["args"] for job in in_queue(raw)) == sorted(
        [[f"child {n}"] for n in range(3)] * 2 + [["parent"]] * 5
    )


def test_a_bulk_that_forks_goes_on_twice_with_jids_of_its_own(
    raw: redis.Redis, redis_url: str
) -> None:
    parent, child = run(FORK_WITHIN_A_BULK, redis_url)
    assert parent[:4] == child[:4]
    assert len({*parent, *child}) == 4 + 4 + 4
    assert sorted(job["jid"] for job in in_queue(raw)) == sorted({*parent, *child})


def test_a_child_forked_while_another_thread_makes_the_client_can_push(
    raw: redis.Redis, redis_url: str
) -> None:
    assert run(FORK_WHILE_THE_CLIENT_IS_MADE, redis_url) == 0
    assert len(in_queue(raw)) == 1


def test_a_connection_that_the_server_closed_is_replaced_before_it_is_used(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    Work.perform_async(1)
    raw.client_kill_filter(_type="normal", skipme=True)
    for link in kiq_client.sender._links._home[1]:
        link.used_at -= 5  # one that was used a moment ago is not looked at first
    Work.perform_async(2)
    assert [job["args"] for job in in_queue(raw)] == [[1], [2]]
