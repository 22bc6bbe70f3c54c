"""Where a producer pushes: ``kiq.configure``, the environment, a file, a client of the user's own."""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

import kiq
from kiq.config import Redis
from kiq.errors import ConfigError
from tests.helpers.namespaced import store_of
from tests.helpers.sentinel import client_of, watching
from tests.helpers.server import TestServer
from tests.helpers.stored import in_queue

pytestmark = pytest.mark.bare_names  # urls, clients and calls that are counted

ITEM = {"class": "X", "args": [1]}


def database(server: TestServer, number: int) -> str:
    return f"unix://{server.socket}?db={number}"


def pushed_to(server: TestServer) -> list[int]:
    """Push a job, and return the databases that it is in."""
    kiq.push(ITEM)
    found = []
    for number in range(4):
        client = store_of(database(server, number))
        if client.llen("queue:default"):
            found.append(number)
        client.close()
    return found


def test_a_url_says_where(kiq_client: kiq.Client, server: TestServer) -> None:
    kiq.configure(redis=database(server, 1))
    assert pushed_to(server) == [1]


def test_settings_say_where_and_how(kiq_client: kiq.Client, server: TestServer) -> None:
    kiq.configure(redis=Redis(url=server.tcp_url, connect_timeout=1, options={"db": 2}))
    assert pushed_to(server) == [2]


def test_configuring_again_applies_from_then_on_and_keeps_the_rest(
    kiq_client: kiq.Client, raw: redis.Redis, server: TestServer
) -> None:
    kiq.configure(redis=database(server, 1), codec="json")
    kiq.push(ITEM)
    kiq.configure(redis=database(server, 0))
    kiq.push(ITEM)
    raws: Any = raw.lrange("queue:default", 0, -1)
    assert [json.loads(one)["class"] for one in raws] == ["X"]


def test_redis_url_counts_when_nothing_is_configured(
    kiq_client: kiq.Client, server: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    kiq.client.use_settings({})
    monkeypatch.setenv("REDIS_URL", database(server, 2))
    assert pushed_to(server) == [2]


def test_configure_beats_redis_url_and_kiq_redis_url_beats_both(
    kiq_client: kiq.Client, server: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", database(server, 2))
    kiq.configure(redis=database(server, 1))
    assert pushed_to(server) == [1]
    server.flush()
    monkeypatch.setenv("KIQ_REDIS_URL", database(server, 3))
    kiq.configure(redis=database(server, 1))
    assert pushed_to(server) == [3]


def test_kiq_codec_beats_configure(
    kiq_client: kiq.Client, raw: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIQ_CODEC", "json")
    kiq.configure(codec="msgpack")
    kiq.push(ITEM)
    stored: Any = raw.lindex("queue:default", 0)
    assert stored.startswith(b"{")


def test_a_kiq_codec_that_is_none_is_refused_at_the_first_push(
    kiq_client: kiq.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIQ_CODEC", "pickle")
    kiq.configure()
    with pytest.raises(
        ConfigError, match="KIQ_CODEC: codec must be one of msgpack, json, not pickle"
    ):
        kiq.push(ITEM)


def test_a_file_gives_a_producer_the_workers_settings(
    kiq_client: kiq.Client, server: TestServer, tmp_path: Path
) -> None:
    file = tmp_path / "kiq.yml"
    file.write_text(f"codec: json\nmax_payload: 2000\nredis: {{url: '{database(server, 1)}'}}\n")
    kiq.configure(file)
    assert pushed_to(server) == [1]
    with pytest.raises(kiq.PayloadError, match="limit 2000"):
        kiq.push({"class": "X", "args": ["a" * 2000]})
    kiq.configure(file, redis=database(server, 3))
    assert pushed_to(server) == [1, 3]


@pytest.mark.parametrize(
    "settings",
    [
        {"decode_responses": True},
        {"protocol": 3},
        {"retry": Retry(ConstantBackoff(0.01), 5), "health_check_interval": 1},
    ],
)
def test_a_client_of_ones_own_is_copied_and_left_as_it_is(
    kiq_client: kiq.Client, server: TestServer, settings: dict[str, Any]
) -> None:
    own = redis.Redis(port=server.port, db=1, **settings)
    before = dict(own.connection_pool.connection_kwargs)
    kiq.configure(redis=own)
    assert pushed_to(server) == [1]
    assert own.connection_pool.connection_kwargs == before
    own.close()
    assert pushed_to(server) == [1]


@pytest.fixture
def sentinel(private_server: Any, tmp_path: Path) -> Iterator[tuple[Any, TestServer]]:
    """A Sentinel that watches a server of its own as "jobs", and that server."""
    master = private_server()
    with watching(master, tmp_path) as port:
        watcher = client_of(port)
        yield watcher, master
        for client in watcher.sentinels:
            client.close()


def test_a_client_of_sentinels_pushes_to_the_master_that_sentinel_names(
    kiq_client: kiq.Client, raw: redis.Redis, sentinel: tuple[Any, TestServer]
) -> None:
    watcher, master = sentinel
    client = kiq.Client(watcher.master_for("jobs"))
    gc.collect()  # nobody but kiq holds what master_for returned
    jid = client.push(dict(ITEM))
    assert [job["jid"] for job in in_queue(master.client())] == [jid]
    master.kill()
    with pytest.raises(kiq.StoreUnavailable, match="Sentinel service jobs"):
        client.push(dict(ITEM))


def test_a_second_client_pushes_elsewhere(
    kiq_client: kiq.Client, raw: redis.Redis, server: TestServer
) -> None:
    other = kiq.Client(Redis(url=database(server, 1)), codec="json")
    jid = other.push(dict(ITEM))
    elsewhere = store_of(database(server, 1))
    assert [job["jid"] for job in in_queue(elsewhere)] == [jid]
    assert raw.keys() == []
    elsewhere.close()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"codec": "pickle"}, "codec must be one of msgpack, json, not pickle"),
        ({"redis": 6379}, "redis is a URL, a kiq.config.Redis or a redis.Redis, not int"),
        ({"max_payload": 0}, "max_payload must be a whole number from 1 to 536870912, not 0"),
        (
            {"max_payload": "1 MB"},
            "max_payload must be a whole number from 1 to 536870912, not 1 MB",
        ),
    ],
)
def test_what_can_be_no_setting_is_refused_at_once(
    unconfigured: None, settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        kiq.configure(**settings)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    "url", ["localhost:6379", "http://localhost", "redis://:se/cret@localhost:6379/0", ""]
)
def test_a_url_of_no_redis_is_refused_without_its_password(unconfigured: None, url: str) -> None:
    with pytest.raises(ConfigError, match=r"redis\.url (must|has)") as raised:
        kiq.configure(redis=url)
    assert "cret" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_missing_file_is_refused(unconfigured: None, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yml"):
        kiq.configure(tmp_path / "nowhere.yml")


def test_a_producer_says_once_where_it_pushes_without_the_password(
    kiq_client: kiq.Client, server: TestServer, caplog: pytest.LogCaptureFixture
) -> None:
    own = f"unix://{server.socket}?db=0&password=s3cret"
    kiq.configure(redis=own, codec="json")
    with caplog.at_level(logging.INFO, "kiq.client"):
        for _ in range(3):
            # This server has no password, and says so to one who sends one.
            with contextlib.suppress(kiq.StoreDenied):
                kiq.push(ITEM)
    lines = [record.getMessage() for record in caplog.records if record.name == "kiq.client"]
    assert lines == [f"pushing to unix://{server.socket}?db=0&password=*** (codec json)"]


def test_importing_and_configuring_touch_no_network_and_no_yaml(server: TestServer) -> None:
    code = (
        "import socket, sys\n"
        "def refuse(*a, **k): raise SystemExit('a socket was made')\n"
        "socket.socket.connect = refuse\n"
        "import kiq\n"
        f"kiq.configure(redis={server.tcp_url!r}, codec='json')\n"
        "assert 'yaml' not in sys.modules and 'click' not in sys.modules\n"
        "print('quiet')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert (done.stdout, done.stderr) == ("quiet\n", "")
