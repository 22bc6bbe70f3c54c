"""A TCP proxy that counts round trips."""

from __future__ import annotations

import socket
import threading

from tests.helpers.namespaced import url_here


class CountingProxy:
    """Passes bytes between one address and a server; :attr:`round_trips` counts questions.

    A question is whatever a client sends after it got an answer (or at first), in however many
    pieces: so a pipeline is one. Use it as a context manager.
    """

    def __init__(self, port: int) -> None:
        self.round_trips = 0
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = [self._listener]
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        """The URL of Redis seen through the proxy."""
        return url_here(f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0")

    def __enter__(self) -> CountingProxy:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._sockets:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the other side was faster
            each.close()
        for thread in self._threads:
            thread.join(5)

    def _start(self, run: object, *args: object) -> None:
        thread = threading.Thread(target=run, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed: the test is over
            upstream = socket.create_connection(self._target)
            self._sockets += [client, upstream]
            answered = threading.Event()
            answered.set()
            self._start(self._pass_on, client, upstream, answered, True)
            self._start(self._pass_on, upstream, client, answered, False)

    def _pass_on(
        self, source: socket.socket, sink: socket.socket, answered: threading.Event, asks: bool
    ) -> None:
        try:
            while data := source.recv(1 << 16):
                if not asks:
                    answered.set()
                elif answered.is_set():
                    answered.clear()
                    self.round_trips += 1
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return  # one side is gone; so is the conversation
