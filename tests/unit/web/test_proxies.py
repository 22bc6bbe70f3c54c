"""What a proxy says of a request counts if the proxy is one that was named."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import Client
from werkzeug.wrappers import Request, Response

import kiq
from kiq.web.proxies import BehindProxies

pytestmark = pytest.mark.needs("werkzeug")
SAID = {
    "X-Forwarded-For": "1.2.3.4, 10.0.0.1",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "shop.example",
    "X-Forwarded-Prefix": "/jobs",
}


@Request.application
def shows(request: Request) -> Response:
    return Response(f"{request.remote_addr} {request.url}")


@pytest.mark.parametrize(
    ("proxies", "peer", "believed"),
    [
        (["127.0.0.1"], "127.0.0.1", True),
        (["127.0.0.1"], "127.0.0.2", False),
        (["127.0.0.0/8", "::1"], "127.0.0.2", True),
        (["127.0.0.0/8", "::1"], "::1", True),
        (["10.0.0.0/8"], "", False),  # a unix socket
        (["*"], "", True),
    ],
)
def test_a_proxy_is_believed_if_it_is_named(proxies: Any, peer: str, believed: bool) -> None:
    client = Client(BehindProxies(shows, proxies))
    answer = client.get("/x", headers=SAID, environ_overrides={"REMOTE_ADDR": peer})
    plain = f"{peer} http://localhost/x"
    assert answer.text == ("10.0.0.1 https://shop.example/jobs/x" if believed else plain)


def test_what_is_no_address_is_refused() -> None:
    with pytest.raises(kiq.ConfigError, match="is no address of a proxy"):
        BehindProxies(shows, ["proxy.local"])
