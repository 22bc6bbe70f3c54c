"""Which of Celery's settings are taken, do no harm, or stand elsewhere."""

from __future__ import annotations

from typing import Any

#: What has an effect here, and its value by default.
TAKEN: dict[str, Any] = {
    "beat_schedule": None,
    "broker_url": None,
    "enable_utc": True,
    "imports": (),
    "include": (),
    "result_backend": None,
    "result_expires": 86_400,
    "task_always_eager": False,
    "task_annotations": None,
    "task_default_priority": None,
    "task_default_queue": None,
    "task_default_rate_limit": None,
    "task_eager_propagates": False,
    "task_ignore_result": False,
    "task_routes": None,
    "task_soft_time_limit": None,
    "task_time_limit": None,
    "timezone": None,
}
#: What kiq does anyway, or what has nothing to act on: taken, and without effect.
HARMLESS = frozenset(
    (
        *("accept_content", "result_accept_content", "result_extended", "result_persistent"),
        *("broker_connection_retry", "broker_connection_retry_on_startup"),
        *("broker_connection_max_retries", "broker_channel_error_retry", "broker_pool_limit"),
        *("broker_heartbeat", "broker_heartbeat_checkrate", "broker_failover_strategy"),
        *("broker_connection_timeout", "broker_transport_options", "result_cache_max"),
        *("beat_max_loop_interval", "beat_sync_every", "beat_schedule_filename"),
        *("task_track_started", "task_publish_retry", "task_publish_retry_policy"),
        *("task_protocol", "task_create_missing_queues", "task_send_sent_event"),
        *("task_default_delivery_mode", "task_default_exchange", "task_default_exchange_type"),
        *("task_default_routing_key", "task_repr_maxlevels", "task_remote_tracebacks"),
        *("worker_send_task_events", "worker_prefetch_multiplier", "worker_disable_prefetch"),
        *("worker_enable_remote_control", "worker_hijack_root_logger", "worker_log_color"),
        *("worker_cancel_long_running_tasks_on_connection_loss", "worker_lost_wait"),
        *("worker_detect_quorum_queues", "worker_enable_prefetch_count_reduction"),
        "task_store_errors_even_if_ignored",
    )
)
#: What may only say what kiq does.
ONLY: dict[str, tuple[Any, str]] = {
    "task_acks_late": (True, "a job is acknowledged when it has ended (docs/reliability.md)"),
    "task_reject_on_worker_lost": (True, "a job whose process died runs again"),
    "task_retry_on_worker_lost": (True, "a job whose process died runs again"),
    "task_serializer": ("json", "kiq's setting codec says how arguments travel"),
    "result_serializer": ("json", "kiq's setting codec says how results travel"),
    "event_serializer": ("json", "there are no events on the wire"),
    "worker_pool": ("threads", "threads run jobs; more processes: kiq run --processes 4"),
    "result_compression": (None, "nothing is compressed"),
    "task_compression": (None, "nothing is compressed"),
    "task_store_eager_result": (False, "a task that ran here returns its result"),
    "task_inherit_parent_priority": (False, "give apply_async a priority"),
    "worker_disable_rate_limits": (False, "take the rate_limit out"),
}
_FILE = "it is of the worker, and stands in config/kiq.yml: "
_NO_BACKEND = "results are in kiq's Redis (docs/results.md)"
#: By pattern, what to write instead.
ELSEWHERE = {
    "worker_concurrency": f"{_FILE}concurrency, or kiq -c 10",
    "worker_max_tasks_per_child": f"{_FILE}children: are renewed by memory (docs/deployment.md)",
    "worker_max_memory_per_child": f"{_FILE}max_rss (docs/deployment.md)",
    "worker_soft_shutdown_timeout": f"{_FILE}shutdown_timeout",
    "worker_autoscaler": "start more processes: kiq scale (docs/cli.md)",
    "worker_*log*": f"{_FILE}log_format, log_level (docs/operations.md)",
    "worker_redirect_*": "a job's print goes where the worker's does",
    "worker_*": "there is no such switch: docs/configuration.md has all",
    "task_queues": f"{_FILE}queues, or kiq -q mail -q reports; a push makes its queue",
    "task_queue_*": "a push makes its queue; priorities are bands (docs/priorities.md)",
    "task_acks_on_*": "a failed task ends in the dead set, and is acknowledged by that",
    "task_*": "there is no such switch: docs/coming-from.md has what there is",
    "beat_scheduler": "a schedule that changes while it runs: kiq.api.PeriodicSet (docs/periodic.md)",
    "beat_*": "every worker can schedule, and one of them does (docs/periodic.md)",
    "broker_use_ssl": "write rediss:// (docs/redis.md)",
    "broker_*": 'one URL says all: broker_url, or kiq.configure(redis="redis://...")',
    "redis_*": 'one URL says all: broker_url, or kiq.configure(redis="redis://...")',
    "result_chord_*": "kiq.Batch has callbacks (docs/batches.md)",
    "result_*": _NO_BACKEND,
    "*_backend_*": _NO_BACKEND,
    "security_*": "messages are not signed; TLS to Redis by rediss://",
    "control_*": "commands go by Redis: kiq ps, kiq quiet, kiq stop",
    "event_*": "there are no events on the wire: kiq stats, Prometheus (docs/metrics.md)",
    **dict.fromkeys(
        ("arangodb_*", "azureblockblob_*", "cache_*", "cassandra_*", "cosmosdbsql_*"), _NO_BACKEND
    ),
    **dict.fromkeys(
        ("couchbase_*", "database_*", "elasticsearch_*", "gcs_*", "mongodb_*", "s3_*"), _NO_BACKEND
    ),
}
#: Names of Celery 3, in the form in which they are known now.
_OLD = {
    "celerybeat_schedule": "beat_schedule",
    "always_eager": "task_always_eager",
    "eager_propagates_exceptions": "task_eager_propagates",
    "default_queue": "task_default_queue",
    "ignore_result": "task_ignore_result",
    "routes": "task_routes",
    "annotations": "task_annotations",
    "task_result_expires": "result_expires",
    "celeryd_concurrency": "worker_concurrency",
    "celeryd_task_time_limit": "task_time_limit",
    "celeryd_task_soft_time_limit": "task_soft_time_limit",
    "acks_late": "task_acks_late",
    "brokerurl": "broker_url",
}


def known_as(name: str) -> str:
    """Return the setting's name as it is written now, for one of Celery 3 (``CELERY_ALWAYS_EAGER``)."""
    if not name.isupper():
        return name
    short = name.lower()
    if short in _OLD:
        return _OLD[short]
    short = short.removeprefix("celery_")
    return _OLD.get(short, short)
