"""Users and passwords that change under a running process: read anew for each connection."""

from __future__ import annotations

import os
from typing import Any

from redis.credentials import CredentialProvider

from ..errors import ConfigError

_MOST = 65_536  # bytes


class Rotating(CredentialProvider):
    """Asks for user and password whenever a connection is made: a file, a function, or a text.

    Threads: any that connects. *prefix* begins the names of its settings.
    """

    def __init__(self, username: Any, password: Any, files: tuple[str, str], prefix: str) -> None:
        self._given = (username, password)
        self._files = files
        self._names = tuple(f"redis.{prefix}{name}" for name in ("username", "password"))

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        """Return (password,) or (user, password). Raises OSError, TypeError, ValueError, or code's own."""
        user, password = (self._read(at) for at in range(2))
        if isinstance(password, tuple) and len(password) == 2:
            user, password = password
        for name, value in zip(self._names, (user, password), strict=True):
            if not isinstance(value, str) and not (value is None and name is self._names[0]):
                kind = type(value).__name__
                raise TypeError(
                    f"{name} gave {kind}, not text (a password may come as (user, password))"
                )
        return (user, password) if user else (password,)

    def check(self) -> None:
        """Raise ConfigError, which names the setting, for a file that can't be read now."""
        for at, path in enumerate(self._files):
            try:
                _ = path and self._read(at)
            except (OSError, ValueError) as error:
                raise ConfigError(str(error)) from None

    def _read(self, at: int) -> Any:
        path, given = self._files[at], self._given[at]
        if not path:
            return given() if callable(given) else given
        setting = f"{self._names[at]}_file"
        try:
            with open(path, "rb") as file:
                text = file.read(_MOST).decode().rstrip("\r\n")
        except OSError as error:
            raise OSError(f"{setting}: {path} can't be read: {error.strerror}") from None
        except ValueError:
            raise ValueError(f"{setting}: {path} is no text in UTF-8") from None
        if not text or not text.isprintable():
            raise ValueError(
                f"{setting}: {path} {'holds more than one line' if text else 'is empty'}"
            )
        return text


def made_rotating(arguments: dict[str, Any], prefix: str = "") -> None:
    """Let *arguments* of a connection ask for what changes; take out what only we know."""
    username, password = arguments.get("username"), arguments.get("password")
    files = tuple(
        os.fspath(arguments.pop(f"{name}_file", None) or "") for name in ("username", "password")
    )
    if any(files) or callable(username) or callable(password):
        arguments["credential_provider"] = Rotating(username, password, files, prefix)  # type: ignore[arg-type]
        arguments.pop("username", None)
        arguments.pop("password", None)
