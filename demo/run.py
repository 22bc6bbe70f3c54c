"""The demonstration: a server, a worker, a producer, and a table of what happened.

``make demo`` runs it. Without ``REDIS_URL`` the server is kiq's embedded one, in a folder that is
removed at the end; whatever runs here is stopped here.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from tally import Counts, attempts, counts, table, throughput

from kiq import embedded
from kiq.redis_url import mask

ROOT = Path(__file__).resolve().parents[1]
WORKER = ("kiq", "-C", "config/kiq.yml")
PATIENCE = 60.0  # seconds for the whole of it; it takes some ten


class Trouble(Exception):
    """Why the demonstration can't go on."""


def main() -> int:
    """Run the demonstration; return the exit code."""
    with tempfile.TemporaryDirectory(prefix="kiq-demo-") as name:
        folder = Path(name)
        url = os.environ.get("REDIS_URL") or f"embedded:{folder / 'data'}"
        own = embedded.ensure(url, announce=_say) if embedded.is_embedded(url) else None
        try:
            with redis.Redis.from_url(own.url if own else url) as store:
                show(store, url, folder / "worker.log")
        except (Trouble, redis.RedisError) as error:
            print(f"\nthe demonstration failed: {error}", file=sys.stderr)
            return 1
        finally:
            if own is not None:
                _stop(own)
    return 0


def show(store: redis.Redis, url: str, log: Path) -> None:
    """Run worker and producer on *store*, which they find by *url*; print what becomes of the jobs."""
    start = counts(store)
    if start.waiting or start.retry or start.scheduled:
        raise Trouble(f"{mask(url)} has jobs that wait; name a Redis without, or unset REDIS_URL")
    store.delete("demo:seen", "demo:pushed")
    with _running(url, log) as worker:
        _say("a producer, another process, pushes:")
        _push(url)
        print(f"\nthe worker printed: {_printed(log)}\n")
        _watch(store, start, worker, log)
        worker.terminate()
        if worker.wait(30) != 0:
            raise Trouble(f"the worker ended with {worker.returncode}:\n{_end_of(log)}")
    _say("the worker is stopped; this is what Redis says:")
    seen, total = attempts(store), counts(store).since(start)
    pushed = int(store.get("demo:pushed") or 0)
    store.delete("demo:seen", "demo:pushed")
    print("\n".join(table(seen, total, pushed)))
    print(
        f"\n{pushed} jobs: {total.done} done, {total.failed} attempts failed, {total.dead} dead, "
        f"{pushed - total.done - total.dead} lost.  Fast bulk: {throughput(seen):,.0f} jobs/s.\n"
        "'wait' is from push to start (from the due time for scheduled jobs), first attempts only."
    )
    if total.done + total.dead != pushed:
        raise Trouble(f"{pushed} jobs were pushed, {total.done} are done and {total.dead} dead")


def _stop(server: embedded.EmbeddedServer) -> None:
    """Give up the share in *server*, and wait for its end: its folder may be removed then."""
    server.close()
    until = time.monotonic() + 10
    while server.socket.exists() and time.monotonic() < until:
        time.sleep(0.02)


@contextmanager
def _running(url: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the worker, from the moment it is ready, and end it."""
    print(f"$ KIQ_REQUIRE=demo.jobs {' '.join(WORKER)}")
    with log.open("wb") as output:
        worker = subprocess.Popen(
            [sys.executable, "-m", *WORKER],
            cwd=ROOT,
            env=_environment(url),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,  # Ctrl-C is for us: we end it below
        )
    try:
        until = time.monotonic() + PATIENCE
        while "ready; " not in log.read_text():
            _check(worker, until, log)
            time.sleep(0.02)
        for line in log.read_text().splitlines():
            print(f"  {line.partition(': ')[2]}")
        print()
        yield worker
    finally:
        if worker.poll() is None:
            worker.kill()
            worker.wait()


def _push(url: str) -> None:
    producer = subprocess.Popen(
        [sys.executable, "-m", "demo.push"],
        cwd=ROOT,
        env=_environment(url),
        stdout=subprocess.PIPE,
        process_group=0,  # Ctrl-C is for us: we end it below
    )
    with producer:
        try:
            for line in producer.stdout or ():
                print(f"  {line.decode().rstrip()}", flush=True)
        except BaseException:
            producer.kill()
            raise
    if producer.returncode != 0:
        raise Trouble(f"the producer ended with {producer.returncode}")


def _watch(store: redis.Redis, start: Counts, worker: subprocess.Popen[bytes], log: Path) -> None:
    """Show progress until every job is done or dead: one line refreshed, or a line a second."""
    pushed = int(store.get("demo:pushed") or 0)
    on_terminal = sys.stdout.isatty()
    began = said_at = time.monotonic()
    while True:
        now = counts(store).since(start)
        over = now.done + now.dead >= pushed
        seconds = time.monotonic() - began
        if on_terminal:
            print(f"\r  {seconds:4.1f} s   {now}   ", end="", flush=True)
        elif over or time.monotonic() - said_at >= 1:
            said_at = time.monotonic()
            print(f"  {seconds:4.1f} s   {now}", flush=True)
        if over:
            print("\n" if on_terminal else "")
            return
        _check(worker, began + PATIENCE, log)
        time.sleep(0.1)


def _check(worker: subprocess.Popen[bytes], until: float, log: Path) -> None:
    if worker.poll() is not None:
        raise Trouble(f"the worker ended with {worker.returncode}:\n{_end_of(log)}")
    if time.monotonic() > until:
        raise Trouble(
            f"it took longer than {PATIENCE:g} s; the worker's last lines:\n{_end_of(log)}"
        )


def _environment(url: str) -> dict[str, str]:
    """The environment of worker and producer: no settings but ours and those of the file."""
    keep = ("KIQ_REDIS_SERVER", "KIQ_RUN_DIR")
    outside = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("KIQ_") or name in keep
    }
    return {**outside, "REDIS_URL": url, "KIQ_REQUIRE": "demo.jobs", "APP_ENV": ""}


def _printed(log: Path) -> str:
    """The line that the first job printed."""
    for line in log.read_text(errors="replace").splitlines():
        if line.startswith("Doing hard work"):
            return line
    raise Trouble(f"the first job has not run; the worker's last lines:\n{_end_of(log)}")


def _end_of(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-30:])


def _say(text: str) -> None:
    print(f"── {text}")


def _ended_by_signal(number: int, _frame: object) -> None:
    sys.exit(128 + number)  # through every finally: nothing that was started here stays


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _ended_by_signal)
    signal.signal(signal.SIGINT, _ended_by_signal)
    sys.exit(main())
