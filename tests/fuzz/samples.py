"""What the fuzzer feeds: byte strings, and what is known of each by the way it was made."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import msgpack

Format = Literal["json", "msgpack"]
FORMATS: tuple[Format, ...] = ("json", "msgpack")

JOBS = "tests.fuzz.jobs"
#: Runs, whatever its arguments.
GOOD = f"{JOBS}.Good"
#: Raises, always.
FAILS = f"{JOBS}.Fails"
#: Takes one argument.
PICKY = f"{JOBS}.Picky"
#: The queues that the workers serve.
SERVED = ("fuzz", "default")

Known = Literal["job", "no job", "?"]


@dataclass(frozen=True, slots=True)
class Sample:
    """Bytes to feed. *known* is what they are by construction; *everywhere*: to queue and sets alike."""

    raw: bytes
    known: Known = "?"
    everywhere: bool = False


def write(payload: dict[Any, Any], form: Format) -> bytes:
    """Return *payload* in a format, by the libraries themselves: nothing of kiq checks it.

    JSON shows what it lacks as text, but writes NaN, as Python does.
    """
    if form == "json":
        return json.dumps(payload, default=str, separators=(",", ":")).encode()
    packed: bytes = msgpack.packb(payload, default=_extension, datetime=True, strict_types=True)
    return packed


def _extension(value: Any) -> msgpack.ExtType:
    if isinstance(value, UUID):
        return msgpack.ExtType(2, value.bytes)
    return msgpack.ExtType(3, str(value).encode())


def job(chance: random.Random, **fields: Any) -> dict[str, Any]:
    """Return the payload of a job that nobody else has: its jid is drawn. *fields* replace and add."""
    return {
        "class": GOOD,
        "args": [1, "two"],
        "jid": f"{chance.getrandbits(96):024x}",
        "queue": "fuzz",
        "created_at": 1_795_293_240_812,
        **fields,
    }


def mixed_job(chance: random.Random, form: Format) -> dict[str, Any]:
    """Return a well-formed payload of any kind: classes known and unknown, many fields or few."""
    name = chance.choice((GOOD, GOOD, GOOD, FAILS, PICKY, "no.Such", "Foo::Bar"))
    payload = job(chance, **{"class": name, "args": [value(chance, form) for _ in range(3)]})
    for field, choices in _OPTIONAL.items():
        if chance.random() < 0.2:
            payload[field] = chance.choice(choices)
    if chance.random() < 0.1:
        del payload["jid"]
    if chance.random() < 0.1:
        del payload["queue"]
    return payload


_OPTIONAL: dict[str, tuple[Any, ...]] = {
    "queue": ("default", "fuzz", "elsewhere", "a:b"),
    "kwargs": ({}, {"a": 1}, {"name": "Bob", "n": [1, 2]}),
    "retry": (True, False, None, 0, 1, 25),
    "retry_count": (0, 3, 24),
    "retry_queue": ("default", "slow"),
    "retry_for": (3600, 1.5),
    "failed_at": (1_795_293_240_812, 1_795_293_240.5),
    "backtrace": (True, False, 3),
    "dead": (True, False),
    "tags": ([], ["a", "b"]),
    "bid": ("b-1",),
    "wrapped": ("MyActiveJob",),
    "cattr": ({"user": 7},),
    "at": (1_795_293_240.25,),
    "enqueued_at": (1_795_293_240_900,),
}


def value(chance: random.Random, form: Format, depth: int = 2) -> Any:
    """Return some value that *form* carries."""
    kinds = 8 if form == "json" else 12
    match chance.randrange(kinds + (2 if depth else 0)):
        case 0:
            return None
        case 1:
            return chance.random() < 0.5
        case 2:
            return chance.randint(-(2**63), 2**63 - 1)
        case 3:
            return chance.randint(-40, 200)
        case 4:
            return chance.uniform(-1e6, 1e6)
        case 5:
            return "".join(chance.choices("abc é\u20ac\U0001f600\x00\u2028\u202e\n", k=6))
        case 6:
            return "x" * chance.choice((0, 31, 32, 255, 256))
        case 7:
            return chance.choice((1e308, -0.0, 5e-324, 2.0**53))
        case 8 if form == "msgpack":
            return chance.randbytes(chance.choice((0, 5, 300)))
        case 9 if form == "msgpack":
            return datetime.fromtimestamp(chance.randint(-(10**9), 10**10) / 8, UTC)
        case 10 if form == "msgpack":
            return UUID(int=chance.getrandbits(128))
        case 11 if form == "msgpack":
            return Decimal(chance.randint(-(10**9), 10**9)).scaleb(-3)
        case even if even % 2:
            return [value(chance, form, depth - 1) for _ in range(chance.randrange(4))]
        case _:
            return {f"k{n}": value(chance, form, depth - 1) for n in range(chance.randrange(4))}
