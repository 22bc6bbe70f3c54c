"""Keeping: a recording as Sidekiq's profile in Redis, for a day."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from importlib import resources

from ...clock import wall
from ...store.connection import Link
from ...store.scripts import Command
from . import keys
from .firefox import document
from .recording import Recording

MOST_KEPT = 100  # profiles in Redis; an older one goes when another comes
LARGEST = 8 * 1024 * 1024  # bytes of one, compressed

_SCRIPTS = resources.files("kiq.plugins.profiling") / "lua"
_KEEP, _DROP = (_SCRIPTS.joinpath(f"{name}.lua").read_text("utf-8") for name in ("keep", "drop"))


@dataclass(frozen=True, slots=True)
class Profiled:
    """A run that was recorded, and whose it was."""

    token: str
    jid: str
    job_class: str
    recording: Recording


def keep(link: Link, profiled: Profiled) -> str:
    """Write a profile to Redis; return why it was not kept, or "". Raises StoreError.

    One round trip, and another one when the oldest must go.
    """
    data = packed(profiled)
    if len(data) > LARGEST:
        return f"it has {len(data)} bytes, and {LARGEST} are kept at most"
    kept, *oldest = link.call(_command(profiled, data))
    if not kept:
        return "its key is taken by something else; choose another token"
    if oldest:
        link.call(("EVAL", _DROP, 1 + len(oldest), keys.PROFILES, *oldest, *oldest))
    return ""


def packed(profiled: Profiled) -> bytes:
    """Return the compressed document of a profile."""
    title = f"{profiled.job_class} {profiled.jid}"
    text = json.dumps(document(profiled.recording, title), separators=(",", ":"))
    return gzip.compress(text.encode(), 6)


def _command(profiled: Profiled, data: bytes) -> Command:
    recording, name = profiled.recording, keys.profile(profiled.token, profiled.jid)
    fields = {
        "started_at": int(recording.started_at),
        "token": profiled.token,
        "type": profiled.job_class,
        "jid": profiled.jid,
        "filename": f"{name}.json.gz",
        "elapsed": round(recording.elapsed, 6),
        "data": data,
        "size": len(data),
    }
    pairs = [part for pair in fields.items() for part in pair]
    arguments = (int(wall()), keys.TTL, name, MOST_KEPT, *pairs)
    return ("EVAL", _KEEP, 2, keys.PROFILES, name, *arguments)
