"""Lua of features that Redis can't read is found before a worker starts, by its name."""

from __future__ import annotations

import pytest

import kiq
from kiq.errors import PluginError
from kiq.plugin import FleetCap, Guard, Ride, Rider
from kiq.settled import Settled
from kiq.work import pieces
from tests.helpers.depot import open_link
from tests.helpers.server import TestServer

GOOD, BROKEN = "return KEYS[1]", "local = 1"


def attach(host: kiq.Host, **lua: str) -> None:
    """Attach one of each, with *lua* in place of what can be read."""

    def asked(_queue: str) -> Ride | None:
        return None

    def releasing(_job: Settled) -> Ride | None:
        return None

    host.ride(Rider("counts", lua=lua.get("rider", GOOD), releasing=releasing))
    caps = {part: lua.get(part, GOOD) for part in ("room", "took")}
    host.fleet_caps.append(FleetCap("five", asked, freed=lua.get("freed", GOOD), **caps))
    guard = {part: lua.get(part, GOOD) for part in ("check", "take", "undo")}
    host.guards.append(Guard("locks", lambda payload: None, **guard))


def test_what_can_be_read_passes(redis_url: str, fresh_host: kiq.Host) -> None:
    link = open_link(redis_url)
    pieces.check(link, fresh_host)
    attach(fresh_host)
    pieces.check(link, fresh_host)


@pytest.mark.parametrize(
    ("part", "named"),
    [
        ("rider", "the piece of rider counts"),
        ("room", "room of cap five"),
        ("took", "took of cap five"),
        ("freed", "freed of cap five"),
        ("check", "check of guard locks"),
        ("take", "take of guard locks"),
        ("undo", "undo of guard locks"),
    ],
)
def test_what_can_not_be_read_is_named(
    redis_url: str, fresh_host: kiq.Host, part: str, named: str
) -> None:
    attach(fresh_host, **{part: BROKEN})
    with pytest.raises(PluginError, match=rf"^{named} is no Lua that Redis can read: .*name"):
        pieces.check(open_link(redis_url), fresh_host)


def test_a_redis_that_takes_no_scripts_beforehand_is_not_asked_again(
    private_server: type[TestServer], fresh_host: kiq.Host
) -> None:
    server = private_server()
    server.client().execute_command("ACL", "SETUSER", "default", "-script")
    attach(fresh_host, rider=BROKEN)
    pieces.check(open_link(server.url), fresh_host)
