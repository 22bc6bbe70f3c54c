"""What Resque's module has and this one has not, and what to write here."""

from __future__ import annotations

_HOST = '@kiq.host.on("{}")'

INSTEAD = {
    "before_first_fork": _HOST.format("startup"),
    "before_fork": f"{_HOST.format('before_fork')} for the children of a parent; kiq forks for no job",
    "after_fork": f"{_HOST.format('after_fork')} for the children of a parent; kiq forks for no job",
    "before_pause": "a queue is paused by kiq.api.Queue(name).pause() or `kiq pause`, which says nothing",
    "after_pause": "a queue goes on by kiq.api.Queue(name).unpause() or `kiq unpause`, which says nothing",
    "queue_empty": "kiq.host.on_settled(handler), with resque.size(queue) in it",
    "worker_exit": _HOST.format("exit"),
    "shutdown": _HOST.format("shutdown"),
    "pop": "a job that is popped is lost when its process dies: let a worker take it, or peek",
    "reserve": "a job that is reserved is lost when its process dies: let a worker take it, or peek",
    "Job": "resque.enqueue_to(queue, cls, *args) for Job.create, resque.dequeue for Job.destroy",
    "Worker": "`kiq resque work`, or kiq.embed",
    "Stat": "kiq.api.Stats",
    "Plugin": "hooks are looked at when a class becomes a job",
    "keys": "it would hold up Redis: `redis-cli --scan`",
    "data_store": "kiq.api.connection()",
    "redis_id": "kiq.api.connection().where",
    "remove_worker": "a process that is gone leaves the list by itself; `kiq stop` ends one",
    "unregister_worker": "a process that is gone leaves the list by itself; `kiq stop` ends one",
    "watch_queue": "a queue is known from its first job on",
    "list_range": "resque.peek",
    "encode": "kiq.codec.encode",
    "decode": "kiq.codec.decode",
    "heartbeat_interval": "the setting lease",
    "prune_interval": "the setting lease: what a dead process had is given back by any other",
    "enqueue_front": "a queue of its own that stands before the others: QUEUES=urgent,low",
    "Failure": "kiq.contrib.resque.failure",
    "Scheduler": "there is no process of its own: every worker can promote and tick",
    "reload_schedule": "resque.set_schedule: it is in force at once",
    "dynamic": "resque.set_schedule: schedules are always dynamic",
    "clean_schedules": "resque.remove_schedule(name) for each of resque.get_schedules()",
    "delayed": "resque.is_delayed",
}


def missing(name: str) -> str:
    """Return what to tell who asks for *name*."""
    instead = INSTEAD.get(name.rstrip("_?"))
    said = f"; here it is: {instead}" if instead else ""
    return f"kiq.contrib.resque has no {name!r}{said}"
