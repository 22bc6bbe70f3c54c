"""Pushes of function jobs, and of jobs that are named by a string."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import assert_type

import kiq


@kiq.job
def plain(number: int) -> str:
    return str(number)


@kiq.job(queue="mailers", retry=2)
def welcome(user_id: int, *, again: bool = False) -> None: ...


@kiq.job()
def variadic(*names: str, **counts: int) -> None: ...


soon = datetime.now(UTC) + timedelta(hours=1)

assert_type(plain(1), str)
assert_type(plain.perform_async(1), str | None)
assert_type(plain.perform_in(timedelta(minutes=1), 1), str | None)
assert_type(plain.perform_at(soon, 1), str | None)
assert_type(plain.perform_bulk([(1,), plain.args(2)]), list[str | None])
assert_type(plain.perform_bulk(([n] for n in range(9)), batch_size=3), list[str | None])
plain.perform_inline(1)
assert_type(welcome.perform_async(1, again=True), str | None)
assert_type(welcome.set(queue="low").perform_at(soon, 1), str | None)
assert_type(welcome.set(queue="low").perform_bulk([welcome.args(1, again=True)]), list[str | None])
assert_type(variadic.perform_async("a", "b", c=1), str | None)


def later(job: kiq.FunctionJob[[int], str], number: int) -> str | None:
    return job.perform_in(60, number)


later(plain, 5)

assert_type(kiq.push({"class": "Ruby::Job", "args": [1]}), str | None)
assert_type(kiq.push({"class": plain, "args": [1], "at": 4e9}), str | None)
assert_type(kiq.push_bulk({"class": "Ruby::Job"}, [[1], (2,)]), list[str | None])

client = kiq.Client("redis://localhost:6379/0", codec="json", push_buffer=100)
assert_type(client.push({"class": "Ruby::Job", "args": [1]}), str | None)
kiq.configure(redis="redis://localhost:6379/0", codec="json", max_payload=1_000_000)
kiq.configure("config/kiq.yml")
