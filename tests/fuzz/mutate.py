"""Mutations: of bytes, and of fields."""

from __future__ import annotations

import random
from typing import Any

from tests.fuzz.samples import Format, Sample, job, mixed_job, value, write

#: Fields that kiq or Sidekiq gives a meaning to.
FIELDS = (
    *("class", "args", "kwargs", "jid", "queue", "retry", "retry_count", "retry_for", "dead"),
    *("retry_queue", "at", "created_at", "enqueued_at", "failed_at", "retried_at", "backtrace"),
    *("error_message", "error_class", "error_backtrace", "log_level", "tags", "bid", "wrapped"),
)
_NOT_IN_JSON = (float("nan"), float("inf"), float("-inf"))


def mutant(chance: random.Random, form: Format) -> bytes:
    """Return a job's bytes with one to four faults in them."""
    raw = bytearray(write(mixed_job(chance, form), form))
    for _ in range(chance.randint(1, 4)):
        _spoil(raw, chance)
    return bytes(raw)


def _spoil(raw: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(raw) + 1)
    length = chance.randint(1, 12)
    match chance.randrange(7):
        case 0 if at < len(raw):
            raw[at] ^= 1 << chance.randrange(8)
        case 1 if at < len(raw):
            raw[at] = chance.randrange(256)
        case 2:
            raw[at:at] = chance.randbytes(length)
        case 3:
            del raw[at : at + length]
        case 4:
            begin = chance.randrange(len(raw) + 1)
            raw[at:at] = raw[begin : begin + 4 * length]  # a slice twice
        case 5 if chance.random() < 0.2:
            del raw[at:]
        case _:
            other = chance.randrange(len(raw) + 1)
            one, two = raw[at : at + 4], raw[other : other + 4]
            raw[at : at + len(two)], raw[other : other + len(one)] = two, one


def odd_field(chance: random.Random, form: Format) -> Sample:
    """Return a job of which one or two fields have a value that they should not have."""
    payload = mixed_job(chance, form)
    for _ in range(chance.randint(1, 2)):
        payload[chance.choice(FIELDS)] = chance.choice(oddities(form))
    return _known(payload, form)


def swapped_fields(chance: random.Random, form: Format) -> Sample:
    """Return a job of which two fields have each other's values."""
    payload = mixed_job(chance, form)
    one, two = chance.sample(sorted(payload), 2)
    payload[one], payload[two] = payload[two], payload[one]
    return _known(payload, form)


def well_formed(chance: random.Random, form: Format) -> Sample:
    """Return a job that nothing is wrong with."""
    return _known(mixed_job(chance, form), form)


def noise(chance: random.Random, form: Format) -> bytes:
    """Return random bytes behind a good beginning."""
    raw = write(mixed_job(chance, form), form)
    return raw[: chance.randrange(len(raw))] + chance.randbytes(chance.randrange(40))


def oddities(form: Format) -> list[Any]:
    """Return values that no field expects."""
    chance = random.Random(1)
    common: list[Any] = [
        *(None, True, False, 0, 1, -1, -5, 1.5, 3.0, 10**9, 2**53, 2**63 - 1, -(2**63), 2**64 - 1),
        *("", "3", "x", "yes", "-1", "NaN", "../x", "\n", "\x00", "a b", "a{b}", "queue:x", "*"),
        *("x" * 101, "\u202e\u2028\U0001f600", [], ["x"], [None], [[]], {}, {"a": 1}, {"": []}),
        *([value(chance, form) for _ in range(30)],),
    ]
    if form == "json":
        return [*common, 10**70, -(10**400), 1e308]
    return [*common, *_NOT_IN_JSON, b"", b"\xff" * 80, *(value(chance, form, 0) for _ in range(40))]


def each_odd_field(chance: random.Random, form: Format) -> list[Sample]:
    """Return, for every field and every odd value, a job that has it."""
    return [
        _known(job(chance, **{field: odd}), form, everywhere=True)
        for field in FIELDS
        for odd in oddities(form)
    ]


def _known(payload: dict[str, Any], form: Format, *, everywhere: bool = False) -> Sample:
    named = isinstance(payload.get("class"), str) and payload["class"] != ""
    fits = named and isinstance(payload.get("args"), list)
    # Bytes and other things that JSON lacks were written as text: then it does not matter here.
    if form == "json" and type(payload.get("class")) not in (str, int, float, bool, type(None)):
        return Sample(write(payload, form), "?", everywhere)
    return Sample(write(payload, form), "job" if fits else "no job", everywhere)
