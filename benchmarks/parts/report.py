"""From the command line of a measurement to what it prints, and to its JSON file."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, NoReturn

from support import BenchmarkError, Server

from kiq.errors import KiqError

ROOT = Path(__file__).resolve().parents[2]
_PACKAGES = ("kiq", "redis", "hiredis", "msgpack")


def parser(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser that knows ``--json``, with the script's docstring as its help."""
    made = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--json", metavar="FILE", type=Path, help="write options and figures to FILE")
    return made


def add_pinned(made: argparse.ArgumentParser, what: str = "the worker") -> None:
    """Let *made* take ``--pinned``."""
    made.add_argument("--pinned", action="store_true", help=f"run {what} on CPU 0 alone")


def positive(text: str) -> int:
    """Read a whole number from 1 up, for argparse."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


def run(measure: Callable[[], None]) -> NoReturn:
    """Call *measure* and exit: 0, or 1 with one line that says what went wrong.

    SIGTERM ends it like Ctrl-C, so that what was started is ended as well.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        measure()
    except (BenchmarkError, KiqError) as error:
        sys.exit(f"{Path(sys.argv[0]).name}: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(0)


def machine() -> dict[str, Any]:
    """Return what the figures depend on outside this repository."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu_model(),
        "cpus": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
    }


def versions(server: Server) -> dict[str, str]:
    """Return the versions of what was measured, the commit and the server among them."""
    found = {name: version for name in _PACKAGES if (version := _version(name))}
    return {**found, "commit": _commit(), "server": server.version}


def finish(
    arguments: argparse.Namespace, server: Server, results: Mapping[str, Any] | Sequence[Any]
) -> None:
    """Write the JSON file, if one was asked for. Dataclasses in *results* become objects."""
    if arguments.json is None:
        return
    document = {
        "benchmark": Path(sys.argv[0]).stem,
        "machine": machine(),
        "versions": versions(server),
        "options": {name: value for name, value in vars(arguments).items() if name != "json"},
        "results": results,
    }
    text = json.dumps(document, indent=2, default=_plain)
    arguments.json.write_text(f"{text}\n", encoding="utf-8")


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, words: int = 1) -> str:
    """Return a Markdown table; the first *words* columns align to the left, figures to the right."""
    widths = [max(len(row[at]) for row in (header, *rows)) for at in range(len(header))]
    rule = [
        "-" * width if at < words else "-" * (width - 1) + ":" for at, width in enumerate(widths)
    ]
    aligned = [
        [
            cell.ljust(widths[at]) if at < words else cell.rjust(widths[at])
            for at, cell in enumerate(row)
        ]
        for row in (header, *rows)
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in (aligned[0], rule, *aligned[1:]))


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return str(value)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _commit() -> str:
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return "unknown"  # an unpacked archive has no history
    return answer.stdout.strip()


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or "unknown"
