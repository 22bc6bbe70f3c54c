"""Redis as it is rented: commands are taken away, one by one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from kiq.cli import needs
from kiq.config import Redis as RedisSettings
from kiq.errors import StoreDenied, StoreError
from kiq.store import scripts
from kiq.store.connection import Connector, Link
from tests.helpers.server import TestServer

KIQ = Path(needs.__file__).parents[1]
PAGE = KIQ.parent / "docs" / "operations.md"
IN_LUA = re.compile(r"\b(?:redis\.p?call|try)\('([A-Z]+)'")
IN_PYTHON = re.compile(r'\(\s*"([A-Z]{3,})"\s*[,)]')
#: Words in brackets that are no commands: signals, a variable of the environment, a normal form.
NO_COMMANDS = {
    "PACKAGE",
    "PYTHONBREAKPOINT",
    "STATE",
    "STATUS",
    "TERM",
    "TSTP",
    "TTIN",
    "INT",
    "HUP",
    "SIG",
    "DYNO",
    "NFKC",
    "PWD",
    "QUEUE",
    "QUIET",
    "QUEUES",
    "COUNT",
    "INTERVAL",
    "LIMIT",
    "KIQ",
    "DANGER",
}


@pytest.fixture
def lacking(server: TestServer) -> Iterator[Callable[..., Link]]:
    """Give links of a user that may not use some commands."""
    client = server.client()
    links: list[Link] = []

    def link(*commands: str, keys: str = "~*") -> Link:
        client.execute_command(
            "ACL", "SETUSER", "limited", "reset", "on", ">word", keys, "&*", "+@all"
        )
        for command in commands:
            client.execute_command("ACL", "SETUSER", "limited", f"-{command.lower()}")
        url = f"unix://limited@{server.socket}?db=0&password=word"
        links.append(Connector(RedisSettings(url=url), "kiq-test").open())
        return links[-1]

    yield link
    for each in links:
        each.close()
    client.execute_command("ACL", "DELUSER", "limited")


def test_a_user_that_may_do_everything_lacks_nothing_and_nothing_is_left_behind(
    lacking: Callable[..., Link], raw: redis.Redis
) -> None:
    assert needs.probe(lacking().exchange) == needs.Refusals((), ())
    assert raw.keys() == []


@pytest.mark.parametrize("command", needs.NEEDED)
def test_a_needed_command_that_an_acl_forbids_is_named(
    command: str, lacking: Callable[..., Link]
) -> None:
    with pytest.raises(StoreDenied, match=rf"does not take {command} from this user"):
        needs.check(lacking(command))


@pytest.mark.parametrize("command", ["RENAME", "HSET", "EVALSHA", "TIME"])
def test_a_needed_command_that_is_renamed_is_named(
    command: str, private_server: Callable[..., TestServer]
) -> None:
    server = private_server("--rename-command", command, "")
    link = Connector(RedisSettings(url=server.url)).open()
    with pytest.raises(StoreDenied, match=rf"does not take {command} from this user"):
        needs.check(link)
    link.close()


def test_what_the_docs_say_that_an_acl_should_allow_is_enough(
    server: TestServer, lacking: Callable[..., Link]
) -> None:
    words = re.findall(r"`(\+@read [^`]+)`", PAGE.read_text("utf-8"))[0].split()
    link = lacking()
    server.client().execute_command("ACL", "SETUSER", "limited", "-@all", *words)
    assert needs.probe(link.exchange) == needs.Refusals((), ())


def test_several_are_named_together(lacking: Callable[..., Link]) -> None:
    with pytest.raises(StoreDenied, match="does not take RENAME, ZADD from"):
        needs.check(lacking("zadd", "rename"))


@pytest.mark.parametrize("command", needs.NICETIES)
def test_a_nicety_that_is_taken_away_is_found(command: str, lacking: Callable[..., Link]) -> None:
    assert needs.probe(lacking(command).exchange) == needs.Refusals((), (command,))


def test_a_user_who_may_not_use_kiqs_keys_is_refused(lacking: Callable[..., Link]) -> None:
    with pytest.raises(StoreError, match="key"):
        needs.check(lacking(keys="~queue:*"))


@pytest.mark.bare_names
@pytest.mark.parametrize("push", ["push", "push_once"])
def test_scripts_are_sent_whole_where_they_can_not_be_loaded(
    push: str, lacking: Callable[..., Link], raw: redis.Redis
) -> None:
    link = lacking("script")
    names = [
        "queue:a",
        "queues",
        "kiq:idle:a",
    ]
    command = scripts.push(names, ["a", b'{"class":"X"}'])
    if push == "push_once":
        command = scripts.once(command, "token")
    for each in (command, scripts.pack(command), command):
        raw.script_flush()
        (reply,) = link.exchange([each])  # type: ignore[list-item]
        assert not isinstance(reply, Exception)
    assert raw.llen("queue:a") == (3 if push == "push" else 1)


def sent() -> set[str]:
    """Every command that the code names, in Lua and in Python."""
    lua = [path.read_text("utf-8") for path in KIQ.rglob("*.lua")]
    python = [
        path.read_text("utf-8")
        for path in KIQ.rglob("*.py")
        if path.name != "needs.py" and "embedded" not in path.parts
    ]
    found = {name for text in [*lua, *python] for name in IN_LUA.findall(text)}
    return (found | {name for text in python for name in IN_PYTHON.findall(text)}) - NO_COMMANDS


def test_every_command_that_kiq_sends_is_judged() -> None:
    known = {*needs.NEEDED, *needs.NICETIES, *needs.ELSEWHERE}
    assert sent() - known == set(), "say in kiq/cli/needs.py whether it is needed"
    assert known - sent() - {"EVAL", "CONFIG"} == set(), "nothing sends it any more"


def test_the_table_of_the_docs_has_them_all() -> None:
    part = PAGE.read_text("utf-8").partition("### Commands of Redis")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([^|]+)` \| ([^|]+) \|$", part, re.MULTILINE)
    table = {name: what for names, what in rows for name in names.split("`, `")}
    assert set(table) == {*needs.NEEDED, *needs.NICETIES, *needs.ELSEWHERE}
    assert {name for name, what in table.items() if what == "needed"} == set(needs.NEEDED)
    for name, what in {**needs.NICETIES, **needs.ELSEWHERE}.items():
        assert table[name] == what
