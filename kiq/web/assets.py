"""Scripts and styles, served from memory under names that hold their digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from importlib.resources.abc import Traversable

from werkzeug.wrappers import Response

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
}
_A_YEAR = "public, max-age=31536000, immutable"


class Assets:
    """The files of folders, by name. *version* changes when any of them does."""

    def __init__(self, folders: Iterable[Traversable]) -> None:
        self._bodies: dict[str, tuple[bytes, str]] = {}
        self._names: dict[str, str] = {}
        for folder in folders:
            for each in sorted(folder.iterdir(), key=lambda entry: entry.name):
                self._add(each)
        self.version = hashlib.sha256("".join(sorted(self._bodies)).encode()).hexdigest()[:12]

    def _add(self, file: Traversable) -> None:
        stem, dot, ending = file.name.rpartition(".")
        if dot + ending not in _TYPES:
            return
        body = file.read_bytes()
        named = f"{stem}-{hashlib.sha256(body).hexdigest()[:12]}.{ending}"
        self._names[file.name] = named
        self._bodies[named] = (body, _TYPES[dot + ending])

    def name_of(self, file: str) -> str:
        """Return the name under which *file* is served. Raises KeyError."""
        return self._names[file]

    def response(self, name: str) -> Response | None:
        """Return the answer for one; None where there is none of that name."""
        if name not in self._bodies:
            return None
        body, kind = self._bodies[name]
        return Response(body, content_type=kind, headers={"Cache-Control": _A_YEAR})
