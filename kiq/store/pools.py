"""What redis-py's pools know of their connections."""

from __future__ import annotations

from typing import Any

import redis


def in_resp2(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return *arguments* without the watch for maintenance that pools of redis-py 8 add for RESP3.

    With it a connection in RESP2 can't be made at all where hiredis is not installed.
    """
    return {name: it for name, it in arguments.items() if "maint_notifications" not in name}


def place(pool: redis.ConnectionPool) -> str:
    """Return where the connections of *pool* go; without a password."""
    settings = pool.connection_kwargs
    service = getattr(pool, "service_name", None)
    if service:
        return f"Sentinel service {service}"
    database = settings.get("db") or 0
    if settings.get("path"):
        return f"unix://{settings['path']}?db={database}"
    scheme = "rediss" if issubclass(pool.connection_class, redis.SSLConnection) else "redis"
    return f"{scheme}://{settings.get('host')}:{settings.get('port')}/{database}"
