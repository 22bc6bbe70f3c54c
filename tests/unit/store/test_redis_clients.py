"""What is handed in as a Redis: checked by what it is; a client's settings are copied, every one."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import urlencode

import fakeredis
import pytest
import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

import kiq
from kiq.api import Queue, Stats
from kiq.config import Config, Redis
from kiq.errors import ConfigError
from kiq.registry import Registry
from kiq.store.connection import Connector
from kiq.work.launcher import Launcher
from tests.helpers.connections import arguments


class Mine(redis.Redis):
    """A client of the user's own."""


class MineAsync(redis.asyncio.Redis):
    """One that must be awaited, under a name that does not say so."""


class Lookalike:
    """Has what a client has, and is none."""

    connection_pool = redis.ConnectionPool()

    def execute_command(self, *_: Any) -> None: ...


class Lazy:
    """A proxy for a client, as of werkzeug or Django: it says that it is what it stands for."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._made = make()

    @property
    def __class__(self) -> Any:
        return type(self._made)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._made, name)


def of_asyncio() -> list[Any]:
    return [
        redis.asyncio.Redis(),
        redis.asyncio.Redis.from_url("redis://h"),
        MineAsync(),
        fakeredis.FakeAsyncRedis(),
        redis.asyncio.ConnectionPool(),
        redis.asyncio.sentinel.Sentinel([("h", 1)]).master_for("m"),
        redis.Redis(connection_pool=redis.asyncio.ConnectionPool()),  # type: ignore[arg-type]
    ]


NO_CLIENTS: list[tuple[Any, str]] = [
    (redis.ConnectionPool(), r"give redis\.Redis\(connection_pool=pool\)"),
    (Sentinel([("h", 1)]), r"give sentinel\.master_for"),
    (mock.Mock(), "kiq.testing"),
    (mock.MagicMock(spec=redis.Redis), "kiq.testing"),
    (mock.MagicMock(spec=redis.Redis()), "kiq.testing"),
    (mock.create_autospec(redis.Redis, instance=True), "kiq.testing"),
    (redis.Redis, "not the class Redis: call it"),
    (redis.asyncio.Redis, "not the class Redis: call it"),
    (redis.Redis().pubsub(), "not redis.client.PubSub"),
    (Lookalike(), "Lookalike"),
    (kiq, "not module"),
    (6379, "not int"),
    (b"redis://localhost", "not bytes"),
    (object(), "not object"),
    (lambda: redis.Redis(), "not function"),
]

WAYS_IN: list[Callable[[Any], object]] = [
    lambda client: kiq.configure(redis=client),
    lambda client: kiq.configure(redis=Redis(client=client)),
    lambda client: kiq.Client(client),
    lambda client: kiq.Client(Redis(client=client)),
    lambda client: Queue("default", client),
    lambda client: Stats(client),
    lambda client: kiq.cancel("0" * 24, client),
    lambda client: Launcher(
        Config(redis=client), kiq.Host(), Registry(), version="", on_signal=lambda _: None
    ),
]


@pytest.mark.parametrize("way_in", WAYS_IN)
@pytest.mark.parametrize("at", range(7))
def test_an_asyncio_client_is_refused_and_the_error_names_what_awaits(
    unconfigured: None, at: int, way_in: Callable[[Any], object]
) -> None:
    with pytest.raises(ConfigError, match=r"whose calls must be awaited.*HardWorker\.aio"):
        way_in(of_asyncio()[at])


@pytest.mark.parametrize("way_in", WAYS_IN)
@pytest.mark.parametrize(("client", "words"), NO_CLIENTS, ids=lambda each: str(type(each)))
def test_what_is_no_client_is_refused(
    unconfigured: None, client: Any, words: str, way_in: Callable[[Any], object]
) -> None:
    with pytest.raises(ConfigError, match=words):
        way_in(client)


@pytest.mark.parametrize("cluster", [redis.RedisCluster, redis.asyncio.RedisCluster])
def test_a_client_of_a_cluster_is_refused(unconfigured: None, cluster: Any) -> None:
    client = cluster.__new__(cluster)  # its constructor would connect
    with pytest.raises(ConfigError, match="RedisCluster"):
        kiq.configure(redis=client)


def test_after_a_refusal_all_is_as_it_was(fake: redis.Redis) -> None:
    with pytest.raises(ConfigError):
        kiq.configure(redis=redis.asyncio.Redis(), codec="json")
    kiq.push({"class": "X", "args": []})
    raw: Any = fake.lindex("queue:default", 0)
    assert not raw.startswith(b"{")


@pytest.mark.parametrize(
    "make",
    [
        fakeredis.FakeRedis,
        fakeredis.FakeStrictRedis,
        lambda: Lazy(fakeredis.FakeRedis),
        lambda: fakeredis.FakeRedis().pipeline(),
    ],
)
def test_what_is_a_client_is_used(unconfigured: None, make: Callable[[], Any]) -> None:
    client = make()
    kiq.configure(redis=client)
    kiq.push({"class": "X", "args": []})
    assert fakeredis.FakeRedis(connection_pool=client.connection_pool).llen("queue:default") == 1


def test_a_subclass_and_a_pool_of_ones_own_are_taken(unconfigured: None) -> None:
    pool = redis.BlockingConnectionPool(host="h", port=1, db=3)
    assert Connector(Mine(connection_pool=pool)).where == "redis://h:1/3"


# What a client's settings become


def test_the_settings_of_a_client_are_copied_but_for_those_that_kiq_must_set() -> None:
    client = redis.Redis(
        host="h",
        port=7,
        db=3,
        username="bob",
        password="pw",
        socket_timeout=21,
        socket_connect_timeout=4,
        socket_keepalive=False,
        client_name="shop",
        encoding="utf-16",
        decode_responses=True,
        protocol=3,
        retry=Retry(ConstantBackoff(1), 5),
        health_check_interval=9,
    )
    found = arguments(client)
    assert (found["host"], found["port"], found["db"]) == ("h", 7, 3)
    assert (found["username"], found["password"]) == ("bob", "pw")
    assert (found["socket_timeout"], found["socket_connect_timeout"]) == (21, 4)
    assert found["socket_keepalive"] is False
    assert (found["protocol"], found["retries"], found["health_check_interval"]) == (2, 0, 0)
    assert (found["encoder"].encoding, found["encoder"].decode_responses) == ("utf-8", False)
    assert Connector(client).name == "shop"


def test_what_only_a_pool_of_ones_own_can_be_told_is_copied_too() -> None:
    pool = redis.ConnectionPool(host="h", socket_read_size=1234, socket_keepalive_options={4: 60})
    found = arguments(redis.Redis(connection_pool=pool))
    assert (found["socket_read_size"], found["socket_keepalive_options"]) == (1234, {4: 60})


def test_a_time_out_that_nobody_gave_is_kiqs() -> None:
    client = redis.Redis(host="h", socket_timeout=None, socket_connect_timeout=None)
    assert arguments(client)["socket_timeout"] == 5.0
    assert arguments(client)["socket_connect_timeout"] == 3.0
    assert arguments(Redis(url="redis://h"))["socket_timeout"] == 5.0
    assert arguments("redis://h")["socket_connect_timeout"] == 3.0


def test_settings_beside_a_client_or_a_url_come_before_theirs() -> None:
    client = redis.Redis(host="h", socket_timeout=21, db=1)
    beside = Redis(client=client, socket_timeout=7, options={"db": 2})
    assert (arguments(beside)["socket_timeout"], arguments(beside)["db"]) == (7, 2)
    assert Connector(beside).where == "redis://h:6379/2"
    url = "redis://h/1?socket_timeout=21&socket_connect_timeout=4&client_name=shop"
    assert arguments(url)["socket_timeout"] == 21
    assert arguments(url)["socket_connect_timeout"] == 4
    assert Connector(url).name == "shop"
    beside = Redis(url=url, socket_timeout=7, options={"db": 2})
    assert (arguments(beside)["socket_timeout"], arguments(beside)["db"]) == (7, 2)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("redis://h?foo=bar", r"redis\.foo is no setting|unknown parameter foo"),
        ("redis://h?usernam=x", r"redis\.usernam is no setting|did you mean username"),
        ("redis://h?db=x", "Invalid value for 'db'|a wrong db: it must be a whole number"),
        ("redis://h?socket_timeout=soon", "(Invalid value for '|a wrong )socket_timeout"),
        (
            "redis://h?connect_timeout=4",
            r"redis\.connect_timeout is no|mean socket_connect_timeout",
        ),
        ("redis://h?socket_timeout=0", "socket_timeout(:| must).*number of seconds"),
        ("redis://h?max_connections=5", "max_connections.* leave it out"),
        ("redis://h?decode_responses=1", "decode_responses.* leave it out"),
        ("redis://h?protocol=3", "protocol.* leave it out"),
        ("redis://h?health_check_interval=3", "health_check_interval.* leave it out"),
        ("redis://h?ssl_cert_reqs=none", r"redis\.ssl_cert_reqs is no setting"),
        ("rediss://h?ssl_cert_reqs=some", "Certificate Requirements Flag|a wrong ssl_cert_reqs"),
        (Redis(url="redis://h", options={"retry": None}), r"redis\.retry is.* leave it out"),
        (Redis(url="redis://h", options={"foo": 1}), r"redis\.foo is no setting"),
        (Redis(url="redis://h", socket_timeout="soon"), "socket_timeout must be a number"),  # type: ignore[arg-type]
        (Redis(url="redis://h", connect_timeout=-1), "connect_timeout must be a number"),
        (redis.Redis(socket_timeout="5"), "socket_timeout must be a number"),  # type: ignore[arg-type]
        (redis.Redis(socket_timeout=0), "socket_timeout must be a number of seconds above 0"),
    ],
)
@pytest.mark.parametrize(
    "way_in", [kiq.Client, lambda it: kiq.configure(redis=it), lambda it: Queue("q", it)]
)
def test_a_setting_that_can_not_be_is_refused_by_its_name_before_anything_connects(
    unconfigured: None, source: Any, words: str, way_in: Callable[[Any], object]
) -> None:
    with pytest.raises(ConfigError, match=words):
        way_in(source)


# TLS


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate, its key, a key with a password, and a text."""
    folder = tmp_path_factory.mktemp("tls")
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-subj", "/CN=h", "-days", "1"]
    for key, locked in (("key.pem", ["-nodes"]), ("locked.pem", ["-passout", "pass:opensesame"])):
        out = ["-keyout", folder / key, "-out", folder / "cert.pem"]
        if locked[0] != "-nodes":
            out = ["-keyout", folder / key, "-out", folder / "locked-cert.pem"]
        subprocess.run([*made, *locked, *out], check=True, capture_output=True)
    (folder / "text").write_text("no certificate")
    return folder


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"ssl_ca_certs": "nowhere.pem"}, r"redis\.ssl_ca_certs: .*nowhere\.pem is not there"),
        ({"ssl_ca_path": "nowhere"}, r"redis\.ssl_ca_path: .*nowhere is not there"),
        ({"ssl_ca_certs": "text"}, r"redis\.ssl_ca_certs, "),
        ({"ssl_ca_data": "no certificate"}, r"redis\.ssl_ca_data"),
        ({"ssl_certfile": "nowhere.pem"}, r"redis\.ssl_certfile: .*is not there"),
        ({"ssl_certfile": "cert.pem", "ssl_keyfile": "no.pem"}, r"redis\.ssl_keyfile: .*not there"),
        ({"ssl_keyfile": "key.pem"}, r"redis\.ssl_keyfile is of no use without"),
        ({"ssl_certfile": "cert.pem"}, r"redis\.ssl_certfile, redis\.ssl_keyfile"),
        ({"ssl_certfile": "cert.pem", "ssl_keyfile": "locked.pem"}, r"redis\.ssl_keyfile"),
        (
            {
                "ssl_certfile": "locked-cert.pem",
                "ssl_keyfile": "locked.pem",
                "ssl_password": "xyz1",
            },
            r"redis\.ssl_password",
        ),
        ({"ssl_ciphers": "nonsense"}, r"redis\.ssl_ciphers: "),
    ],
)
@pytest.mark.parametrize("form", ["settings", "url", "client"])
def test_a_file_of_tls_that_is_missing_or_wrong_is_named_before_anything_connects(
    pem: Path, form: str, options: dict[str, str], words: str
) -> None:
    paths = ("ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile")
    given = {name: str(pem / it) if name in paths else it for name, it in options.items()}
    made: Any = {
        "settings": lambda: Redis(url="rediss://h", options=given),
        "url": lambda: "rediss://h?" + urlencode(given),
        "client": lambda: redis.Redis(host="h", ssl=True, **given),  # type: ignore[arg-type]
    }
    with pytest.raises(ConfigError, match=words) as raised:
        Connector(made[form]())
    assert "xyz1" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_files_of_tls_that_are_right_are_taken(pem: Path) -> None:
    options = {
        "ssl_ca_certs": str(pem / "cert.pem"),
        "ssl_certfile": str(pem / "locked-cert.pem"),
        "ssl_keyfile": str(pem / "locked.pem"),
        "ssl_password": "opensesame",
        "ssl_cert_reqs": ssl.CERT_REQUIRED,
        "ssl_ciphers": "ECDHE+AESGCM",
        "socket_type": socket.SOCK_STREAM,
    }
    assert Connector(Redis(url="rediss://h", options=options)).where == "rediss://h"


@pytest.mark.parametrize("given", ["redis://h", redis.Redis(), kiq.Client, mock.Mock()])
def test_via_takes_a_client_of_kiqs_and_nothing_else(given: Any) -> None:
    with pytest.raises(ConfigError, match=r"via takes a kiq\.Client, not"):
        kiq.job(name="clients.work")(lambda: None).via(given)
