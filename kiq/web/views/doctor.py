"""Redis: what the doctor finds, all of it, and what the server says of itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..answers import Page
from ..attention import attention_of, leads_to
from ..calls import Call
from ..server_info import info_of

_DAY = 86_400


def redis(call: Call) -> Page:
    """Show the facts of the server, and every finding, the worst first."""
    values = {
        "title": "Redis",
        "attention": attention_of(call.fleet),
        "leads_to": leads_to,
        "facts": list(_facts(info_of(call.fleet))),
    }
    return Page("redis.html", values)


def _facts(info: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Return what people ask first, each with its name. What INFO does not tell is left out."""
    product = "Valkey" if "valkey_version" in info else "Redis"
    named = {
        "version": _with(product, info.get("valkey_version") or info.get("redis_version")),
        "role": info.get("role"),
        "up for": _days(info.get("uptime_in_seconds")),
        "clients": info.get("connected_clients"),
        "commands a second": info.get("instantaneous_ops_per_sec"),
        "memory": info.get("used_memory_human"),
        "memory at most so far": info.get("used_memory_peak_human"),
        "maxmemory": _limit(info),
        "when it is full": info.get("maxmemory_policy"),
        "append-only file": {"1": "on", "0": "off"}.get(info.get("aof_enabled", "")),
        "replicas": info.get("connected_slaves"),
        "evicted keys": info.get("evicted_keys"),
        "rejected connections": info.get("rejected_connections"),
    }
    return ((name, value) for name, value in named.items() if value)


def _with(product: str, version: str | None) -> str | None:
    return version and f"{product} {version}"


def _days(seconds: str | None) -> str | None:
    if not (seconds or "").isdigit():
        return None
    days, hours = divmod(int(seconds or 0), _DAY)
    return f"{days} d {hours // 3600} h"


def _limit(info: Mapping[str, str]) -> str | None:
    return "none" if info.get("maxmemory") == "0" else info.get("maxmemory_human")
