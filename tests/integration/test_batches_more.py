"""Batches beside other features: push buffer, transactions, waiting inside jobs, commands."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis

import kiq
from kiq import api
from kiq.client import Client, use_client
from kiq.config import Redis
from kiq.context import running
from kiq.middleware import ServerContext
from kiq.plugins.after_commit import AfterCommit, Deferred, push_all
from kiq.worker_state import WorkerState
from tests.helpers.batched import Part, batch, status
from tests.helpers.commands import command
from tests.helpers.locked import jids_in
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually

pytestmark = pytest.mark.usefixtures("fresh_host", "nothing_told")


class Transaction:
    """One that is open until a test commits it."""

    def __init__(self) -> None:
        self.jobs: list[Deferred] = []

    def defer(self, job: Deferred) -> None:
        self.jobs.append(job)


@pytest.mark.parametrize("inside", [True, False])
def test_a_batch_in_a_transaction_is_pushed_at_its_commit(
    inside: bool, raw: redis.Redis, kiq_client: Client
) -> None:
    open_one = Transaction()
    within = AfterCommit(lambda: open_one)
    if inside:
        with within, batch() as one:
            Part.perform_async()
    else:
        with batch(client=within) as one:
            Part.perform_async()
    assert raw.keys("*") == []
    (job,) = open_one.jobs
    assert job.jids
    push_all(open_one.jobs)
    assert jids_in(raw, "queue:out") == job.jids
    assert status(one).total == 1


def test_a_batch_waits_in_the_push_buffer_as_a_whole(
    private_server: Callable[..., TestServer], unconfigured: None
) -> None:
    server = private_server(aof="always")
    client = Client(Redis(url=server.url), push_buffer=10)
    use_client(client)
    try:
        server.kill()
        with batch(client=client) as one:
            Part.perform_bulk([(), ()])
        server.restart()
        raw = server.client()
        eventually(lambda: raw.scard(f"kiq:batch:{one.bid}:jobs") == 2, 20)
        assert len(jids_in(raw, "queue:out")) == 2
        server.kill()
        with pytest.raises(kiq.StoreUnavailable):
            _push_many(client)
    finally:
        server.restart()
        use_client(None)


def _push_many(client: Client) -> None:
    with batch(client=client):
        Part.perform_bulk([()] * 11)


def test_a_job_does_not_wait_for_its_own_batch(raw: redis.Redis, kiq_client: Client) -> None:
    with batch() as one:
        Part.perform_async()
    payload = {"class": "x", "args": [], "jid": "j", "queue": "out", "bid": one.bid}
    run = ServerContext(payload, "out", Part, Part())
    run.worker = WorkerState()
    token = running.set(run)
    try:
        with pytest.raises(kiq.ConfigError, match="waits for this very job"):
            one.wait(1)
        with pytest.raises(kiq.ConfigError, match="give wait a timeout"):
            kiq.Batch(parent=None).wait()
        inner = kiq.Batch()
        assert inner.bid.startswith(one.bid), "made by a job of it"
        assert kiq.current_batch() is not None
    finally:
        running.reset(token)


def test_batches_are_listed_shown_cancelled_and_forgotten(
    command_store: redis.Redis, kiq_client: Client
) -> None:
    with batch("first", tags=["nightly"]) as one:
        Part.perform_bulk([(), ()])
    with batch("second"):
        pass
    found = command("batches", "--json").document["batches"]
    assert [each["description"] for each in found] == ["second", "first"]
    found = command("batches", "--tag", "nightly", "--running", "--json").document["batches"]
    assert [each["bid"] for each in found] == [one.bid]
    (shown,) = command("batches", one.bid, "--json").document["batches"]
    assert (shown["total"], shown["pending"], shown["progress"]) == (2, 2, 0.0)
    assert "pending" in command("batches", one.bid).out
    assert "first" in command("batches").out
    refused = command("batches", one.bid, "--delete")
    assert (refused.code, "it is not over" in refused.both) == (1, True)
    assert command("batches", one.bid, "--cancel", "-y", "--json").document["cancelled"] == [
        one.bid
    ]
    assert status(one).state == "cancelled"
    (over,) = api.BatchSet().select(text="second")
    assert command("batches", over.bid, "--delete", "--json").document["deleted"] == [over.bid]
    assert api.BatchSet().find(over.bid) is None
    assert command("batches", "--delete").code == 2
