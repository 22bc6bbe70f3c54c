"""The names of a connection's keys and channels: kiq's bare ones, or behind a namespace.

Whoever makes a command writes bare names, as :mod:`kiq.keys` gives them. They get their prefix when the
command is sent, by the tables here: which parts of a command are names. Scripts are given all their names
as KEYS, channels too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from .. import keys
from ..errors import StoreError
from .scripts import Command

#: Which parts of a command are names, and the first words of such commands.
_GROUPS = (
    (
        slice(1, 1),
        "ACL CLIENT COMMAND CONFIG DBSIZE ECHO INFO LATENCY PING ROLE SCRIPT SENTINEL SLOWLOG TIME "
        "WAIT",
    ),
    (
        slice(1, 2),
        "APPEND BITCOUNT BITFIELD BITFIELD_RO BITPOS DECR DECRBY DUMP EXPIRE EXPIREAT EXPIRETIME GET "
        "GETBIT GETDEL GETEX GETRANGE GETSET HDEL HEXISTS HGET HGETALL HINCRBY HINCRBYFLOAT HKEYS HLEN "
        "HMGET HMSET HRANDFIELD HSCAN HSET HSETNX HSTRLEN HVALS INCR INCRBY INCRBYFLOAT LINDEX LINSERT "
        "LLEN LPOP LPOS LPUSH LPUSHX LRANGE LREM LSET LTRIM PERSIST PEXPIRE PEXPIREAT PSETEX PTTL "
        "PUBLISH RESTORE RPOP RPUSH RPUSHX SADD SCARD SET SETBIT SETEX SETNX SETRANGE SISMEMBER "
        "SMEMBERS SMISMEMBER SPOP SRANDMEMBER SREM SSCAN STRLEN TTL TYPE XADD XLEN XRANGE XTRIM ZADD "
        "ZCARD ZCOUNT ZINCRBY ZLEXCOUNT ZMSCORE ZPOPMAX ZPOPMIN ZRANDMEMBER ZRANGE ZRANGEBYLEX "
        "ZRANGEBYSCORE ZRANK ZREM ZREMRANGEBYLEX ZREMRANGEBYRANK ZREMRANGEBYSCORE ZREVRANGE "
        "ZREVRANGEBYLEX ZREVRANGEBYSCORE ZREVRANK ZSCAN ZSCORE",
    ),
    (slice(1, -1), "BLPOP BRPOP"),
    (slice(1, 3), "BLMOVE COPY LMOVE RENAME RENAMENX RPOPLPUSH SMOVE ZRANGESTORE"),
    (
        slice(1, None),
        "DEL EXISTS MGET PFCOUNT PFMERGE SDIFF SDIFFSTORE SINTER SINTERSTORE SUBSCRIBE SUNION SUNIONSTORE "
        "TOUCH UNLINK UNSUBSCRIBE",
    ),
    (slice(1, None, 2), "MSET MSETNX"),
)
_WHERE = {word: where for where, words in _GROUPS for word in words.split()}
#: Where a command says how many names follow.
_COUNTED = {
    **dict.fromkeys(["EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO", "FCALL", "FCALL_RO"], 2),
    **dict.fromkeys(["SINTERCARD", "ZDIFF", "ZINTER", "ZUNION"], 1),
}
_BELL = keys.bell("")
_MATCH = "MATCH"
_GLOB = re.compile(r"[\\*?\[\]^]")


@dataclass(frozen=True, slots=True)
class Keyspace:
    """The names in one *database* of a Redis, behind *namespace* and a colon if there is one."""

    namespace: str = ""
    database: int = 0

    @property
    def bare(self) -> bool:
        """Whether names are as they are written: then there is nothing to place."""
        return not self.namespace and not self.database

    @property
    def prefix(self) -> str:
        """What every name begins with."""
        return f"{self.namespace}:" if self.namespace else ""

    def name(self, bare: Any) -> Any:
        """Return the name here of what is called *bare* (text or bytes) in kiq.

        A channel belongs to no database. An owner's bell is its own all the same, as its name is in it; one
        that all workers hear has the number of the database.
        """
        if isinstance(bare, bytes):
            return self.prefix.encode() + bare
        if self.database and bare.startswith(_BELL):
            heard = bare[len(_BELL) :]
            if heard and ":" not in heard:
                return f"{self.prefix}{bare}@{self.database}"
        return self.prefix + bare

    def place(self, command: Command) -> Command:
        """Return *command* with its names as they are here.

        Raises StoreError for a command of which it is not known what are names.
        """
        if self.bare:
            return command
        where = _WHERE.get(command[0])
        if where is None:
            if command[0] == "SCAN":
                return self._scan(command)
            at = _COUNTED.get(command[0])
            if at is None:
                raise StoreError(
                    f"which parts of {command[0]} are keys is not known here, so it can't be sent to "
                    f"{self}: send it in a script (EVAL) that has its keys as KEYS"
                )
            where = slice(at + 1, at + 1 + int(command[at]))
        parts = list(command)
        parts[where] = map(self.name, parts[where])
        return tuple(parts)

    def read(self, command: Command, reply: Any) -> Any:
        """Return *reply* with names as kiq writes them, where *command* asks for the names of keys."""
        if command[0] != "SCAN" or not isinstance(reply, list):
            return reply
        cursor, names = reply
        return [cursor, [name[len(self.prefix.encode()) :] for name in names]]

    def _scan(self, command: Command) -> Command:
        parts = list(command)
        if _MATCH not in parts:
            parts += [_MATCH, "*"]
        at = parts.index(_MATCH) + 1
        parts[at] = _GLOB.sub(r"\\\g<0>", self.prefix) + parts[at]
        return tuple(parts)

    def __str__(self) -> str:
        """Return how people are told."""
        return f"the namespace {self.namespace}" if self.namespace else f"database {self.database}"


#: Names as they are written, in database 0.
BARE = Keyspace()
