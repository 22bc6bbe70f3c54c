"""TLS in front of a server that speaks none, with a certificate of its own authority."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

import trustme


class TlsFront:
    """Takes TLS connections for ``localhost`` and leads each to a port of this machine.

    A context manager. *folder* gets the authority's certificate, :attr:`authority`.
    """

    def __init__(self, port: int, folder: Path) -> None:
        self._target = ("127.0.0.1", port)
        issuer = trustme.CA()
        self.authority = folder / "authority.pem"
        issuer.cert_pem.write_to_path(self.authority)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        issuer.issue_cert("localhost").configure_cert(self._context)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def url(self, database: int = 0) -> str:
        """The URL of a database of Redis, seen through here."""
        return f"rediss://localhost:{self.port}/{database}?ssl_ca_certs={self.authority}"

    def __enter__(self) -> TlsFront:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._listener, *self._open):
            _end(each)
        for thread in self._threads:
            thread.join(5)

    def _start(self, run: object, *arguments: object) -> None:
        thread = threading.Thread(target=run, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return  # closed: the test is over
            try:
                client = self._context.wrap_socket(raw, server_side=True)
                upstream = socket.create_connection(self._target)
            except OSError:  # no TLS, or a client that does not trust us
                raw.close()
                continue
            self._open += (client, upstream)
            self._start(_carry, client, upstream)
            self._start(_carry, upstream, client)


def _carry(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(1 << 16):
            sink.sendall(data)
    except (OSError, ValueError):
        pass  # one side is gone; so is the conversation
    _end(source)
    _end(sink)


def _end(each: socket.socket) -> None:
    try:
        each.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # gone already
    each.close()
