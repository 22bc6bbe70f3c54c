"""What kind of server this is, and whether kiq can keep its promises on it."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import StoreError, StoreUnsuitable
from .connection import Link
from .translation import in_cluster_mode, is_taken_away

MINIMUM = (6, 2)


@dataclass(frozen=True, slots=True)
class Server:
    """What a server says about itself. *version* is the Redis version that it is compatible with.

    *policy* is its ``maxmemory-policy``, "" where it is not told; *limit* its ``maxmemory`` in bytes: 0 for
    none, None where it is not told.
    """

    product: str
    version: tuple[int, ...]
    policy: str
    limit: int | None
    appendonly: bool

    def __str__(self) -> str:
        """Return product and version."""
        return f"{self.product} {'.'.join(map(str, self.version)) or '(its version is not told)'}"


def inspect(link: Link) -> Server:
    """Ask the server what it is. One round trip; raises StoreUnsuitable: too old, or in cluster mode.

    One that does not take INFO from this user is taken as it is: its version is then ``()``.
    """
    fields: dict[str, str] = {}
    (told,) = link.exchange([("INFO",)])
    if isinstance(told, StoreError):
        if not is_taken_away(str(told)):
            raise told
        return Server("Redis", (), "", None, appendonly=False)
    refuse_cluster(told, link.where)
    for line in told.decode(errors="replace").splitlines():
        name, _, value = line.partition(":")
        fields[name] = value
    version = tuple(
        int(part) for part in fields.get("redis_version", "0").split(".") if part.isdigit()
    )
    product = "Valkey" if "valkey_version" in fields else "Redis"
    shown = fields.get("valkey_version") or fields.get("redis_version", "?")
    limit = fields.get("maxmemory", "").strip()
    if version[:2] < MINIMUM:
        wanted = ".".join(map(str, MINIMUM))
        raise StoreUnsuitable(
            f"this is {product} {shown}; kiq needs Redis {wanted} or Valkey 7.2, or newer"
        )
    return Server(
        product if product == "Redis" else f"Valkey {shown}, compatible with Redis",
        version,
        fields.get("maxmemory_policy", ""),
        int(limit) if limit.isdecimal() else None,
        fields.get("aof_enabled") == "1",
    )


def refuse_cluster(info: bytes, where: str) -> None:
    """Raise StoreUnsuitable if *info*, the reply to INFO of the Redis at *where*, is a cluster's."""
    if b"cluster_enabled:1" in info:
        raise in_cluster_mode(where)
