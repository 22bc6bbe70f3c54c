"""Fixtures for tests that need a real server. Unit tests use none of them and start none."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path

import fakeredis
import pytest
import redis

import kiq
from kiq import features
from kiq.client import configured, process_client, use_settings
from kiq.plugins.declared.periodic import in_code
from kiq.registry import Registry, registry
from tests.helpers import strays
from tests.helpers.namespaced import BARE_NAMES, NAMESPACE, BareNames
from tests.helpers.needs import MARKER, Needs, announced
from tests.helpers.rubies import Rubies
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually


def pytest_configure(config: pytest.Config) -> None:
    """Know which tests this environment leaves out."""
    config.addinivalue_line("markers", MARKER)
    config.addinivalue_line("markers", BARE_NAMES)
    config.pluginmanager.register(BareNames())
    config.pluginmanager.register(Needs(announced()))
    config.pluginmanager.register(Rubies())


# Started in the background of a shell, or by nohup, this process ignores them, and so would all workers.
for _number, _usual in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGHUP, signal.SIG_DFL),
):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _usual)


@pytest.fixture(scope="session", autouse=bool(NAMESPACE))
def _scripts_are_watched() -> Iterator[None]:
    """Under a namespace a script that touches what it was not given fails the run: see strays."""
    with pytest.MonkeyPatch.context() as patch:
        strays.watch(patch)
        yield


@pytest.fixture(scope="session")
def server() -> Iterator[TestServer]:
    """The one server of this pytest process, without persistence: don't kill or pause it."""
    shared = TestServer()
    yield shared
    shared.stop()


@pytest.fixture
def redis_url(server: TestServer) -> str:
    """The URL of the shared server, emptied for this test."""
    server.flush()
    return server.url


@pytest.fixture
def raw(redis_url: str, server: TestServer) -> Iterator[redis.Redis]:
    """A plain redis client on the shared server, emptied for this test."""
    client = server.client()
    yield client
    client.close()


@pytest.fixture
def private_server() -> Iterator[Callable[..., TestServer]]:
    """Make servers of a test's own, with the arguments of TestServer; all stopped at the end."""
    made: list[TestServer] = []

    def make(*args: object, **options: object) -> TestServer:
        made.append(TestServer(*args, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for each in made:
        each.stop()


@pytest.fixture
def fresh_registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """The registry of this process; what the test registers is forgotten afterwards."""
    monkeypatch.setattr(registry, "_specs", dict(registry._specs))
    return registry


@pytest.fixture
def fresh_host() -> Iterator[kiq.Host]:
    """``kiq.host`` with nothing attached; what it had before comes back afterwards."""
    before = dict(vars(kiq.host))
    vars(kiq.host).update(vars(kiq.Host()))
    yield kiq.host
    vars(kiq.host).update(before)


@pytest.fixture
def unconfigured(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A producer that nothing has configured: no ``kiq.configure``, no environment variable."""
    for name in ("KIQ_REDIS_URL", "REDIS_URL", "KIQ_CODEC"):
        monkeypatch.delenv(name, raising=False)
    before = configured()
    use_settings({})
    yield
    use_settings(before)


@pytest.fixture(autouse=True)
def _nothing_stays_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail the test that leaves its configuration, what it attached, or what it still pushes to others."""
    before, host, buffers = dict(configured()), _attached(), _pushing()
    options, entries = set(features._declared), dict(in_code)
    yield
    assert in_code == entries, "a periodic job stays: give the test an in_code of its own"
    assert set(features._declared) == options, "an option stays: use the fixture standard_features"
    assert dict(configured()) == before, "what was configured stays: use the fixture unconfigured"
    assert _attached() == host, "what was attached stays: use the fixture fresh_host"
    if _pushing() - buffers:
        eventually(
            lambda: not _pushing() - buffers,
            message="a push buffer still tries to push: let Redis come back, or close it",
        )


#: What kiq itself declares: modules of tests, which are imported later, may declare more.
features.load()
_STANDARD = dict(features._declared)
for each in entry_points(group="kiq.commands"):
    each.load()  # as any test does that asks for the commands; it declares settings, and they stay


@pytest.fixture
def standard_features(monkeypatch: pytest.MonkeyPatch) -> None:
    """Options and settings are kiq's own; what this test declares is forgotten behind it."""
    monkeypatch.setattr(features, "_declared", dict(_STANDARD))


def _attached() -> dict[str, object]:
    return {
        name: list(value) if isinstance(value, list) else value
        for name, value in vars(kiq.host).items()
    }


def _pushing() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "kiq-push-buffer"}


@pytest.fixture
def kiq_client(
    redis_url: str, unconfigured: None, fresh_registry: Registry, fresh_host: kiq.Host
) -> kiq.Client:
    """The client behind ``perform_async``, on the shared server; isolated, and restored."""
    kiq.configure(redis=redis_url)
    return process_client()


@pytest.fixture
def command_store(
    raw: redis.Redis,
    redis_url: str,
    kiq_client: kiq.Client,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> redis.Redis:
    """The emptied database that the commands of ``tests.helpers.commands`` find, in an empty folder."""
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.chdir(tmp_path)
    return raw


@pytest.fixture
def fake(
    unconfigured: None, fresh_registry: Registry, fresh_host: kiq.Host
) -> Iterator[redis.Redis]:
    """A Redis inside this process, to which ``perform_async`` pushes; for tests without a server."""
    server = fakeredis.FakeRedis()
    kiq.configure(redis=server)
    yield server
    server.close()
