"""Who may look at the stand-alone server: people with passwords, programs with tokens, of one file."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections import deque
from pathlib import Path
from typing import Any

from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import TooManyRequests, Unauthorized
from werkzeug.security import check_password_hash, generate_password_hash
from werkzeug.wrappers import Request

from ..clock import steady
from ..errors import ConfigError
from .visitors import Visitor, visitor

_TRIES, _WITHIN = 10, 60.0  # wrong passwords of one address, seconds
_ADDRESSES = 10_000  # that are remembered
_TOKEN = "token$"  # begins what is stored of a token: as long as that, it needs no slow hash
_NOBODY = generate_password_hash(secrets.token_hex())


def line_of(name: str, role: str, password: str) -> str:
    """Return the line of a password file. Raises ConfigError for a name or role that can't be."""
    return _line(name, role, generate_password_hash(password))


def token_line(name: str, role: str) -> tuple[str, str]:
    """Return a new token for a program, and its line of a password file. Raises as :func:`line_of` does."""
    token = secrets.token_urlsafe(32)
    return token, _line(name, role, _TOKEN + _digest(token))


def _line(name: str, role: str, stored: str) -> str:
    if not name or ":" in name or not name.isprintable():
        raise ConfigError(
            f"{name!r} can't be a name in a password file: it needs text without a colon"
        )
    visitor(name, role)
    return f"{name}:{role}:{stored}"


class Passwords:
    """The policy of a password file, with a line ``name:role:hash`` for each person, or each token.

    Threads: all of the server's. The file is read again when it has changed. A hash takes some 50 ms, so a
    password that was right is remembered, sealed, until then.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._stamp: tuple[int, int] | None = None
        self._people: dict[str, tuple[str, str]] = {}
        self._programs: dict[str, Visitor] = {}
        self._right: dict[bytes, Visitor] = {}
        self._wrong: dict[str, deque[float]] = {}
        self._read()

    def __call__(self, environ: dict[str, Any]) -> Visitor:
        """Return who asks. Raises Unauthorized; TooManyRequests after ten wrong passwords in a minute."""
        self._read()
        request = Request(environ)
        given = request.authorization
        if given is not None and given.type == "bearer":
            return self._program(given.token or "", request.remote_addr or "")
        if given is None or given.type != "basic":
            raise _asking()
        name, password = given.username or "", given.password or ""
        sealed = hmac.new(self._key, f"{name}\0{password}".encode(), hashlib.sha256).digest()
        with self._lock:
            known = self._right.get(sealed)
        if known is not None:
            return known
        return self._checked(name, password, sealed, request.remote_addr or "")

    def _program(self, token: str, address: str) -> Visitor:
        self._refuse_guessing(address)
        with self._lock:
            found = self._programs.get(_digest(token))
        if found is None:
            self._note_wrong(address)
            raise Unauthorized("this token is not known here, or no more")
        return found

    def _checked(self, name: str, password: str, sealed: bytes, address: str) -> Visitor:
        self._refuse_guessing(address)
        with self._lock:
            role, stored = self._people.get(name, ("", _NOBODY))
        # Also for somebody who is not in the file, so that the time tells nothing.
        if not check_password_hash(stored, password) or not role:
            self._note_wrong(address)
            raise _asking()
        found = visitor(name, role)
        with self._lock:
            self._right[sealed] = found
        return found

    def _refuse_guessing(self, address: str) -> None:
        with self._lock:
            tries = self._wrong.get(address)
            while tries and steady() - tries[0] > _WITHIN:
                tries.popleft()
            if tries and len(tries) >= _TRIES:
                raise TooManyRequests("too many wrong passwords: wait a minute")

    def _note_wrong(self, address: str) -> None:
        with self._lock:
            if address not in self._wrong and len(self._wrong) >= _ADDRESSES:
                self._wrong.pop(next(iter(self._wrong)))
            self._wrong.setdefault(address, deque(maxlen=_TRIES)).append(steady())

    def _read(self) -> None:
        try:
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_size)
            if stamp == self._stamp:
                return
            people, programs = _people(self._path.read_text("utf-8"), self._path)
        except OSError as error:
            raise ConfigError(f"the password file {self._path} can't be read: {error}") from error
        with self._lock:
            self._stamp, self._people, self._programs = stamp, people, programs
            self._right.clear()


def _people(text: str, path: Path) -> tuple[dict[str, tuple[str, str]], dict[str, Visitor]]:
    """Return people, with role and hash, and the programs by what is stored of their tokens."""
    found: dict[str, tuple[str, str]] = {}
    programs: dict[str, Visitor] = {}
    for at, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, rest = line.partition(":")
        role, _, stored = rest.partition(":")
        if not stored:
            raise ConfigError(
                f"line {at} of the password file {path} is not name:role:hash:"
                " kiq web-user writes such lines"
            )
        known = visitor(name, role)
        if stored.startswith(_TOKEN):
            programs[stored.strip().removeprefix(_TOKEN)] = known
        else:
            found[name] = (role, stored.strip())
    if not found and not programs:
        raise ConfigError(f"nobody is in the password file {path}: kiq web-user NAME >> FILE")
    return found, programs


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _asking() -> Unauthorized:
    return Unauthorized(
        "a name and a password, please", www_authenticate=WWWAuthenticate("basic", {"realm": "kiq"})
    )
