"""What a proxy says of a request, believed where the proxy is one that was named."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Collection, Iterable
from typing import Any

from werkzeug.middleware.proxy_fix import ProxyFix

from ..errors import ConfigError


class BehindProxies:
    """Hands requests to *application*: of the proxies named with what they say, of others without.

    *proxies* are addresses or networks, or ``*``: whoever connects. One proxy stands before each request:
    what it was told by others before it is not believed. Raises ConfigError.
    """

    def __init__(self, application: Callable[..., Any], proxies: Collection[str]) -> None:
        self._plain = application
        self._told = ProxyFix(application, x_for=1, x_proto=1, x_host=1, x_prefix=1)
        self._all = "*" in proxies
        self._networks = [_network(each) for each in proxies if each != "*"]

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request."""
        answer = self._told if self._trusts(environ.get("REMOTE_ADDR", "")) else self._plain
        found: Iterable[bytes] = answer(environ, start_response)
        return found

    def _trusts(self, address: str) -> bool:
        if self._all:
            return True
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(found in each for each in self._networks)


def _network(text: str) -> Any:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise ConfigError(
            f"{text!r} is no address of a proxy: write 10.0.0.7, 10.0.0.0/8 or *"
        ) from error
