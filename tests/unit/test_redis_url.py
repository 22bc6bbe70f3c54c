"""URLs of Redis: what they say; and that a mistake in one shows nothing of it."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from redis.connection import parse_url

from kiq.config import Redis
from kiq.errors import ConfigError
from kiq.redis_url import parse, with_database


@pytest.mark.parametrize(
    ("url", "scheme", "says"),
    [
        ("redis://localhost:6379/0", "redis", {"db": "0"}),
        ("redis://h", "redis", {}),
        ("redis:///2", "redis", {"db": "2"}),
        ("REDISS://bob:pw@h:1/2", "rediss", {"username": "bob", "password": "pw", "db": "2"}),
        ("redis://:p%40ss%2Fword@h", "redis", {"password": "p@ss/word"}),
        ("redis://:a:b@h", "redis", {"password": "a:b"}),
        ("redis://token@h", "redis", {"username": "token"}),
        ("redis://[::1]:6379/0", "redis", {"db": "0"}),
        ("redis://h?db=3&socket_timeout=2", "redis", {"db": "3", "socket_timeout": "2"}),
        ("redis://h/3?db=3", "redis", {"db": "3"}),
        ("redis://h?password=a%40b&client_name=", "redis", {"password": "a@b"}),
        ("unix:///run/redis.sock", "unix", {}),
        ("unix:///run/redis@1.sock?db=1", "unix", {"db": "1"}),
        ("unix://bob:pw@/run/redis.sock", "unix", {"username": "bob", "password": "pw"}),
        ("embedded", "embedded", {}),
        ("embedded:/some/folder#1", "embedded", {}),
    ],
)
def test_a_url_says(url: str, scheme: str, says: dict[str, str]) -> None:
    parsed = parse(url)
    assert (parsed.scheme, parsed.says) == (scheme, says)


@pytest.mark.parametrize(
    ("url", "scheme", "sentinels", "service", "says"),
    [
        (
            "redis+sentinel://h1:1,h2/jobs/3",
            "redis",
            (("h1", 1), ("h2", 26379)),
            "jobs",
            {"db": "3"},
        ),
        ("rediss+sentinel://[::1]:5/a%2Fb", "rediss", (("::1", 5),), "a/b", {}),
        ("redis+sentinel://:pw@h/jobs", "redis", (("h", 26379),), "jobs", {"password": "pw"}),
    ],
)
def test_a_url_names_sentinels(
    url: str, scheme: str, sentinels: object, service: str, says: dict[str, str]
) -> None:
    parsed = parse(url)
    assert (parsed.scheme, parsed.sentinels, parsed.service) == (scheme, sentinels, service)
    assert parsed.says == says


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis+sentinel://u:pw@h1:1,h2:2/jobs/0", "redis+sentinel://u:***@h1:1,h2:2/jobs/3"),
        ("redis+sentinel://h1:1,h2/jobs", "redis+sentinel://h1:1,h2/jobs/3"),
        (
            "redis+sentinel://h/jobs?sentinel_password=pw",
            "redis+sentinel://h/jobs/3?sentinel_password=***",
        ),
    ],
)
def test_a_url_with_sentinels_is_shown_without_passwords(url: str, shown: str) -> None:
    assert Redis(url=url, options={"db": 3}).masked_url == shown


REFUSED = [
    "redis+sentinel://h1:1,h2:2",  # no name of a master
    "redis+sentinel://h1:1,h2:2/0",
    "redis+sentinel:///jobs",
    "redis+sentinel://h1,,h2/jobs",
    "redis+sentinel://h1:99999/jobs",
    "redis+sentinel+sentinel://h1/jobs",
    "unix+sentinel://h1/jobs",
    "redis+sentinel://:hun/ter2@h1/jobs",
    "redis://:hun/ter2@h:6379/0",
    "redis://:hun#ter2@h:6379/0",
    "redis://:hun?ter2@h:6379/0",
    "redis://:hun@ter2@h:6379/0",
    "redis://:hun[ter2@h:6379/0",
    "redis://:hun ter2@h:6379/0",
    "redis://:hun\nter2@h:6379/0",
    "redis://bob:hun@ter/2@h:6379/0",
    "redis://:12/hunter2@h:6379/0",  # a port, to whoever reads only so far
    "redis://:12#hunter2@h:6379/0",
    "redis://:12?hunter2=1@h:6379/0",
    "redis://hun/ter2@h",
    "rediss://hunter2/0@h",
    "redis://:hunter2",
    "redis://bob:hunter2",
    "redis://:hunter2/0",
    "redis://:12345/0",  # a password of digits, without its @host
    "redis://:hunter2@h:port/0",
    "redis://:hunter2@h:99999/0",
    "redis://:hunter2@h:0/0",
    "redis://:hunter2@h/zero",
    "redis://:hunter2@h/0/hunter2",
    "redis://h/hunter2",
    "redis://h/0#hunter2",
    "redis://h/0?hunter2!=1",
    "redis://h/0?password=hunter2&password=hunter3",
    "redis://:hunter3@h/0?password=hunter2",
    "redis://h/1?db=2",
    "unix://:hun/ter2@/run/redis.sock",
    "unix://run/redis.sock",
    "unix://",
    "unix:///?password=hunter2",
    "http://:hunter2@h",
    "hunter2://h",
    "hunter2",
    ":hunter2@h:6379",
    "",
]


@pytest.mark.parametrize("url", REFUSED)
def test_a_url_that_can_not_be_read_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse(url)
    words = str(raised.value)
    assert words.startswith(("must ", "has "))
    assert raised.value.__cause__ is None
    assert all(piece not in words for piece in ("hun", "ter2", "12345", "bob"))


@pytest.mark.parametrize("url", [None, 6379, b"redis://h", ["redis://h"]])
def test_what_is_no_text_is_no_url(url: object) -> None:
    with pytest.raises(ConfigError, match="must be a URL"):
        parse(url)


@given(
    st.text(min_size=1, max_size=12),
    st.sampled_from(["redis://:{}@h:6379/0", "rediss://bob:{}@h", "unix://:{}@/run/x.sock"]),
)
def test_a_password_that_is_encoded_arrives_and_redis_py_reads_the_same(
    password: str, form: str
) -> None:
    url = form.format(quote(password.encode("utf-8", "replace"), safe=""))
    assert parse(url).says["password"] == parse_url(url)["password"]


@given(
    st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=12),
    st.sampled_from(["redis://:{}hunter2@h:6379/0", "redis://bob:hunter2{}@h:6379/1"]),
)
@example("\ufe13", "redis://:{}hunter2@h:6379/0")  # urllib takes it for a colon
def test_a_password_as_it_is_leads_to_its_host_or_is_refused_unseen(noise: str, form: str) -> None:
    url = form.format(noise)
    refusal = ""
    try:
        parse(url)
    except ConfigError as error:
        refusal = str(error)
    assert "hunter2" not in refusal
    assert refusal or (parse_url(url)["host"], parse_url(url)["port"]) == ("h", 6379)


@pytest.mark.parametrize(
    ("url", "db", "shown"),
    [
        ("redis://:pw@h:1/0", 3, "redis://:***@h:1/3"),
        ("redis://h", 3, "redis://h/3"),
        ("rediss://h/0?ssl_cert_reqs=none", 3, "rediss://h/3?ssl_cert_reqs=none"),
        ("redis://h?db=1", 3, "redis://h/3"),
        ("unix:///run/redis.sock?db=1", 3, "unix:///run/redis.sock?db=3"),
        ("unix:///run/redis.sock", 3, "unix:///run/redis.sock?db=3"),
        ("embedded", 3, "embedded, database 3"),
        ("redis://h/1", None, "redis://h/1"),
    ],
)
def test_what_is_shown_names_the_database_in_use(url: str, db: int | None, shown: str) -> None:
    options = {} if db is None else {"db": db}
    assert Redis(url=url, options=options).masked_url == shown


def test_a_place_that_is_no_url_gets_its_database_all_the_same() -> None:
    assert with_database("Sentinel service jobs", 2) == "Sentinel service jobs, database 2"
