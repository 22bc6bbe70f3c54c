"""Run the task four ways, and print what each took."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("REDIS_URL", "embedded")

import jobs
import models

#: Processes and threads of each way.
WAYS = {
    "1 process, 1 thread": (1, 1),
    "1 process, 10 threads": (1, 10),
    "2 processes, 10 threads each": (2, 10),
}


def serial() -> float:
    """One row after the other, here; return the seconds."""
    began = time.monotonic()
    for model in models.MODELS:
        for number in models.ids(model):
            models.recount(model, number)
    return time.monotonic() - began


def by_jobs(folder: Path, processes: int, threads: int) -> float:
    """Start workers, push, and wait for the note of the last job; return the seconds from the push on."""
    log, note = folder / "log", folder / "note"
    note.unlink(missing_ok=True)
    command = [sys.executable, "-m", "kiq", "-r", "jobs", "-q", "recount", "-c", str(threads)]
    with log.open("w") as output:
        worker = subprocess.Popen(
            [*command, "--processes", str(processes)], stdout=output, stderr=output
        )
    try:
        _wait(lambda: log.read_text().count("ready; stop it") > 0, worker, log)
        began = time.monotonic()
        jobs.recount_all(str(note))
        _wait(lambda: note.exists() and note.read_text().endswith("\n"), worker, log)
        took = time.monotonic() - began
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(30)
    print(f"  {note.read_text().strip()}", file=sys.stderr)
    return took


def _wait(is_so, worker: subprocess.Popen[bytes], log: Path) -> None:  # type: ignore[no-untyped-def]
    while not is_so():
        if worker.poll() is not None:
            sys.exit(f"the worker has ended:\n{log.read_text()}")
        time.sleep(0.01)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=600)
    rows = parser.parse_args().rows
    took: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        models.create(rows)
        took["serial, no jobs"] = serial()
        for way, (processes, threads) in WAYS.items():
            models.create(rows)
            took[way] = by_jobs(Path(folder), processes, threads)
            if models.wrong():
                sys.exit(f"{way}: {models.wrong()} counters are wrong")
    models.remove()
    print(f"{'way':<28} {'seconds':>8} {'times as fast':>15}")
    for way, seconds in took.items():
        print(f"{way:<28} {seconds:>8.1f} {took['serial, no jobs'] / seconds:>15.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
