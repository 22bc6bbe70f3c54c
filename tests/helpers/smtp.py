"""A mail server for tests: takes what comes, or refuses what it is told to."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Postbox:
    """What came: (from, to, bytes); *refuses* is an answer for each word, such as RCPT."""

    def __init__(self) -> None:
        self.got: list[tuple[str, list[str], bytes]] = []
        self.refuses: dict[str, str] = {}
        self.url = ""


class _Talk(socketserver.StreamRequestHandler):
    box: Postbox

    def handle(self) -> None:
        self._say("220 test")
        sender, to = "", []
        while line := self.rfile.readline().decode():
            word, _, rest = line.strip().partition(" ")
            word = word.upper()
            if word in self.box.refuses:
                self._say(self.box.refuses[word])
            elif word == "EHLO":
                self._say("250 test")
            elif word == "MAIL":
                sender = _address(rest)
                self._say("250 ok")
            elif word == "RCPT":
                to.append(_address(rest))
                self._say("250 ok")
            elif word == "DATA":
                self._say("354 go on")
                self.box.got.append((sender, to, b"".join(self._body())))
                sender, to = "", []
                self._say("250 ok")
            else:
                self._say("221 bye" if word == "QUIT" else "250 ok")

    def _body(self) -> Iterator[bytes]:
        while (line := self.rfile.readline()) != b".\r\n":
            yield line.removeprefix(b".") if line.startswith(b"..") else line

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


def _address(text: str) -> str:
    return text.partition("<")[2].partition(">")[0]


@contextmanager
def mail_server() -> Iterator[Postbox]:
    """Run a server on loopback; its URL stands in the box."""
    box = Postbox()
    talk: Any = type("Talk", (_Talk,), {"box": box})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), talk) as server:
        box.url = f"smtp://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield box
        server.shutdown()
        thread.join()
