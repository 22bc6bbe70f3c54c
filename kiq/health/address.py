"""Where health is answered: how that is written, and where it is asked from this machine. Pure."""

from __future__ import annotations

from typing import NamedTuple

_MOST = 65_535
_HOW = (
    "must be an address, as in 127.0.0.1:7433, '[::1]:7433', ':7433' (all of this machine) or "
    "/run/kiq/health.sock"
)


class Address(NamedTuple):
    """A *host* (empty: all addresses of the machine) and *port*, or the *path* of a socket."""

    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        if self.path:
            return self.path
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def near(self) -> Address:
        """Where somebody on this machine asks."""
        if self.host in ("", "0.0.0.0"):
            return self._replace(host="127.0.0.1" if self.port else "")
        return self._replace(host="::1") if self.host == "::" else self


def parse(text: str) -> Address | None:
    """Return what *text* means, None for nothing. Raises ValueError: "must be an address, as in ..."."""
    if not text:
        return None
    if "/" in text:
        return Address(path=text)
    host, colon, port = text.rpartition(":")
    if not (colon and port.isascii() and port.isdecimal() and 0 < int(port[:6]) <= _MOST):
        raise ValueError(_HOW)
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"{_HOW}; an IPv6 address stands in brackets")
    return Address(host, int(port))
