"""Where a Python of some version is: on the PATH, with pyenv, or in a Debian of a release that has it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

#: The release of Debian that has a Python which others may lack.
RELEASES = {"3.11": "bookworm", "3.13": "trixie", "3.14": "forky"}
#: What the tests of kiq need besides there.
PACKAGES = ("git", "make", "postgresql", "procps", "python3", "python3-venv", "redis-server")


class NotToBeHad(Exception):
    """There is no such Python here; says what was tried."""


@dataclass(frozen=True)
class Interpreter:
    """A Python, in the *folder* of another Debian if not None."""

    path: str
    folder: Path | None = None

    def command(self, *words: str) -> list[str]:
        """Return the command that runs the program *words* where this Python lives."""
        if self.folder is None:
            return list(words)
        return [str(ROOT / ".ci" / "in-debian-release"), str(self.folder), *words]

    def version(self) -> str | None:
        """Return its version, such as 3.12.1; None if it does not run, or can make no environment."""
        asking = "import ensurepip, sys, venv; print('.'.join(map(str, sys.version_info[:3])))"
        try:
            done = subprocess.run(
                self.command(self.path, "-c", asking), capture_output=True, text=True, timeout=60
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None


def find(version: str) -> Interpreter:
    """Return a Python of *version*, such as "3.12". Raises NotToBeHad."""
    if version == ".".join(map(str, sys.version_info[:2])):
        return Interpreter(sys.executable)
    for path in (*_on_the_path(version), *_of_pyenv(version)):
        found = Interpreter(path)
        if _is(found, version):
            return found
    return _of_debian(version)


def _is(interpreter: Interpreter, version: str) -> bool:
    answer = interpreter.version()
    return answer is not None and answer.rpartition(".")[0] == version


def _on_the_path(version: str) -> Iterator[str]:
    """Give every program of that name: the first may be a shim of pyenv's that does not run."""
    for folder in os.get_exec_path():
        path = Path(folder) / f"python{version}"
        if os.access(path, os.X_OK):
            yield str(path)


def _of_pyenv(version: str) -> Iterator[str]:
    root = os.environ.get("PYENV_ROOT")
    if not root:
        try:
            done = subprocess.run(["pyenv", "root"], capture_output=True, text=True, timeout=20)
        except OSError:
            return  # there is no pyenv
        root = done.stdout.strip()
    if root:
        found = [
            (int(folder.name.removeprefix(f"{version}.")), folder)
            for folder in Path(root, "versions").glob(f"{version}.*")
            if folder.name.removeprefix(f"{version}.").isdigit()  # not 3.14.0t, say
        ]
        for _, folder in sorted(found, reverse=True):
            yield str(folder / "bin" / f"python{version}")


def _of_debian(version: str) -> Interpreter:
    nowhere = f"no Python {version} on the PATH or with pyenv"
    release = RELEASES.get(version)
    if release is None:
        raise NotToBeHad(f"{nowhere}, and no release of Debian is known to have it")
    folder = cache_folder() / f"{release}-python"
    making = [str(ROOT / ".ci" / "debian-release"), release, str(folder), *PACKAGES]
    said = "it can't be made"
    with subprocess.Popen(making, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr or ():
            sys.stderr.write(line)
            if line.startswith("debian-release: "):
                said = line.removeprefix("debian-release: ").strip()
    if process.returncode:
        raise NotToBeHad(f"{nowhere}, and no Debian {release}: {said}")
    found = Interpreter("/usr/bin/python3", folder)
    if not _is(found, version):
        raise NotToBeHad(f"{nowhere}, and Debian {release} has {found.version()}")
    return found


def cache_folder() -> Path:
    """Return where what takes long to make is kept between runs, outside of the checkout."""
    home = Path("/var/cache") if os.geteuid() == 0 else Path.home() / ".cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or home, "kiq-ci")
