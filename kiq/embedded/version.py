"""Which server wrote the data in a folder, so that no other kind and no older one opens them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import NamedTuple

from ..errors import EmbeddedServerError

_STAMP = "server-version"
_VERSION_LINE = re.compile(r"^(\w+) server v=(\d+(?:\.\d+)*)", re.MULTILINE)
_STAMP_LINE = re.compile(r"^(\w+) (\d+(?:\.\d+)*)$", re.MULTILINE)
_OLDEST = {"redis": (6, 2), "valkey": (7, 2)}


class ServerVersion(NamedTuple):
    """The kind of a server (``redis``, ``valkey``) and its version, as in ``valkey 9.1.2``."""

    kind: str
    number: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.kind} {'.'.join(map(str, self.number))}"


def version_of(binary: Path) -> ServerVersion:
    """Ask *binary* for its version.

    Raises EmbeddedServerError when it can't be run, is no Redis or Valkey, or is too old for kiq.
    """
    try:
        answer = subprocess.run(
            [binary, "--version"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EmbeddedServerError(f"{binary} can't be run: {error}") from error
    version = _parse(_VERSION_LINE, answer.stdout)
    if version is None or version.kind not in _OLDEST:
        said = (answer.stdout + answer.stderr).strip()[:200]
        raise EmbeddedServerError(
            f"{binary} is not a Redis or Valkey server: '--version' answered {said!r}. "
            "Name another one in KIQ_REDIS_SERVER"
        )
    if version.number < _OLDEST[version.kind]:
        oldest = ServerVersion(version.kind, _OLDEST[version.kind])
        raise EmbeddedServerError(f"{binary} is {version}: kiq needs {oldest} or newer")
    return version


def read_stamp(folder: Path) -> ServerVersion | None:
    """Return the version of the server that last wrote in *folder*; None if none ever did."""
    try:
        text = (folder / _STAMP).read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return None
    stamp = _parse(_STAMP_LINE, text)
    if stamp is None:
        raise EmbeddedServerError(
            f"{folder / _STAMP} says {text[:80]!r}, which is no server version: write the one that "
            "wrote these data, such as 'valkey 9.1.2', or move the folder away to start empty"
        )
    return stamp


def stamp(folder: Path, version: ServerVersion, binary: Path) -> None:
    """Write in *folder* that *version* writes its data from now on.

    Raises EmbeddedServerError when another kind of server, or a newer one, wrote them: it would
    refuse to read them, or misread them.
    """
    before = read_stamp(folder)
    if before == version:
        return
    if before and (before.kind != version.kind or before.number > version.number):
        raise EmbeddedServerError(
            f"the data in {folder} were written by {before}, and {binary} is {version}, which can't "
            f"be trusted to read them: name a {before} or newer in KIQ_REDIS_SERVER, or move the "
            "folder away to start empty"
        )
    new = folder / f"{_STAMP}.new"
    new.write_text(f"{version}\n", encoding="ascii")
    new.replace(folder / _STAMP)


def _parse(pattern: re.Pattern[str], text: str) -> ServerVersion | None:
    found = pattern.search(text)
    if found is None:
        return None
    return ServerVersion(found[1].lower(), tuple(map(int, found[2].split("."))))
