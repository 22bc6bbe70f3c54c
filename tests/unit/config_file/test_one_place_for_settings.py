"""Producers, workers and commands read their settings in one place, with one precedence."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

import kiq
from kiq import config_file
from kiq.api.limits import dead_limits
from kiq.client import configured, default_client, settings_in_use, use_settings
from kiq.config import Config, Redis
from kiq.errors import ConfigError
from kiq.store.connection import Connector
from tests.helpers.connections import arguments

Set = Callable[..., None]


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch, unconfigured: None, tmp_path: Path) -> Set:
    """Set variables of the environment; nothing else is set, and the folder is empty."""
    monkeypatch.chdir(tmp_path)

    def set_all(**given: str) -> None:
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        use_settings(configured())  # read again

    return set_all


def as_worker(file: str | None = None, *code: Callable[[], None], **flags: Any) -> Config:
    """The settings of a worker whose application runs *code* when it is imported."""
    use_settings(config_file.started(file, flags))
    for call in code:
        call()
    return config_file.settings(configured())


def test_what_the_issue_gave_as_its_example(variables: Set) -> None:
    variables(REDIS_URL="redis://h/0", KIQ_REDIS_DB="3")
    producer, worker = settings_in_use().redis, as_worker().redis
    assert producer == worker
    assert producer.masked_url == "redis://h/3"
    assert arguments(producer)["db"] == 3


#: One place each, highest first: (variables, code, file).
PLACES: list[tuple[dict[str, str], dict[str, Any], str]] = [
    ({"KIQ_REDIS_DB": "1"}, {}, ""),
    ({"KIQ_REDIS_URL": "redis://kiq/2"}, {}, ""),
    ({}, {"redis": "redis://code/3"}, ""),
    ({"REDIS_URL": "redis://shared/4"}, {}, ""),
    ({}, {}, "redis: {url: 'redis://file/5'}\n"),
]


@pytest.mark.parametrize(
    "chosen", [each for n in (1, 2, 3) for each in itertools.combinations(range(len(PLACES)), n)]
)
def test_whoever_asks_and_wherever_it_stands_the_same_wins(
    variables: Set, chosen: tuple[int, ...]
) -> None:
    Path("kiq.yml").write_text("".join(PLACES[at][2] for at in chosen) or "tag: x\n")
    for at in chosen:
        variables(**PLACES[at][0])
    code = {name: value for at in chosen for name, value in PLACES[at][1].items()}
    in_worker = as_worker("kiq.yml", lambda: kiq.configure(**code)).redis
    use_settings({})
    kiq.configure("kiq.yml", **code)
    producer = settings_in_use().redis
    assert producer == in_worker
    hosts = ["", "kiq", "code", "shared", "file"]
    first_url = next((at for at in chosen if at > 0), None)
    found = arguments(producer)
    assert found["host"] == (hosts[first_url] if first_url else "localhost")
    assert found["db"] == chosen[0] + 1


def test_a_database_of_the_file_does_not_beat_that_of_a_variables_url(variables: Set) -> None:
    Path("kiq.yml").write_text("redis: {db: 7, password: old, username: ann}\n")
    variables(REDIS_URL="redis://:new@h/2")
    found = arguments(as_worker("kiq.yml").redis)
    assert (found["db"], found["password"], found["username"]) == (2, "new", "ann")


def test_what_a_losing_url_says_counts_for_nothing(variables: Set) -> None:
    variables(KIQ_REDIS_URL="redis://h1", REDIS_URL="redis://bob:secret@h2/5?socket_timeout=9")
    for settings in (settings_in_use().redis, as_worker().redis):
        found = arguments(settings)
        assert (found["host"], found["db"], found["password"]) == ("h1", 0, None)
        assert found["socket_timeout"] == 5.0


def test_a_time_out_may_stand_in_the_url_and_is_beaten_by_what_ranks_higher(variables: Set) -> None:
    variables(REDIS_URL="redis://h?socket_timeout=21&socket_connect_timeout=4")
    assert arguments(settings_in_use().redis)["socket_timeout"] == 21
    variables(KIQ_REDIS_SOCKET_TIMEOUT="5")  # the default, said aloud
    assert arguments(settings_in_use().redis)["socket_timeout"] == 5
    assert as_worker().origins["redis.socket_timeout"] == (
        "KIQ_REDIS_SOCKET_TIMEOUT; overrides 21.0 from REDIS_URL"
    )


@pytest.mark.parametrize(
    ("variable", "value", "setting", "meant"),
    [
        ("KIQ_CODEC", "json", "codec", "json"),
        ("KIQ_SIDEKIQ", "7", "sidekiq", 7),
        ("KIQ_MAX_PAYLOAD", "5000", "max_payload", 5000),
        ("KIQ_PUSH_BUFFER", "9", "push_buffer", 9),
        ("KIQ_DEAD_MAX_JOBS", "11", "dead_max_jobs", 11),
        ("KIQ_DEAD_TIMEOUT", "12", "dead_timeout", 12.0),
    ],
)
def test_a_variable_counts_for_producers_as_for_workers(
    variables: Set, variable: str, value: str, setting: str, meant: object
) -> None:
    variables(**{variable: value})
    assert getattr(settings_in_use(), setting) == meant
    assert getattr(as_worker(), setting) == meant


def test_the_dead_sets_limits_of_a_producer_are_those_of_its_variables(variables: Set) -> None:
    variables(KIQ_DEAD_MAX_JOBS="11", KIQ_DEAD_TIMEOUT="12")
    assert (dead_limits().size, dead_limits().age) == (11, 12.0)


@pytest.mark.parametrize(
    ("variable", "value", "argument", "meant"),
    [
        ("KIQ_REDIS_USERNAME", "ann", "username", "ann"),
        ("KIQ_REDIS_PASSWORD", "pw", "password", "pw"),
        ("KIQ_REDIS_DB", "2", "db", 2),
        ("KIQ_REDIS_SOCKET_TIMEOUT", "7", "socket_timeout", 7.0),
        ("KIQ_REDIS_CONNECT_TIMEOUT", "8", "socket_connect_timeout", 8.0),
        ("KIQ_REDIS_SOCKET_KEEPALIVE", "no", "socket_keepalive", False),
    ],
)
@pytest.mark.parametrize(
    "code",
    [
        {},
        {"redis": "redis://bob:x@h/1?socket_timeout=3"},
        {"redis": Redis(url="redis://h", options={"db": 1, "password": "x"}, socket_timeout=3)},
        {"redis": redis.Redis(host="h", db=1, username="bob", password="x", socket_timeout=3)},
    ],
    ids=["nothing", "a URL", "settings", "a client"],
)
def test_a_variable_of_redis_beats_whatever_code_gives(
    variables: Set, code: dict[str, Any], variable: str, value: str, argument: str, meant: object
) -> None:
    variables(**{variable: value})
    worker = as_worker(None, lambda: kiq.configure(**code)).redis
    use_settings({})
    kiq.configure(**code)
    for settings in (settings_in_use().redis, worker):
        assert arguments(settings)[argument] == meant


def test_a_client_takes_the_place_of_the_files_redis_and_that_is_noticed(variables: Set) -> None:
    Path("kiq.yml").write_text("redis: {url: 'redis://file', password: pw, db: 4}\n")
    own = redis.Redis(host="own", db=1)
    config = as_worker("kiq.yml", lambda: kiq.configure(redis=own))
    found = arguments(config.redis)
    assert (found["host"], found["db"], found["password"]) == ("own", 1, None)
    assert config.redis.masked_url == "redis://own:6379/1"
    assert config.origins["redis.url"] == (
        "kiq.configure(...); overrides redis://file from kiq.yml:1"
    )
    assert [notice.partition(" is not")[0] for notice in config.notices] == [
        "redis.password (kiq.yml:1)",
        "redis.db (kiq.yml:1)",
    ]


@pytest.mark.parametrize(
    ("given", "code", "file", "namespace", "origin"),
    [
        ({}, None, "redis: {namespace: file}\n", "file", "kiq.yml:1"),
        ({"REDIS_URL": "redis://h?namespace=url"}, None, "redis: {namespace: file}\n", "url", None),
        (
            {"KIQ_REDIS_NAMESPACE": "said"},
            "redis://h?namespace=url",
            "",
            "said",
            "KIQ_REDIS_NAMESPACE",
        ),
        ({}, {"url": "redis://h", "namespace": "code"}, "", "code", "kiq.configure(...)"),
        ({}, Redis(url="redis://h", namespace="code"), "", "code", "kiq.configure(...)"),
        ({}, redis.Redis(host="h"), "redis: {namespace: file}\n", "file", "kiq.yml:1"),
        ({}, Redis(client=redis.Redis(), namespace="code"), "", "code", "kiq.configure(...)"),
        ({}, None, "", "", None),
    ],
)
def test_a_namespace_is_a_setting_like_the_others_and_no_client_has_one(
    variables: Set, given: dict[str, str], code: Any, file: str, namespace: str, origin: str | None
) -> None:
    Path("kiq.yml").write_text(file)
    variables(**given)
    config = as_worker("kiq.yml", lambda: kiq.configure(redis=code))
    assert Connector(config.redis).keyspace.namespace == namespace
    assert [each for each in config.notices if "is not used" in each] == []
    if origin:
        assert config.origins["redis.namespace"].partition(";")[0] == origin
    assert (f"namespace={namespace}" in config.redis.masked_url) is bool(namespace)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("''", "kiq.yml:1: redis.namespace must be 1 to 100 letters"),
        ("a b", "for a cluster, as in {shop}, not 'a b'"),
        ("{shop}", "kiq.yml:1: redis.namespace must be text: write braces in quotes"),
        ("queue", "kiq.yml:1: redis.namespace must not begin with queue: Sidekiq and kiq"),
    ],
)
def test_a_namespace_that_can_not_be_is_told_at_its_line(
    variables: Set, text: str, message: str
) -> None:
    Path("kiq.yml").write_text(f"redis: {{namespace: {text}}}\n")
    with pytest.raises(ConfigError) as raised:
        as_worker("kiq.yml")
    assert message in str(raised.value)


def test_kiq_redis_url_takes_the_place_of_a_client(variables: Set) -> None:
    variables(KIQ_REDIS_URL="redis://h/2")
    config = as_worker(None, lambda: kiq.configure(redis=redis.Redis(host="own", db=1)))
    assert arguments(config.redis)["host"] == "h"
    assert config.origins["redis.url"] == (
        "KIQ_REDIS_URL; overrides redis://own:6379/1 from kiq.configure(...)"
    )


def test_a_file_that_code_names_comes_before_that_of_the_worker_and_after_variables(
    variables: Set,
) -> None:
    Path("kiq.yml").write_text("codec: msgpack\nconcurrency: 3\nredis: redis://worker\n")
    Path("other.yml").write_text(
        "codec: json\nconcurrency: 9\nredis: redis://other\nproduction: {max_payload: 77}\n"
    )
    config = as_worker(
        "kiq.yml", lambda: kiq.configure("other.yml", push_buffer=2), environment="production"
    )
    assert (config.codec, config.redis.url) == ("json", "redis://other")
    assert (config.max_payload, config.push_buffer) == (77, 2)
    assert config.capsules[0].concurrency == 3
    variables(REDIS_URL="redis://shared")
    assert settings_in_use().redis.url == "redis://shared"
    assert settings_in_use().max_payload == 77


def test_the_workers_own_file_named_again_by_code_changes_nothing(variables: Set) -> None:
    Path("kiq.yml").write_text("codec: json\nredis: redis://h\n")
    config = as_worker("kiq.yml", lambda: kiq.configure("kiq.yml"))
    assert config.origins["codec"] == "kiq.yml:1"


def test_settings_of_redis_may_be_a_mapping_as_in_the_file(variables: Set) -> None:
    kiq.configure(redis={"url": "redis://h/1", "password": "pw", "socket_timeout": 7})
    found = arguments(settings_in_use().redis)
    assert (found["db"], found["password"], found["socket_timeout"]) == (1, "pw", 7)
    with pytest.raises(ConfigError, match=r"redis\.usrname is no setting"):
        kiq.configure(redis={"url": "redis://h/1", "usrname": "ann"})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"KIQ_REDIS_DB": "x"}, "KIQ_REDIS_DB: redis.db must be a whole number"),
        ({"KIQ_REDIS_SOCKET_TIMEOUT": "0"}, "KIQ_REDIS_SOCKET_TIMEOUT: redis.socket_timeout must"),
        ({"KIQ_REDIS_CLIENT_NAME": "a b"}, "KIQ_REDIS_CLIENT_NAME: redis.client_name must"),
        ({"REDIS_URL": "redis://:se/cret@h"}, "REDIS_URL: redis.url has a / ? # or @"),
        ({"REDIS_URL": "redis://h?foo=bar"}, "REDIS_URL: redis.url has the unknown parameter foo"),
        (
            {"REDIS_URL": "redis://h?db=x"},
            "REDIS_URL: redis.url has a wrong db: it must be a whole",
        ),
        (
            {"KIQ_REDIS_URL": "rediss://h", "KIQ_REDIS_SSL_CA_CERTS": "/no/ca.pem"},
            "/no/ca.pem is not",
        ),
        (
            {"REDIS_URL": "rediss://h?ssl_ca_certs=/no/ca.pem"},
            "REDIS_URL: redis.ssl_ca_certs: /no/",
        ),
        ({"KIQ_MAX_PAYLOAD": "1 MB"}, "KIQ_MAX_PAYLOAD: max_payload must be a whole number"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_variable_for_producer_and_worker(
    variables: Set, given: dict[str, str], words: str
) -> None:
    variables(**given)
    for way_in in (default_client, as_worker):
        with pytest.raises(ConfigError) as raised:
            way_in()
        assert words in str(raised.value)
        assert "\n" not in str(raised.value)
        assert "cret" not in str(raised.value)


def test_what_no_producer_needs_does_not_stop_one(variables: Set) -> None:
    variables(KIQ_CONCURRENCY="many", KIQ_REDIS_DB="1")
    assert settings_in_use().redis.options == {"db": 1}
    with pytest.raises(ConfigError, match="KIQ_CONCURRENCY"):
        as_worker()


def test_every_redis_url_is_looked_at_also_one_that_loses(variables: Set) -> None:
    Path("kiq.yml").write_text("production: {redis: {url: 'redis://h?foo=1'}}\n")
    variables(REDIS_URL="redis://h")
    (problem,) = config_file.problems("kiq.yml")
    assert str(problem) == "kiq.yml:1: redis.url has the unknown parameter foo"
