"""A Redis that listens at an address of IPv6."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from kiq.api import Queue
from kiq.client import Client
from kiq.config import Redis
from tests.helpers.server import TestServer


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.bare_names
@pytest.mark.skipif(not _has_ipv6(), reason="this machine has no IPv6")
def test_jobs_go_by_ipv6(private_server: Callable[..., TestServer]) -> None:
    server = private_server("--bind", "::1")
    url = f"redis://[::1]:{server.port}/0"
    Client(Redis(url=url)).push({"class": "X", "args": []})
    assert Queue("default", url).size == 1
