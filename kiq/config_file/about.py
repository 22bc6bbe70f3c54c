"""What each setting is for, in a sentence: for editors, and for the table of docs/configuration.md.

A range is not said here: the readers know it. Of settings of a plugin nothing is known but their names.
"""

from __future__ import annotations

_ABOUT = {
    "concurrency": "threads, of the default capsule",
    "queues": "the queues that are served, with their weights: see [queues](#queues)",
    "require": "module, or list of modules, that the worker imports; in the variable, between spaces",
    "environment": "whose section counts: letters, digits, `_`, `-`",
    "shutdown_timeout": "seconds that running jobs have after TERM",
    "codec": "how new jobs are written",
    "sidekiq": "(the major version) of Ruby's Sidekiq, whose programs and pages read what kiq writes "
    "([what it changes](sidekiq-compatibility.md#beside-ruby))",
    "max_retries": "attempts after the first",
    "dead_max_jobs": "jobs that the dead set keeps",
    "dead_timeout": "seconds that the dead set keeps a job (by default 180 days, at most 100 years)",
    "lease": "seconds without a sign of life after which a process counts as dead; a job of it may hold "
    "the interpreter no longer, unless there is a [parent](deployment.md#a-job-that-holds-the-interpreter)",
    "max_iteration_runtime": "seconds after which a run of an [iterable job](iteration.md) gives way to "
    "others; 0: no limit",
    "result_max_bytes": "bytes that a [result](results.md) may have (by default 256 KiB): a larger one "
    "is not kept",
    "max_payload": "bytes that one job may have when pushed (by default 16 MiB)",
    "push_buffer": "jobs that a process keeps in memory while Redis can't be reached: "
    "[enqueuing.md](enqueuing.md#the-push-buffer)",
    "time_limit_grace": "seconds that a job has to end after its time limit, or after it was cancelled: "
    "[time-limits.md](time-limits.md)",
    "periodic": "[periodic jobs](periodic.md), by name; those of an environment take the place of all at "
    "the top level",
    "queue_limits": "how many jobs of a queue run at a time in the whole fleet, as in `mailers 5`: "
    "[limits](limits.md#of-a-queue)",
    "max_stuck": "jobs that may be stuck at one time before the process stops and is to be started again; "
    "0: half of the threads, at least 2",
    "async_concurrency": "`async def` jobs that a process runs at a time, beside its threads: "
    "[async.md](async.md)",
    "async_blocked_after": "seconds after which a job that blocks the event loop is logged with its stack; "
    "0: never",
    "async_loop": "the event loop of `async def` jobs",
    "processes": "`auto`, or 0 (no parent) to 512: children of a "
    "[parent](deployment.md#a-parent-and-its-children)",
    "pidfile": "a file for the number of this process, held by a lock: "
    "[deployment](deployment.md#settings)",
    "max_memory": "a size from `10MB`: a child of a parent that takes more is replaced; 0: no limit",
    "max_jobs": "runs after which a child is replaced; 0: no limit",
    "boot_timeout": "seconds that a child has until it takes jobs",
    "max_silence": "seconds after which a child is killed whose interpreter a job holds",
    "cpu_affinity": "each child keeps to one processor",
    "health": "`host:port`, `:port` or the path of a socket, where [health](health.md) is answered; "
    "empty: nowhere",
    "log_level": "which lines are written",
    "log_format": "how lines look; `auto` is `pretty` on a terminal, else `plain`",
    "skip_default_job_logging": "no start and done lines for each job",
    "logged_job_attributes": "fields of the job that those lines show besides jid and class",
    "tag": "shown beside the process",
    "labels": "shown beside the process",
    "allow_ruby_server": "start with msgpack although a Ruby Sidekiq server works on this database, and "
    "may lose jobs that it can't read",
    "plugins": "plugins to install",
    "disable_plugins": "plugins that kiq installs by itself, and that this process does without",
    "redis": "where Redis is: a URL, or a mapping: see [Redis](#redis)",
    "redis.url": "`redis://`, `rediss://` (TLS), `unix://`, `redis+sentinel://`, or the word `embedded`",
    "redis.connect_timeout": "seconds to connect",
    "redis.socket_timeout": "seconds for a reply",
    "redis.namespace": "what the names of all keys and channels begin with, and a colon",
    "redis.username": "user, for Redis's access lists",
    "redis.password": "never printed",
    "redis.db": "number of the database",
    "redis.client_name": "what `CLIENT LIST` shows: ASCII without spaces",
    "redis.ssl_ca_certs": "file of certificates to trust",
    "redis.ssl_ca_path": "folder of certificates to trust",
    "redis.ssl_certfile": "the client's certificate",
    "redis.ssl_keyfile": "its key",
    "capsules": "queues with threads of their own, beside the default capsule: see [capsules](#capsules)",
    "environments": "settings for one environment each: see [environments](#environments)",
    "verbose": "true means `log_level: debug`",
}


def about(name: str) -> str:
    """Return what *name* is for; empty for what another package declared."""
    return _ABOUT.get(name, "")
