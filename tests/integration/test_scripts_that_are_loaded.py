"""A server that does not know a script is told of what it needs, not of all that ever was joined here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from kiq import keys
from kiq.store import scripts
from kiq.store.scripts import Script, pack
from tests.helpers.depot import open_link


@pytest.fixture
def joined(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Script]]:
    """Scripts as many riders, in many tests or plugins, leave them behind; one is no Lua."""
    monkeypatch.setattr(scripts, "_others", {})
    texts = [f"return {number}" for number in range(500)]
    made = [Script("joined", text) for text in [*texts, "local = 1"]]
    for script in made:
        scripts.remember(script)
    yield made
    for script in made:
        del scripts._texts[script.sha]


def loads(raw: redis.Redis) -> int:
    stats = raw.info("commandstats").get("cmdstat_script|load", {})
    return int(stats.get("calls", 0)) + int(stats.get("failed_calls", 0))


def test_what_is_not_called_is_not_loaded(
    redis_url: str, raw: redis.Redis, joined: list[Script]
) -> None:
    raw.script_flush()
    before = loads(raw)
    link = open_link(redis_url)
    push = scripts.push((keys.queue("a"), keys.QUEUES, keys.idle("a")), ("a", b"{}"))
    assert link.exchange([joined[7]((), ()), push, joined[9]((), ())]) == [7, 1, 9]
    assert loads(raw) - before == len(scripts.ALL) + 2
    assert not raw.script_exists(joined[8].sha)[0]


def test_packed_commands_name_their_script_too(
    redis_url: str, raw: redis.Redis, joined: list[Script]
) -> None:
    raw.script_flush()
    assert scripts.wanted([pack(joined[3]((), ()))]) == [*scripts.ALL, joined[3]]
    assert scripts.wanted([pack(("PING",)), ("PING", "x")]) == [*scripts.ALL]
