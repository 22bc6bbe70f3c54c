"""``/stats`` and ``/stats/queues``, as Sidekiq's Web UI answers them: monitors that know it know this."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from ..answers import Data
from ..calls import Call
from ..moments import moment_of
from ..server_info import info_of

_INFO = (
    *("redis_version", "uptime_in_days", "connected_clients"),
    *("used_memory_human", "used_memory_peak_human"),
)


def stats(call: Call) -> Data:
    """Return the numbers under Sidekiq's names."""
    moment = moment_of(call.fleet)
    found, info = moment.stats, info_of(call.fleet)
    latencies = {each.name: each.latency for each in moment.queues}
    return Data(
        {
            "sidekiq": {
                "processed": found.processed,
                "failed": found.failed,
                "busy": moment.busy,
                "processes": len(moment.processes),
                "enqueued": found.enqueued,
                "scheduled": found.scheduled_size,
                "retries": found.retry_size,
                "dead": found.dead_size,
                "default_latency": latencies.get("default", 0),
            },
            "redis": {**{name: info[name] for name in _INFO if name in info}, **_store(info)},
            "server_utc_time": datetime.fromtimestamp(moment.at, UTC).strftime("%H:%M:%S UTC"),
        }
    )


def _store(info: Mapping[str, str]) -> dict[str, str]:
    """Return what keeps the jobs, and its version, as Sidekiq 8.1 tells them."""
    if "valkey_version" in info:
        return {"store_name": "Valkey", "store_version": info["valkey_version"]}
    return {"store_name": "Redis", "store_version": info.get("redis_version", "")} if info else {}


def queues(call: Call) -> Data:
    """Return how many jobs each queue has."""
    return Data({each.name: each.size for each in moment_of(call.fleet).queues})
