"""Lanes: the tests of a module that wait most of the while are played a few at a time.

A played test gets an arena of its own, and its parameters, on a thread of a pool; what pytest calls
waits for its outcome. It takes no other fixture.
"""

from __future__ import annotations

import inspect
import zlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.arena import Arena
from tests.helpers.server import TestServer

#: Tests that are played at once: more make each of them slower, on two cores.
LANES = 3

Scenario = Callable[..., None]
_outcomes: dict[str, Future[None]] = {}


def played(scenario: Scenario) -> Scenario:
    """Decorate a test, ``scenario(arena, **parameters)``; parametrize it above this decorator."""
    parameters = list(inspect.signature(scenario).parameters.values())[1:]
    kind = inspect.Parameter.KEYWORD_ONLY
    given = [each.replace(kind=kind, annotation=Any) for each in parameters]
    fixtures = [inspect.Parameter(name, kind) for name in ("request", "tmp_path_factory")]

    def test(
        *, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, **_: Any
    ) -> None:
        if request.node.nodeid not in _outcomes:
            _play_all(request, tmp_path_factory)
        _outcomes[request.node.nodeid].result()

    vars(test).update(__signature__=inspect.Signature([*fixtures, *given]), scenario=scenario)
    for name in ("__name__", "__qualname__", "__doc__", "__module__"):
        setattr(test, name, getattr(scenario, name))
    # Its turn may come when those before it are through.
    return pytest.mark.timeout(240)(test)


def _play_all(request: pytest.FixtureRequest, folders: pytest.TempPathFactory) -> None:
    """Begin to play the tests of this module that are selected, in their order."""
    pool = ThreadPoolExecutor(LANES)
    request.config.add_cleanup(lambda: pool.shutdown(cancel_futures=True))
    for item in request.session.items:
        if not isinstance(item, pytest.Function) or item.path != request.path:
            continue
        scenario = getattr(item.function, "scenario", None)
        if scenario is not None:
            parameters = item.callspec.params if hasattr(item, "callspec") else {}
            seed = zlib.crc32(item.name.encode())
            folder = folders.mktemp("arena")
            _outcomes[item.nodeid] = pool.submit(_play, scenario, folder, seed, parameters)


def _play(scenario: Scenario, folder: Path, seed: int, parameters: dict[str, Any]) -> None:
    server = TestServer(aof="everysec")
    try:
        arena = Arena(server, folder, seed)
        try:
            scenario(arena, **parameters)
        finally:
            arena.close()
    finally:
        server.stop()
