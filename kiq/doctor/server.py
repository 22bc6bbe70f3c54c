"""Whether this Redis keeps jobs, and does so fast enough."""

from __future__ import annotations

from collections.abc import Iterator

from ..cli import needs
from ..cli.eviction import eviction as eviction_of
from ..config import Redis
from ..store.server import MINIMUM
from ..wording import duration, visible
from .finding import Finding
from .server_facts import ServerFacts

_FULL, _NEARLY_FULL = 0.95, 0.80
_SLOW_TRIP, _SLOW_WRITE = 0.005, 0.050  # seconds
_SHORT_TIMEOUT = 60  # seconds
_ROOMY = 4 << 20  # bytes: a fetch may bring 1 MB, and one job up to 16


def version(facts: ServerFacts) -> Iterator[Finding]:
    """Judge what server this is."""
    product = "Valkey" if "valkey_version" in facts.info else "Redis"
    shown = facts.info.get("valkey_version") or facts.info.get("redis_version", "?")
    compatible = facts.info.get("redis_version", "0")
    number = tuple(int(part) for part in compatible.split(".") if part.isdecimal())
    what = f"{product} {visible(shown)}"
    if not facts.info:
        yield Finding("version", "warning", "INFO is refused: most of this can't be told", _ACL)
    elif number[:2] < MINIMUM:
        wanted = ".".join(map(str, MINIMUM))
        yield Finding("version", "danger", what, f"kiq needs Redis {wanted}, Valkey 7.2, or newer")
    else:
        yield Finding("version", "ok", what)
    if facts.info.get("role", "master") != "master":
        yield Finding(
            "role",
            "danger",
            "this is a replica: it takes no writes",
            "give kiq the URL of the primary, or of its Sentinels",
        )
    others = [name for name in facts.refused if name not in ("INFO", "CLIENT LIST", "CONFIG GET")]
    if others:
        what = f"this user may not use {', '.join(others)}"
        yield Finding(
            "permissions", "danger", what, "ACL SETUSER ... +@read +@write +@scripting +time"
        )
    elif facts.refused:
        what = f"this user may not use {', '.join(facts.refused)}: some checks were left out"
        yield Finding("permissions", "note", what, _ACL)


_ACL = (
    "give the user that runs `kiq doctor` +info +config|get +client|list; workers need only +info"
)


def eviction(facts: ServerFacts) -> Iterator[Finding]:
    """Judge whether Redis may throw jobs away, and how full it is."""
    policy = facts.settings.get("maxmemory-policy") or facts.info.get("maxmemory_policy", "")
    limit, used = facts.number("maxmemory"), facts.number("used_memory")
    found = eviction_of(visible(policy), limit if "maxmemory" in facts.info else None)
    if found is None:
        yield Finding("eviction", "ok", f"maxmemory-policy {policy or 'is not told'}")
    else:
        yield Finding("eviction", "danger" if found.serious else "warning", found.what, found.do)
    if not limit:
        yield Finding("memory", "ok", f"{used / 2**20:,.0f} MB used, no maxmemory")
        return
    share, what = used / limit, f"{used / 2**20:,.0f} of {limit / 2**20:,.0f} MB used"
    advice = "raise maxmemory, find out which queue grows (kiq queues), or start more workers"
    if share >= _FULL:
        yield Finding("memory", "danger", f"{what}: pushes are refused when it is full", advice)
    elif share >= _NEARLY_FULL:
        yield Finding("memory", "warning", what, advice)
    else:
        yield Finding("memory", "ok", what)


def persistence(facts: ServerFacts) -> Iterator[Finding]:
    """Judge what is left of the jobs when Redis restarts."""
    if not facts.info:
        return
    info, sync = facts.info, facts.settings.get("appendfsync", "everysec")
    saves = facts.settings.get("save")
    if info.get("aof_enabled") == "1":
        loses = {"always": "nothing", "everysec": "a second or two of pushes, at a power failure"}
        lost = loses.get(sync, "what the system had not written")
        what = f"appendonly yes, appendfsync {sync}: a crash loses {lost}"
        advice = "" if sync in loses else "set appendfsync everysec"
        yield Finding("persistence", "warning" if advice else "ok", what, advice)
    elif saves == "":
        yield Finding(
            "persistence",
            "danger",
            "nothing is written to disk: a restart of Redis loses every job",
            _AOF,
        )
    else:
        what = "appendonly no: a crash of Redis loses all since its last snapshot"
        yield Finding("persistence", "warning", what, _AOF)
    failing = [
        name
        for name in ("aof_last_write_status", "aof_last_bgrewrite_status", "rdb_last_bgsave_status")
        if info.get(name, "ok") != "ok"
    ]
    if failing:
        yield Finding(
            "disk",
            "danger",
            f"Redis could not write to its disk ({', '.join(failing)}): it may refuse pushes",
            "make room on its disk; its log says what went wrong",
        )


_AOF = "CONFIG SET appendonly yes, and the same in its configuration file"


def writes(facts: ServerFacts) -> Iterator[Finding]:
    """Judge whether Redis takes writes at present."""
    if facts.write_refused:
        yield Finding(
            "writes",
            "danger",
            f"a small write was refused, so pushes are too: {visible(facts.write_refused)}",
            "its log and INFO say more: replicas that are missing, a disk or a memory that is full",
        )


def latency(facts: ServerFacts) -> Iterator[Finding]:
    """Judge how long Redis takes to answer and to write."""
    trip = facts.round_trip
    what = f"a round trip takes {_milliseconds(trip)}"
    if trip > _SLOW_TRIP:
        yield Finding(
            "round-trip", "warning", what, "run workers nearer to Redis, in one zone with it"
        )
    else:
        yield Finding("round-trip", "ok", what)
    write = facts.slowest_write
    delayed = facts.number("aof_delayed_fsync")
    if write is not None and write > max(_SLOW_WRITE, 4 * trip):
        what = f"a small write took {_milliseconds(write)}"
        yield Finding("fsync", "warning", what, _DISK)
    elif delayed:
        what = f"its disk held up writes {delayed:,} times since Redis started (aof_delayed_fsync)"
        yield Finding("fsync", "warning", what, _DISK)
    elif write is not None:
        yield Finding("fsync", "ok", f"the slowest of some writes took {_milliseconds(write)}")


_DISK = "give Redis a faster disk, or one of its own; LATENCY DOCTOR tells more"


def clock(facts: ServerFacts) -> Iterator[Finding]:
    """Judge this machine's clock by that of Redis, by which jobs become due."""
    off = facts.clock_ahead
    if abs(off) <= 1 + facts.uncertain:
        same = abs(off) <= facts.uncertain
        what = "show the same time" if same else f"differ by {_milliseconds(abs(off))}"
        yield Finding("clock", "ok", f"this machine's clock and Redis's {what}")
        return
    way, effect = ("behind", "early") if off > 0 else ("ahead of", "late")
    yield Finding(
        "clock",
        "warning" if abs(off) < 30 else "danger",
        f"this machine's clock is {duration(abs(off))} {way} Redis's: what it schedules runs {effect}",
        "let NTP (chrony, systemd-timesyncd) set the clocks of both machines",
    )


def clients(facts: ServerFacts, processes: int) -> Iterator[Finding]:
    """Judge whether Redis has room for the connections of the fleet, and of its next deployment."""
    limit = facts.number("maxclients") or int(facts.settings.get("maxclients") or 0)
    used, refused = facts.number("connected_clients"), facts.number("rejected_connections")
    ours = sum(count for name, count in facts.clients.items() if name.startswith("kiq"))
    if not limit:
        return
    what = f"{used:,} of {limit:,} connections used"
    if processes and ours:
        what += f", {ours:,} of them by kiq's processes and clients"
    advice = "raise maxclients (and the limit of open files), or find who leaves connections open"
    if used >= limit * _FULL:
        yield Finding("connections", "danger", f"{what}: new ones will be refused", advice)
    elif used + ours > limit:
        what += ": a deployment that runs old and new workers side by side would not fit"
        yield Finding("connections", "warning", what, advice)
    elif refused:
        what += f"; {refused:,} were refused since Redis started"
        yield Finding("connections", "warning", what, advice)
    else:
        yield Finding("connections", "ok", what)
    timeout = int(facts.settings.get("timeout") or 0)
    if 0 < timeout < _SHORT_TIMEOUT:
        what = f"Redis closes connections that are idle for {timeout} s"
        yield Finding("timeout", "warning", what, "CONFIG SET timeout 0, or 300")


def exposure(facts: ServerFacts, redis: Redis) -> Iterator[Finding]:
    """Judge whether strangers can use this Redis: they need no password, and it listens to all."""
    secret = "***" in redis.masked_url or "password" in " ".join(redis.options)
    known = secret or "credential_provider" in redis.options or redis.client is not None
    if facts.settings.get("protected-mode") == "no" and not known and "rediss" not in redis.url:
        what = (
            "no password is asked for and protected-mode is off: who reaches its port owns all jobs"
        )
        do = "set requirepass or users (ACL SETUSER), CONFIG SET protected-mode yes, close the port"
        yield Finding("exposure", "warning", what, do)


def commands(facts: ServerFacts) -> Iterator[Finding]:
    """Judge whether this Redis takes every command that a worker sends; each was tried."""
    missing = facts.missing
    if missing.needed:
        what = f"{', '.join(missing.needed)}: refused, and a worker can't start without"
        yield Finding("commands", "danger", what, needs.allow(facts.missing.needed))
    for name in missing.niceties:
        what = f"{name} is refused: {needs.NICETIES[name]}"
        yield Finding("commands", "note", what, "allow it where you can")


def replies(facts: ServerFacts) -> Iterator[Finding]:
    """Judge whether Redis lets a client read as many jobs at once as a fetch asks for."""
    words = facts.settings.get("client-output-buffer-limit", "").split()
    hard = next((words[at + 1] for at, word in enumerate(words[:-1]) if word == "normal"), "0")
    if 0 < int(hard) < _ROOMY:
        what = f"Redis closes the connection of who has {int(hard):,} bytes of replies to read"
        yield Finding(
            "replies", "warning", what, "CONFIG SET client-output-buffer-limit 'normal 0 0 0'"
        )


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else duration(seconds)
