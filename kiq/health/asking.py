"""Asking a process how it is, from the same machine."""

from __future__ import annotations

import socket

from .address import Address

_MOST = 65_536  # bytes of an answer


def ask(address: Address, path: str, seconds: float) -> tuple[bool, str]:
    """Return whether *path* at *address* says yes, and what it says, or why it could not be asked."""
    where = address.near
    try:
        with _connected(where, seconds) as connection:
            connection.settimeout(seconds)
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: health\r\n\r\n".encode())
            received = b""
            while len(received) < _MOST and (part := connection.recv(_MOST)):
                received += part
    except TimeoutError:
        return False, f"no answer from {where} within {seconds:g} s"
    except OSError as error:
        return False, f"nothing answers at {where}: {error.strerror or error}"
    head, _, body = received.partition(b"\r\n\r\n")
    status = head.split(b" ", 2)[1:2]
    said = body.decode(errors="replace").strip().partition("\n")[0]
    return status == [b"200"], said or f"{where} does not answer as kiq does"


def _connected(where: Address, seconds: float) -> socket.socket:
    if not where.path:
        return socket.create_connection((where.host, where.port), seconds)
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(seconds)
        connection.connect(where.path)
    except OSError:
        connection.close()
        raise
    return connection
