"""Which commands kiq sends to Redis: what it can't do without, and what it can.

Redis is often rented, and some of its commands are taken away (by an ACL, or renamed). A worker that lacks
one it needs is refused at boot, by the command's name; what is a nicety it does without.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .. import keys
from ..errors import StoreDenied, StoreError
from ..store.connection import Link
from ..store.scripts import Command
from ..store.translation import is_taken_away

logger = logging.getLogger("kiq.redis")

_KEY, _OTHER = "<key>", "<other>"
_NOBODY = "host:0:probe"

#: What a worker needs, each with a call that changes nothing for anybody: on a key that nobody has.
NEEDED: dict[str, tuple[Any, ...]] = {
    "EVAL": ("return 1", "0"),
    "EVALSHA": ("0" * 40, "0"),
    "DEL": (_KEY,),
    "EXISTS": (_KEY,),
    "EXPIRE": (_KEY, "1"),
    "GET": (_KEY,),
    "HDEL": (_KEY, "f"),
    "HEXISTS": (_KEY, "f"),
    "HGET": (_KEY, "f"),
    "HGETALL": (_KEY,),
    "HKEYS": (_KEY,),
    "HLEN": (_KEY,),
    "HMGET": (_KEY, "f"),
    "HSCAN": (_KEY, "0"),
    "HSET": (_KEY, "f", "v"),
    "HSTRLEN": (_KEY, "f"),
    "INCRBY": (_KEY, "1"),
    "LPUSH": (_KEY, "v"),
    "PTTL": (_KEY,),
    "RENAME": (_KEY, _OTHER),
    "RPOP": (_KEY,),
    "RPUSH": (_KEY, "v"),
    "SADD": (_KEY, "m"),
    "SCARD": (_KEY,),
    "SET": (_KEY, "v"),
    "SMEMBERS": (_KEY,),
    "SMISMEMBER": (_KEY, "m"),
    "SPOP": (_KEY,),
    "SREM": (_KEY, "m"),
    "TIME": (),
    "ZADD": (_KEY, "1", "m"),
    "ZCARD": (_KEY,),
    "ZRANGE": (_KEY, "0", "0"),
    "ZRANGEBYSCORE": (_KEY, "0", "0"),
    "ZREM": (_KEY, "m"),
    "ZREVRANGEBYSCORE": (_KEY, "1", "0"),
}

ALLOW = (
    "allow it (ACL SETUSER ... {grants}; docs/redis.md has the whole line), or give kiq a Redis where it "
    "is not renamed; docs/operations.md lists every command"
)
_DEAF = "an idle worker looks for jobs every 100 ms or so, and for cancel requests every 5 s"

#: What a worker does without, and how.
NICETIES: dict[str, str] = {
    "CLIENT": "its connections have no name in CLIENT LIST",
    "INFO": "the server's version and its maxmemory-policy are not checked",
    "PUBLISH": _DEAF,
    "SCAN": "jobs in flight of which nothing else is known are not looked for",
    "SCRIPT": "scripts are sent whole whenever Redis has forgotten them",
    "SUBSCRIBE": _DEAF,
}

#: What only commands of kiq's command line, kiq.api, and features that are used send: a refusal is theirs.
ELSEWHERE: dict[str, str] = {
    "BITFIELD": "metrics: some are missing",
    "HINCRBY": "metrics: some are missing; trends",
    "CONFIG": "`kiq doctor`: some checks are left out",
    "HSETNX": "`kiq.cancel`, iterable jobs",
    "LINDEX": "`kiq.api`: queues; trends",
    "LINSERT": "`kiq.api`: undoing what was deleted from a queue",
    "LLEN": "`kiq.api`: queues; trends",
    "LMOVE": "`kiq quiet`, `kiq stop`, `kiq dump`: workers don't hear them",
    "LPOP": "periodic jobs: their history",
    "LPOS": "`kiq.api`: queues",
    "LRANGE": "`kiq.api`: queues",
    "LREM": "`kiq.api`: queues; guards: a push whose lock can't be written is not taken back",
    "LSET": "unique jobs: a job that waits is not replaced",
    "LTRIM": "periodic jobs: their history",
    "MGET": "`kiq.api`: stats; results",
    "PERSIST": "iterable jobs that Ruby has cancelled",
    "PEXPIRE": "unique jobs: locks that expire",
    "PING": "`kiq doctor`",
    "RENAMENX": "`kiq verify --mend`: keys of a wrong type",
    "ROLE": "with Sentinel: a replica that is named as the master is noticed by its refusals only",
    "SENTINEL": "asked of Sentinels",
    "SISMEMBER": "`kiq.api`: queues, processes",
    "SSCAN": "`kiq batches`: the members of a large one",
    "SUNION": "`kiq.api`: cancel requests",
    "TYPE": "`kiq.api`: acts on sets",
    "UNLINK": "`kiq.api`: clearing; iterable jobs, when they end",
    "ZCOUNT": "`kiq.api`: sets",
    "ZRANDMEMBER": "`kiq.api`: groups of failures",
    "ZMSCORE": "`kiq.api`: cancel requests; results",
    "ZPOPMIN": "unique jobs, limits: those that wait",
    "ZRANK": "`kiq limits`",
    "ZREMRANGEBYRANK": "`kiq.cancel`, profiles, results",
    "ZREMRANGEBYSCORE": "`kiq.cancel`, profiles, results",
    "ZREVRANGE": "`kiq.api`: sets",
    "ZSCAN": "`kiq.api`: looking for text in sets",
    "ZSCORE": "`kiq.api`: sets, profiles; results; guarded pushes that are scheduled, or may be kept",
}

#: Keys that a worker touches, whatever its queues are called.
_KEYS = (
    *(keys.QUEUES, keys.RETRY, keys.SCHEDULE, keys.DEAD, keys.PAUSED, keys.PROCESSES),
    *(keys.STAT_PROCESSED, keys.OWNERS, keys.record(_NOBODY), keys.POLLER, keys.SUSPECTS),
)

#: How a nicety is tried.
_TRIALS: dict[str, tuple[Any, ...]] = {
    "CLIENT": ("CLIENT", "SETNAME", "kiq"),
    "INFO": ("INFO", "server"),
    "PUBLISH": ("PUBLISH", keys.bell("probe"), "1"),
    "SCAN": ("SCAN", "0", "MATCH", keys.STORE_ID, "COUNT", "1"),
    "SCRIPT": ("SCRIPT", "EXISTS", "0" * 40),
    "SUBSCRIBE": ("SUBSCRIBE", keys.bell("probe")),  # the last, with UNSUBSCRIBE behind it
}

#: Tries commands where those of jobs are sent, in a script; returns command, refusal, ...
_PROBE = """
local keys = {['<key>'] = KEYS[1], ['<other>'] = KEYS[2]}
local refused, at = {}, 1
while at <= #ARGV do
  local call = {}
  for i = 1, tonumber(ARGV[at]) do call[i] = keys[ARGV[at + i]] or ARGV[at + i] end
  at = at + #call + 1
  local reply = redis.pcall(unpack(call))
  if type(reply) == 'table' and reply.err then
    refused[#refused + 1] = call[1]; refused[#refused + 1] = reply.err
  end
  redis.pcall('DEL', KEYS[1])
end
return refused
"""

Exchange = Callable[[Sequence[Command]], list[Any]]


@dataclass(frozen=True, slots=True)
class Refusals:
    """The commands that a server does not take from this user, in the order of the tables above."""

    needed: tuple[str, ...] = ()
    niceties: tuple[str, ...] = ()


def probe(exchange: Exchange) -> Refusals:
    """Try every command, by calls that change nothing. Two round trips (four where scripts are unknown).

    *exchange* sends commands and returns their replies, a StoreError for each that was refused.
    """
    names = list(_TRIALS)
    replies = exchange([("EVAL", "return 1", 0), ("EVALSHA", "0" * 40, 0)])
    refused = {
        name
        for name, reply in zip(("EVAL", "EVALSHA"), replies, strict=True)
        if isinstance(reply, StoreError) and is_taken_away(str(reply))
    }
    if "EVAL" in refused:
        return Refusals(tuple(each for each in NEEDED if each in refused), ())
    trials = [_TRIALS[name] for name in names]
    inside, *plain, _ = exchange([_in_script(), *trials, ("UNSUBSCRIBE", keys.bell("probe"))])
    lacking = {
        name
        for name, reply in zip(names, plain, strict=True)
        if isinstance(reply, StoreError) and is_taken_away(str(reply))
    }
    if isinstance(inside, StoreError):
        raise inside
    for name, text in zip(inside[::2], inside[1::2], strict=True):
        if is_taken_away(text.decode(errors="replace")):
            refused.add(name.decode())
    return Refusals(
        tuple(each for each in NEEDED if each in refused),
        tuple(each for each in NICETIES if each in lacking),
    )


def allow(commands: Sequence[str]) -> str:
    """Return what to do about *commands* that a server does not take from this user."""
    return ALLOW.format(grants=" ".join(f"+{name.lower()}" for name in commands))


def closed_keys(exchange: Exchange, names: Sequence[str]) -> list[str]:
    """Return which of *names* this user may not touch, where Redis says so. One round trip."""
    replies = exchange([("EXISTS", name) for name in names])
    return [
        name
        for name, reply in zip(names, replies, strict=True)
        if isinstance(reply, StoreError) and " key" in str(reply) and "to run" not in str(reply)
    ]


def check(link: Link, queues: Sequence[str] = ()) -> None:
    """Refuse a server that lacks a command; say once what is done without. A round trip more than probe.

    Raises StoreDenied, which names the commands, or the keys that this user may not touch.
    """
    own = (place(name) for name in queues for place in (keys.queue, keys.idle))
    closed = closed_keys(link.exchange, (*_KEYS, *own))
    if closed:
        shown = [str(link.keyspace.name(name)) for name in closed]
        raise StoreDenied(
            f"Redis does not let this user touch keys such as {', '.join(shown)}: "
            f"ACL SETUSER ... {' '.join(f'~{name}' for name in shown)}; docs/redis.md has the whole line"
        )
    found = probe(link.exchange)
    if found.needed:
        raise StoreDenied(
            f"Redis does not take {', '.join(found.needed)} from this user, which kiq needs: "
            + allow(found.needed)
        )
    for name in found.niceties:
        logger.warning("Redis does not take %s: %s", name, NICETIES[name])


def _in_script() -> Command:
    key = f"{keys.DOCTOR}:{uuid.uuid4().hex}"
    words: list[Any] = []
    for name, parts in NEEDED.items():
        if name in ("EVAL", "EVALSHA"):
            continue
        words += (1 + len(parts), name, *parts)
    return ("EVAL", _PROBE, 2, key, f"{key}:2", *words)
