"""TLS with certificates on both sides, on a real server: what is wrong is said with its setting."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import kiq
from kiq.client import Client
from kiq.config import Redis
from kiq.store.connection import Connector
from tests.helpers.secured import Papers, speaking_tls


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return Papers.made_in(tmp_path_factory.mktemp("papers"))


@pytest.fixture(scope="module")
def port(papers: Papers) -> Iterator[int]:
    papers.issue("mine")
    papers.issue("old", days=-1)
    Papers.made_in(papers.folder / "theirs").issue("foreign")
    with speaking_tls(papers, papers.issue("server")) as port:
        yield port


def url(
    port: int, papers: Papers, mine: str = "mine", ca: str = "ca", host: str = "localhost"
) -> str:
    own = (
        f"&ssl_certfile={papers.folder}/{mine}.pem&ssl_keyfile={papers.folder}/{mine}.key"
        if mine
        else ""
    )
    return f"rediss://{host}:{port}/0?ssl_ca_certs={papers.folder}/{ca}.pem{own}"


def test_a_client_with_a_certificate_pushes(port: int, papers: Papers) -> None:
    assert Client(Redis(url=url(port, papers))).push({"class": "Tls", "args": []})


@pytest.mark.parametrize(
    ("mine", "ca", "host", "said"),
    [
        ("", "ca", "localhost", "redis.ssl_certfile (not set)"),
        (
            "mine",
            "stranger",
            "localhost",
            "is not signed by redis.ssl_ca_certs ({folder}/stranger.pem)",
        ),
        (
            "mine",
            "ca",
            "127.0.0.1",
            "the server's certificate is for another name than redis.url has",
        ),
        ("old", "ca", "localhost", "redis.ssl_certfile ({folder}/old.pem)"),
        ("theirs/foreign", "ca", "localhost", "redis.ssl_certfile ({folder}/theirs/foreign.pem)"),
    ],
)
def test_what_is_wrong_is_said_with_its_setting(
    port: int, papers: Papers, mine: str, ca: str, host: str, said: str
) -> None:
    link = Connector(url(port, papers, mine, ca, host)).open()
    with pytest.raises(kiq.StoreUnavailable) as raised:
        link.connect()
    assert said.format(folder=papers.folder) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_server_whose_certificate_has_expired(papers: Papers) -> None:
    papers.issue("mine")
    renew = pytest.raises(kiq.StoreUnavailable, match="renew the server's certificate")
    with speaking_tls(papers, papers.issue("expired", days=-1)) as port, renew:
        Connector(url(port, papers)).open().connect()


def test_a_file_that_is_not_there_is_a_mistake_of_the_settings(papers: Papers, port: int) -> None:
    wrong = url(port, papers, "absent")
    with pytest.raises(kiq.ConfigError, match=r"redis\.ssl_certfile: .*absent\.pem is not there"):
        Connector(wrong)


def test_a_key_of_another_certificate(papers: Papers, port: int, tmp_path: Path) -> None:
    _, other = papers.issue("other")
    mixed = url(port, papers).replace("mine.key", other.name)
    with pytest.raises(kiq.ConfigError, match=r"redis\.ssl_certfile, redis\.ssl_keyfile"):
        Connector(mixed)
