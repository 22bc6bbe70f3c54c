"""The table of kiq's peers, each with the settings that its own documentation gives for speed.

A peer is one entry in PEERS and one file in apps/, which pushes when it is run as a program; what
runs on Node has a folder of its own beside apps/. Add one when it can be installed from a package
index and its settled jobs can be counted in Redis: parts/settled.py.
"""

from __future__ import annotations

from parts import settled
from parts.contestant import Contestant


def _crew(processes: int, each: str) -> str:
    return f"1 process, {each}" if processes == 1 else f"{processes} processes, {each} each"


def _celery(pool: str, concurrency: int, arrangement: str, jobs: int) -> Contestant:
    return Contestant(
        name=f"celery-{pool}",
        arrangement=arrangement,
        jobs=jobs,
        push=("{bin}/python", "-m", "celery_app", "{jobs}"),
        worker=(
            *("{bin}/celery", "-A", "celery_app", "worker", "--loglevel", "WARNING"),
            *("--pool", pool, "--concurrency", f"{concurrency}", "--prefetch-multiplier", "128"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        ),
        settled=settled.by_celery,
        counted="neither in the list `celery` nor in `unacked`; acknowledged as a job starts",
        chosen=(
            "no result backend, results ignored, no rate limits; its guide to optimizing has a "
            "prefetch of 64 or 128 for many short tasks"
        ),
        home="celery",
        packages=("celery[redis]", "hiredis"),
    )


def _huey(kind: str, workers: int, arrangement: str, jobs: int) -> Contestant:
    return Contestant(
        name=f"huey-{kind}",
        arrangement=arrangement,
        jobs=jobs,
        push=("{bin}/python", "-m", "huey_app", "{jobs}"),
        worker=(
            *("{bin}/huey_consumer", "huey_app.queue", "--quiet", "--no-periodic"),
            *("--worker-type", kind, "--workers", f"{workers}"),
        ),
        settled=settled.by_huey,
        counted="no longer in the list `huey.redis.bench`: it is removed as a worker takes it",
        chosen="blocking pops from a list (its queue with priorities is a sorted set), no results",
        home="huey",
        packages=("huey[redis]", "hiredis"),
    )


def _taskiq(broker: str, processes: int, jobs: int) -> Contestant:
    lists = broker == "list"
    suffix = f"-{processes}" if processes > 1 else ""
    return Contestant(
        name=f"taskiq-{broker}{suffix}",
        arrangement=f"{_crew(processes, '100 coroutines')}; a {broker}",
        jobs=jobs,
        push=("{bin}/python", "-m", "taskiq_app", "{jobs}"),
        worker=(
            *("{bin}/taskiq", "worker", "taskiq_app:broker", "--workers", f"{processes}"),
            *("--log-level", "WARNING", "--no-parse"),
        ),
        settled=settled.by_taskiq_list if lists else settled.by_taskiq_stream,
        counted=(
            "no longer in the list `taskiq`: it is removed as a process takes it, 100 ahead"
            if lists
            else "read by the stream's group and acknowledged"
        ),
        chosen="uvloop, which it takes when installed; a coroutine; arguments not converted",
        home="taskiq",
        packages=("taskiq[uv]", "taskiq-redis", "hiredis"),
        environment={"BENCH_BROKER": broker},
    )


def _arq(max_jobs: int, poll_delay: str, jobs: int) -> Contestant:
    return Contestant(
        name="arq",
        arrangement=_crew(1, f"{max_jobs} coroutines"),
        jobs=jobs,
        push=("{bin}/python", "-m", "arq_app", "{jobs}"),
        worker=("{bin}/arq", "arq_app.WorkerSettings", "--custom-log-dict", "arq_app.QUIET"),
        settled=settled.by_arq,
        counted="no longer in the sorted set `arq:queue`",
        chosen=(
            "no results; by default it looks at its queue every half second, and takes 100 jobs "
            f"then: here {5 * max_jobs} every {poll_delay} s"
        ),
        home="arq",
        packages=("arq", "hiredis"),
        environment={"BENCH_MAX_JOBS": f"{max_jobs}", "BENCH_POLL_DELAY": poll_delay},
    )


def _saq(processes: int, concurrency: int, jobs: int) -> Contestant:
    return Contestant(
        name="saq" if processes == 1 else f"saq-{processes}",
        arrangement=_crew(processes, f"{concurrency} coroutines"),
        jobs=jobs,
        push=("{bin}/python", "-m", "saq_app", "{jobs}"),
        worker=("{bin}/saq", "saq_app.settings", "--workers", f"{processes}"),
        settled=settled.by_saq,
        counted="no longer in the sorted set `saq:default:incomplete`",
        chosen="a ttl of -1, so that nothing of a finished job is kept; 100 jobs at once",
        home="saq",
        # It needs typing_extensions, and does not say so.
        packages=("saq[redis,hiredis]", "typing_extensions"),
        environment={"BENCH_CONCURRENCY": f"{concurrency}"},
    )


def _dramatiq(processes: int, threads: int, jobs: int) -> Contestant:
    return Contestant(
        name=f"dramatiq-{processes}",
        arrangement=_crew(processes, f"{threads} threads"),
        jobs=jobs,
        push=("{bin}/python", "-m", "dramatiq_app", "{jobs}"),
        worker=(
            *("{bin}/dramatiq", "dramatiq_app", "--skip-logging"),
            *("--processes", f"{processes}", "--threads", f"{threads}"),
        ),
        settled=settled.by_dramatiq,
        counted="no longer in the hash `dramatiq:default.msgs`",
        # They are its defaults, and what people run.
        chosen="retries and time limits stay on, as with kiq",
        home="dramatiq",
        packages=("dramatiq[redis]", "hiredis"),
    )


def _rq(name: str, worker_class: str, arrangement: str, jobs: int) -> Contestant:
    return Contestant(
        name=name,
        arrangement=arrangement,
        jobs=jobs,
        push=("{bin}/python", "-m", "rq_app", "{jobs}"),
        worker=(
            *("{bin}/rq", "worker", "default", "--url", "{url}", "--name", "bench", "--quiet"),
            *("--disable-job-desc-logging", "--worker-class", worker_class),
        ),
        settled=settled.by_rq,
        counted="in `successful_job_count` of its worker",
        chosen="no results",
        home="rq",
        packages=("rq", "hiredis"),
    )


def _sidekiq(threads: int, jobs: int, release: str = "") -> Contestant:
    whose = f"those of Debian {release}" if release else "the machine's own"
    return Contestant(
        name=f"sidekiq-{release}" if release else "sidekiq",
        arrangement=_crew(1, f"{threads} threads"),
        jobs=jobs,
        push=("{bin}/ruby", "{apps}/sidekiq_app.rb", "{jobs}"),
        worker=(
            *("{bin}/sidekiq", "-r", "{apps}/sidekiq_app.rb", "-e", "production"),
            *("-q", "default", "-c", f"{threads}"),
        ),
        settled=settled.by_sidekiq,
        counted="no longer in the list `queue:default`: it is removed as a thread takes it",
        chosen=f"the defaults, at log level warn where silenced; Ruby and Sidekiq are {whose}",
        program="sidekiq",
        release=release,
        environment={"BENCH_LOG_LEVEL": "warn"},
        logged={},
    )


def _bullmq(processes: int, concurrency: int, jobs: int) -> Contestant:
    settings = {"BENCH_PROCESSES": f"{processes}", "BENCH_CONCURRENCY": f"{concurrency}"}
    return Contestant(
        name="bullmq" if processes == 1 else f"bullmq-{processes}",
        arrangement=_crew(processes, f"{concurrency} jobs at once"),
        jobs=jobs,
        push=("{bin}/node", "{bin}/bullmq_app.mjs", "push", "{jobs}"),
        worker=("{bin}/node", "{bin}/bullmq_app.mjs", "work"),
        settled=settled.by_bullmq,
        counted="neither in the list `bull:bench:wait` nor in `bull:bench:active`",
        chosen=(
            "finished jobs removed at once (kept for ever by default; to keep the last 1,000 costs it a "
            "little); of 100 to 300 jobs at once, its guide's standard, 100; it writes no log, so two "
            "lines a job by pino, from its events `active` and `completed`"
        ),
        node="bullmq",
        environment=settings,
        logged={**settings, "BENCH_LOG": "1"},
    )


#: So many jobs that a drain takes 3 to 8 seconds.
PEERS = (
    _sidekiq(10, 40_000),
    _sidekiq(10, 80_000, "trixie"),
    _sidekiq(10, 80_000, "forky"),
    _bullmq(1, 100, 80_000),
    _bullmq(2, 100, 80_000),
    _taskiq("list", 1, 12_000),
    _taskiq("stream", 1, 12_000),
    _taskiq("list", 2, 16_000),
    _dramatiq(1, 10, 12_000),
    _dramatiq(2, 8, 20_000),
    _huey("thread", 10, "1 process, 10 threads", 12_000),
    _huey("process", 2, "2 processes", 12_000),
    _saq(1, 100, 7_000),
    _saq(2, 100, 10_000),
    _celery("prefork", 2, "2 processes (as many as CPUs, its default)", 5_000),
    _celery("threads", 10, "1 process, 10 threads", 4_000),
    _arq(100, "0.01", 6_000),
    _rq("rq-simple", "rq.worker.SimpleWorker", "1 process, without forking", 1_000),
    _rq("rq-fork", "rq.worker.Worker", "1 process, forks for each job (its default)", 250),
)
