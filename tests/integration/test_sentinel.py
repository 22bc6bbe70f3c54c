"""Sentinels that are named in the URL: who is believed, and what is said of those that don't help."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

import kiq
from kiq.client import Client
from kiq.config import Redis
from kiq.store.connection import Connector
from tests.helpers.sentinel import sentinel
from tests.helpers.server import TestServer
from tests.helpers.stored import in_queue

pytestmark = pytest.mark.bare_names


def url(*ports: int, name: str = "jobs", more: str = "") -> str:
    return f"redis+sentinel://{','.join(f'127.0.0.1:{port}' for port in ports)}/{name}/0{more}"


def test_the_newest_answer_counts_where_one_was_cut_off(
    server: TestServer, private_server: Callable[..., TestServer], tmp_path: Path
) -> None:
    old = private_server()
    server.flush()
    with ExitStack() as opened:
        stale = opened.enter_context(sentinel(old, tmp_path / "stale"))
        ports = [
            opened.enter_context(
                sentinel(server, tmp_path / f"new{at}", "sentinel config-epoch jobs 7")
            )
            for at in range(2)
        ]
        Client(Redis(url=url(stale, *ports))).push({"class": "X", "args": []})
    assert len(in_queue(server.client())) == 1
    assert old.client().dbsize() == 0


def test_a_replica_that_is_named_is_no_master(
    server: TestServer, private_server: Callable[..., TestServer], tmp_path: Path
) -> None:
    replica = private_server("--replicaof", "127.0.0.1", str(server.port))
    with sentinel(replica, tmp_path) as port:
        link = Connector(url(port)).open()
        with pytest.raises(
            kiq.StoreUnavailable, match="which Sentinel named as the master, is a rep"
        ):
            link.connect()
        assert not link.connected


def test_a_name_that_no_sentinel_knows(server: TestServer, tmp_path: Path) -> None:
    with sentinel(server, tmp_path) as port, pytest.raises(kiq.StoreUnavailable) as raised:
        Connector(url(port, name="jbos")).open().connect()
    said = str(raised.value)
    assert "no Sentinel knows a master named jbos" in said
    assert f"127.0.0.1:{port}: it watches jobs; check the name" in said


def test_sentinels_that_do_not_answer_are_named_with_why(server: TestServer) -> None:
    with pytest.raises(kiq.StoreUnavailable) as raised:
        Client(Redis(url=url(1, server.port))).push({"class": "X", "args": []})
    assert "no Sentinel answers: 127.0.0.1:1: Error 111" in str(raised.value)
    assert f"127.0.0.1:{server.port}: this is no Sentinel" in str(raised.value)
    assert not raised.value.maybe_done


def test_sentinels_have_a_password_of_their_own(server: TestServer, tmp_path: Path) -> None:
    server.flush()
    with sentinel(server, tmp_path, "requirepass theirs") as port:
        with pytest.raises(kiq.StoreDenied, match=r"check redis\.sentinel_username"):
            Connector(url(port)).open().connect()
        right = Redis(url=url(port), options={"sentinel_password": "theirs"})
        assert Client(right).push({"class": "X", "args": []})
