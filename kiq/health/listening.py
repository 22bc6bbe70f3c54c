"""The sockets on which health is answered: made before anything is worked on, or said why not."""

from __future__ import annotations

import errno
import os
import socket
import stat
from contextlib import suppress

from ..errors import ConfigError
from .address import Address

_BACKLOG = 64


def listen(address: Address) -> list[socket.socket]:
    """Return sockets that listen at *address*: several where its name has several addresses.

    Raises ConfigError that names the address and what to do.
    """
    try:
        if address.path:
            return [_at_path(address.path)]
        return _at_port(address)
    except OSError as error:
        why = error.strerror or str(error)
        what = "set health to another"
        if error.errno == errno.EADDRINUSE:
            what = "another process has it: end that, or set health to another"
        raise ConfigError(f"health: can't listen at {address}: {why}; {what}") from error


def _at_port(address: Address) -> list[socket.socket]:
    if not address.host and not _has_ipv6():
        address = address._replace(host="0.0.0.0")
    found = socket.getaddrinfo(
        address.host or "::", address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    made: list[socket.socket] = []
    errors: list[OSError] = []
    for family, *_, where in dict.fromkeys(found):
        try:
            made.append(_listening(family, where, both=not address.host))
        except OSError as error:
            errors.append(error)
    taken = [error for error in errors if error.errno == errno.EADDRINUSE]
    if errors and (taken or not made):
        for one in made:
            one.close()
        raise (taken or errors)[0]
    return made


def _has_ipv6() -> bool:
    """Whether ``::`` can be listened at: it can't where the kernel has no IPv6, or has it switched off."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as trial:
            trial.bind(("::", 0))
        return True
    except OSError:
        return False


def _listening(family: int, where: object, *, both: bool) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if both else 1)
        made.bind(where)  # type: ignore[arg-type]
        made.listen(_BACKLOG)
        made.setblocking(False)
    except OSError:
        made.close()
        raise
    return made


def _at_path(path: str) -> socket.socket:
    _clear(path)
    return _listening(socket.AF_UNIX, path, both=False)


def _clear(path: str) -> None:
    """Remove the socket that a process of before has left at *path*, if nobody listens there."""
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            raise FileExistsError(errno.EEXIST, "a file is there that is no socket", path)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
            trial.settimeout(1.0)
            try:
                trial.connect(path)
            except ConnectionRefusedError:
                os.unlink(path)
                return
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
