"""Environments of the contenders, under .bench/: pinned by version and digest, made when missing."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

from parts import node_home
from parts.drain import python_folder
from parts.peer_home import HOMES
from parts.report import ROOT
from support import BenchmarkError

from features.contender import Contender

APPS = Path(__file__).parent / "apps"
_REQUIREMENTS = Path(__file__).parent / "requirements"
_INSTALL_SECONDS = 600.0
_NODE = "bullmq"
#: What a table's figures depend on; the rest of requirements/ is what these need.
_SAID = {"huey", "dramatiq", "rq", "apscheduler", "limits", "pyrate-limiter", "redis", "kombu"}


def prepare(contender: Contender) -> Path:
    """Return the folder with the programs of *contender*. Raises BenchmarkError when it can't be made."""
    if contender.home == "kiq":
        return python_folder()
    if contender.home == "node":
        if not node_home.make(_NODE):
            raise BenchmarkError("BullMQ could not be installed: see above")
        return node_home.folder(_NODE)
    return _python(contender.home)


def versions(homes: set[str]) -> dict[str, str]:
    """Return the versions of what the environments hold, as far as a test depends on it."""
    found: dict[str, str] = {}
    for home in sorted(homes - {"kiq", "node"}):
        for line in _wanted(home).splitlines():
            name, _, version = line.split()[0].partition("==")
            if name.lower() in _SAID or name.lower().startswith("celery"):
                found[name.lower()] = version
    return found | (node_home.versions(_NODE) if "node" in homes else {})


def _wanted(home: str) -> str:
    return (_REQUIREMENTS / f"{home}.txt").read_text(encoding="utf-8")


def _python(name: str) -> Path:
    home = HOMES / f"features-{name}"
    mark, wanted = home / "requirements.txt", f"# {sys.version}\n{_wanted(name)}"
    if not mark.exists() or mark.read_text(encoding="utf-8") != wanted:
        print(f"installing requirements/{name}.txt into {home.relative_to(ROOT)}", flush=True)
        venv.create(home, with_pip=True, clear=True)
        command = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        command += ["--no-deps", "--require-hashes", "-r", str(_REQUIREMENTS / f"{name}.txt")]
        done = subprocess.run(command, timeout=_INSTALL_SECONDS, check=False)
        if done.returncode:
            raise BenchmarkError(
                f"{name} could not be installed: see above. The digests are those of CPython 3.11 on "
                f"Linux x86_64; elsewhere, make {_REQUIREMENTS / name}.txt anew"
            )
        mark.write_text(wanted, encoding="utf-8")
    return home / "bin"
