"""What people see of worker processes: Sidekiq's keys for processes and busy jobs.

For display only: Ruby prunes these keys, so recovery never reads them (owners are in
:mod:`kiq.store.owners`).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from .. import keys
from . import scripts
from .connection import Link


def show(
    link: Link,
    identity: str,
    info: Mapping[str, Any],
    fields: Mapping[str, Any],
    work: Mapping[str, Mapping[str, Any]],
    sidekiq: int = 8,
) -> None:
    """Show this process for a minute. One round trip.

    *info* is Sidekiq's ``info`` object, *fields* the rest of the hash (busy, beat, quiet, rss ...),
    *work* what each busy thread runs, for Ruby's *sidekiq* of that major version.
    """
    place = keys.work(identity, sidekiq)
    commands: list[tuple[Any, ...]] = [("DEL", place)]
    if work:
        pairs = [part for tid, job in work.items() for part in (tid, json.dumps(job))]
        commands += [("HSET", place, *pairs), ("EXPIRE", place, keys.PROCESS_TTL)]
    shown = [part for name, value in fields.items() for part in (name, value)]
    commands += [
        ("HSET", identity, "info", json.dumps(info), *shown),
        ("EXPIRE", identity, keys.PROCESS_TTL),
        ("SADD", keys.PROCESSES, identity),  # last: on the list without a hash, it would be pruned
    ]
    link.exchange(commands)


def hide(link: Link, identity: str, sidekiq: int = 8) -> None:
    """Take this process off the list. One round trip."""
    link.exchange(
        [
            ("SREM", keys.PROCESSES, identity),
            (
                "DEL",
                identity,
                keys.work(identity, sidekiq),
                keys.signals(identity),
                *keys.heard(identity),
            ),
        ]
    )


def prune(link: Link) -> int:
    """Take processes off the list whose hash is gone; return how many. Two round trips."""
    names = link.call(("SMEMBERS", keys.PROCESSES))
    if not names:
        return 0
    found = link.exchange([("HEXISTS", name, "info") for name in names])
    gone = [name for name, there in zip(names, found, strict=True) if there == 0]
    if gone:
        link.call(("SREM", keys.PROCESSES, *gone))
    return len(gone)


def infos(link: Link) -> dict[str, dict[str, Any]]:
    """Return the ``info`` of every process that is shown. Two round trips."""
    names: Sequence[bytes] = link.call(("SMEMBERS", keys.PROCESSES))
    if not names:
        return {}
    replies = link.exchange([("HGET", name, "info") for name in names])
    shown = {}
    for name, reply in zip(names, replies, strict=True):
        if isinstance(reply, bytes):
            try:
                info = json.loads(reply)
            except ValueError:
                continue  # another program's entry: not ours to judge
            if isinstance(info, dict):
                shown[name.decode(errors="replace")] = info
    return shown


def sidekiq_of(info: Mapping[str, Any]) -> int:
    """Return the setting ``sidekiq`` that suits the Ruby process with this ``info``: 6, 7 or 8."""
    major = str(info.get("version", "")).partition(".")[0]  # before 7 it tells none
    return min(max(int(major), 6), 8) if major.isascii() and major.isdecimal() else 6


def store_id(link: Link) -> str:
    """Return this database's random name, made at the first call. One round trip."""
    name = link.call(scripts.name((keys.STORE_ID, keys.SUSPECTS), (uuid.uuid4().hex,)))
    return str(name.decode())
