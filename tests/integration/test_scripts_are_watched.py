"""What the tests under a namespace see of a script that touches what it was not given."""

from __future__ import annotations

import contextlib

import pytest

from tests.helpers import strays
from tests.helpers.depot import open_link
from tests.helpers.server import TestServer


@pytest.mark.parametrize(
    ("script", "names", "seen"),
    [
        ("redis.call('SET', KEYS[1], 'x')", ["a"], ""),
        ("redis.call('SET', 'b', 'x')", ["a"], "SET b"),
        ("redis.pcall('RENAME', KEYS[1], 'b')", ["a"], "RENAME b"),
        ("redis.call('DEL', KEYS[1], KEYS[2], 'c')", ["a", "b"], "DEL c"),
        ("redis.call('GET', KEYS[1] .. 'b')", ["queue:"], ""),
        ("redis.call('PUBLISH', 'kiq:bell:b', '1')", ["kiq:idle:a"], ""),
        (
            "redis.call('PUBLISH', 'shop:kiq:bell:b', '1')",
            ["kiq:idle:a"],
            "PUBLISH shop:kiq:bell:b",
        ),
    ],
)
@pytest.mark.bare_names
def test_it_is_seen_at_the_end_of_the_server(
    script: str, names: list[str], seen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = TestServer()
    strays.watch(monkeypatch)
    link = open_link(server.url)
    link.call(("EVAL", script, len(names), *names))
    link.close()
    raised = pytest.raises(AssertionError, match=f"touches what it was not given: {seen}")
    with raised if seen else contextlib.nullcontext():
        server.stop()
