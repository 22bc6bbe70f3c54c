"""Plugins and the host: installed once, refused with a reason, errors told to every handler."""

from __future__ import annotations

import logging
from typing import Any

import pytest

import kiq
from kiq.errors import PluginError
from kiq.plugin import log_error


class Stamp:
    name = "stamp"

    def __init__(self) -> None:
        self.installed = 0

    def install(self, host: kiq.Host) -> None:
        self.installed += 1
        host.around_push(self.layer)

    def layer(self, context: kiq.ClientContext, call_next: Any) -> Any:
        return call_next(context)


class Impostor:
    name = "stamp"

    def install(self, host: kiq.Host) -> None: ...


class Nameless:
    name = ""

    def install(self, host: kiq.Host) -> None: ...


class Broken:
    name = "broken"

    def install(self, host: kiq.Host) -> None:
        raise LookupError("no such thing")


def test_a_plugin_attaches_itself_to_the_host() -> None:
    host, stamp = kiq.Host(), Stamp()
    assert host.install(stamp) is stamp
    assert host.client_middleware.names() == ["Stamp.layer"]
    assert host.plugins == {"stamp": stamp}


def test_installing_a_plugin_twice_attaches_it_once() -> None:
    host, stamp, other = kiq.Host(), Stamp(), Stamp()
    host.install(stamp)
    assert host.install(stamp) is stamp
    assert host.install(other) is stamp
    assert (stamp.installed, other.installed) == (1, 0)


@pytest.mark.parametrize(
    ("plugin", "words"),
    [
        (Stamp, "pass a plugin, not its class: install(Stamp())"),
        (object(), "is no plugin: it needs a name and install(host)"),
        (Nameless(), "is no plugin: it needs a name"),
        ("stamp", "'stamp' is no plugin"),
    ],
)
def test_what_is_no_plugin_is_refused(plugin: Any, words: str) -> None:
    with pytest.raises(PluginError) as raised:
        kiq.Host().install(plugin)
    assert words in str(raised.value)


def test_two_plugins_of_one_name_are_refused() -> None:
    host = kiq.Host()
    host.install(Stamp())
    with pytest.raises(PluginError, match="two plugins are named 'stamp'"):
        host.install(Impostor())


def test_a_plugin_whose_install_raises_counts_as_not_installed() -> None:
    host = kiq.Host()
    with pytest.raises(LookupError, match="no such thing"):
        host.install(Broken())
    assert host.plugins == {}


def test_errors_are_logged_with_their_traceback_by_default(
    caplog: pytest.LogCaptureFixture,
) -> None:
    host = kiq.Host()
    assert host.error_handlers == [log_error]
    with caplog.at_level(logging.ERROR, "kiq.errors"):
        host.report(LookupError("boom"), {"jid": "abc", "queue": None})
    (record,) = caplog.records
    assert record.getMessage() == "LookupError: boom [jid=abc]"
    assert record.exc_info is not None


def test_every_error_handler_is_told_even_when_one_raises(
    caplog: pytest.LogCaptureFixture,
) -> None:
    host, told = kiq.Host(), list[str]()

    @host.on_error
    def broken(error: BaseException, context: dict[str, Any]) -> None:
        raise OSError("the tracker is down")

    @host.on_error
    def tell(error: BaseException, context: dict[str, Any]) -> None:
        told.append(str(error))

    host.report(LookupError("boom"), {})
    assert told == ["boom"]
    assert "an error handler failed" in caplog.text
    assert "the tracker is down" in caplog.text


def test_every_death_handler_is_told_and_the_error_of_one_is_reported() -> None:
    host, told, reports = kiq.Host(), list[str](), list[Any]()
    host.error_handlers = [lambda error, context: reports.append((str(error), context))]

    @host.on_death
    def broken(payload: dict[str, Any], error: BaseException) -> None:
        raise OSError("the pager is down")

    @host.on_death
    def tell(payload: dict[str, Any], error: BaseException) -> None:
        told.append(payload["jid"])

    host.tell_death({"jid": "abc"}, LookupError("boom"))
    assert told == ["abc"]
    assert reports == [("the pager is down", {"context": "death handler", "jid": "abc"})]


def test_a_host_of_ones_own_shares_nothing_with_that_of_the_process(fresh_host: kiq.Host) -> None:
    own = kiq.Host()
    own.around_push(lambda context, call_next: None)
    assert len(own.client_middleware) == 1
    assert len(fresh_host.client_middleware) == 0
