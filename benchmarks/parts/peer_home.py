"""Virtual environments for the peers, under .bench/: made when missing, kept for the next run."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path

from support import BenchmarkError

from parts.contestant import Contestant
from parts.report import ROOT

HOMES = ROOT / ".bench"
_INSTALL_SECONDS = 600.0
_MARK = "packages.json"
_HAS_HIREDIS = "import sys, redis.connection; sys.exit(not redis.connection.HIREDIS_AVAILABLE)"


def prepare(peer: Contestant) -> Path:
    """Return the ``bin`` of *peer*'s environment, after making it and installing its packages.

    Remove the folder under ``.bench/`` to have newer versions. Raises BenchmarkError when the
    packages can't be installed.
    """
    home = HOMES / peer.home
    mark = home / _MARK
    wanted = json.dumps([sys.version, *peer.packages])
    if not mark.exists() or mark.read_text() != wanted:
        print(f"installing {', '.join(peer.packages)} into .bench/{peer.home}", flush=True)
        venv.create(home, with_pip=True, clear=True)
        _run(home / "bin", "-m", "pip", "install", "--quiet", *peer.packages)
        # Without it a peer would be measured with a slower parser than kiq, and nothing would tell.
        _run(home / "bin", "-c", _HAS_HIREDIS)
        mark.write_text(wanted)
    return home / "bin"


def installed(folder: Path) -> dict[str, str]:
    """Return the version of each package of the environment whose ``bin`` is *folder*."""
    said = _run(folder, "-m", "pip", "list", "--format=json", "--disable-pip-version-check")
    return {each["name"].lower(): each["version"] for each in json.loads(said)}


def _run(folder: Path, *arguments: str) -> str:
    command = [str(folder / "python"), *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False
    )
    if done.returncode:
        raise BenchmarkError(
            f"{' '.join(command)} failed with {done.returncode}; is the package index reached? "
            f"It said:\n"
            f"{done.stderr[-2000:]}"
        )
    return done.stdout
