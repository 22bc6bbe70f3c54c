"""Tests under a namespace: all names that they use, and that kiq uses, are behind ``KIQ_TEST_NAMESPACE``.

The square "namespace" of the matrix runs so. A test writes bare names, as ever: the clients here put the
prefix before them, and take it off what is answered.
"""

from __future__ import annotations

import os
import re
from typing import Any

import pytest
import redis
from redis.client import Pipeline, PubSub

from kiq.errors import StoreError
from kiq.redis_url import with_namespace
from kiq.store.keyspace import Keyspace

NAMESPACE = os.environ.get("KIQ_TEST_NAMESPACE") or None
_SAID = re.compile(r"[?&]namespace=([^&]+)")
#: Of no key, or of all of them.
_WITHOUT_KEYS = ("DEBUG", "FLUSHALL", "FLUSHDB", "MULTI", "EXEC", "REPLICAOF", "SHUTDOWN", "SWAPDB")
BARE_NAMES = "bare_names: about names without a namespace, or a client that a test makes itself"


class BareNames:
    """Leaves out, under a namespace, the tests that are marked ``bare_names``."""

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Skip, if that is asked for."""
        if NAMESPACE and item.get_closest_marker("bare_names"):
            pytest.skip("about names without a namespace")


def url_here(url: str) -> str:
    """Return *url* with the namespace of this run."""
    return with_namespace(url, NAMESPACE)


def client_class(namespace: str | None) -> type[redis.Redis]:
    """Return a class of redis-py's clients, whose names are behind *namespace*."""
    return type("Client", (_Client,), {"names": Names(namespace)}) if namespace else redis.Redis


def store_of(url: str, **options: Any) -> redis.Redis:
    """Return a client of redis-py's for *url*, whose names are behind the namespace that it says."""
    said = _SAID.search(url)
    cls = client_class(said and said[1])
    return cls.from_url(_SAID.sub("", url), **options)


class Names:
    """What becomes of the names in commands and replies behind *namespace*."""

    def __init__(self, namespace: str) -> None:
        self._keyspace = Keyspace(namespace)
        self._prefix = self._keyspace.prefix.encode()

    def placed(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return a command as redis-py makes it, with its names here."""
        word = args[0].split()[0]
        parts = [each.decode() if each == b"MATCH" else each for each in args]
        if word in _WITHOUT_KEYS:
            return args
        if word == "KEYS":
            return (word, self._keyspace.place(("SCAN", 0, "MATCH", *parts[1:]))[-1])
        if word == "PUBSUB":  # redis-py sends both words as one
            return (args[0], *map(self._keyspace.name, parts[1:]))
        if word == "PSUBSCRIBE":
            return (word, *map(self._keyspace.name, parts[1:]))
        try:
            return (args[0], *self._keyspace.place((word, *parts[1:]))[1:])
        except StoreError:
            if word in ("OBJECT", "MEMORY"):
                return (*args[:-1], self._keyspace.name(args[-1]))
            raise

    def bare(self, name: bytes) -> bytes:
        """Return *name* without the namespace."""
        return name.removeprefix(self._prefix)

    def read(self, args: tuple[Any, ...], reply: Any) -> Any:
        """Return a reply with bare names in it."""
        if args[0] == "KEYS":
            return [self.bare(name) for name in reply]
        if str(args[0]).startswith("PUBSUB"):
            named = [each if isinstance(each, tuple) else (each,) for each in reply]
            bare = [(self.bare(first), *rest) for first, *rest in named]
            return [each if len(each) > 1 else each[0] for each in bare]
        if args[0] == "SCAN":
            return (reply[0], [self.bare(name) for name in reply[1]])
        return reply


class _Client(redis.Redis):
    names: Names

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send one command."""
        reply = super().execute_command(*self.names.placed(args), **options)
        return self.names.read(args, reply)

    def pipeline(self, transaction: bool = True, shard_hint: Any = None) -> Any:
        """Return a pipeline that does the same."""
        pipeline = _Pipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)
        pipeline.names = self.names
        return pipeline

    def pubsub(self, **options: Any) -> Any:
        """Return what subscribes to channels behind the namespace, and says of each its bare name."""
        pubsub = _PubSub(self.connection_pool, **options)
        pubsub.names = self.names
        return pubsub


class _Pipeline(Pipeline):
    names: Names

    def pipeline_execute_command(self, *args: Any, **options: Any) -> Any:
        return super().pipeline_execute_command(*self.names.placed(args), **options)


class _PubSub(PubSub):
    names: Names

    def execute_command(self, *args: Any, **options: Any) -> Any:
        return super().execute_command(*self.names.placed(args), **options)

    def handle_message(self, response: Any, ignore_subscribe_messages: bool = False) -> Any:
        message = super().handle_message(response, ignore_subscribe_messages)
        if message is not None and isinstance(message["channel"], bytes):
            message["channel"] = self.names.bare(message["channel"])
        return message
