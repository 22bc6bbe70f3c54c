"""What two jobs have in common: the same in every process, codec and order, and nothing else."""

from __future__ import annotations

import datetime
import decimal
import enum
import os
import subprocess
import sys
import unicodedata
from typing import Any

import pytest

import kiq
from kiq.codec import Codec, decode, encode
from kiq.plugins.unique.digest import key_of
from kiq.plugins.unique.terms import stamp
from kiq.registry import Registry

NOON = datetime.datetime(2026, 7, 1, 12, tzinfo=datetime.UTC)


class Colour(enum.IntEnum):
    RED = 1


def key(*args: Any, by: Any = None, name: str = "other.Program", **kwargs: Any) -> str:
    return key_of({"class": name, "args": list(args), "kwargs": kwargs}, by)


def test_it_is_what_it_always_was() -> None:
    """Locks that older processes hold go by it: who changes the form changes its number."""
    assert key("a", 1, [None, True], b=2) == "1-a189c5edcc70c2c481593dab5c7a09c1"


def test_what_travels_as_the_same_is_the_same() -> None:
    zone = datetime.timezone(datetime.timedelta(hours=2))
    for one, other in (
        ({"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"d": 3, "c": 2}, "a": 1}),
        ((1, (2, 3)), [1, [2, 3]]),
        (Colour.RED, 1),
        (NOON, NOON.astimezone(zone)),
    ):
        assert key(one) == key(other)


def test_what_travels_as_another_is_another() -> None:
    values = [
        *(1, 1.0, True, "1", b"1", None, 0, False, "", [], {}, [[]], [1], [1.0]),
        *(
            "é",
            unicodedata.normalize("NFD", "é"),
            "e",
            decimal.Decimal("1"),
            decimal.Decimal("1.0"),
        ),
        *(NOON, NOON.date(), NOON.isoformat(), 2**63, -(2**63), 0.1, -0.0, 0.0),
    ]
    keys = [key(value) for value in values]
    assert len(set(keys)) == len(values)
    assert len({key(), key(None), key([]), key(None, None)}) == 4
    assert key("a", name="x") != key("a", name="y")


@pytest.mark.parametrize("codec", ["msgpack", "json"])
def test_both_codecs_carry_what_has_the_same_key(codec: Codec) -> None:
    args = [1, 1.5, "é", {"b": [1], "a": None}, True]
    payload, _ = decode(encode({"class": "other.Program", "args": args, "jid": "x"}, codec))
    assert key(*payload["args"]) == key(*args)


def test_positions_names_and_defaults_are_one(
    fresh_registry: Registry, fresh_host: kiq.Host
) -> None:
    class Report(kiq.Job, name="digest.Report"):
        def perform(self, account: int, kind: str = "full", *, force: bool = False) -> None: ...

    def of(*args: Any, by: Any = None, **kwargs: Any) -> str:
        return key(*args, by=by, name="digest.Report", **kwargs)

    assert of(1) == of(account=1) == of(1, "full") == of(1, kind="full", force=False)
    assert of(1) != of(1, "short")
    assert of(1, by=["account"]) == of(1, "short", by=["account"])
    assert of(1, "short", by=["account", "kind"]) == of(
        kind="short", account=1, by=["account", "kind"]
    )
    assert of(1, by=["account"]) != of(2, by=["account"])
    with pytest.raises(
        kiq.ConfigError, match=r"no argument 'accoun' for by \(there are: account, kind, force\)"
    ):
        of(1, by=["accoun"])


def test_a_callable_says_what_counts(fresh_registry: Registry, fresh_host: kiq.Host) -> None:
    class Mail(
        kiq.Job,
        name="digest.Mail",
        unique=kiq.Unique(by=lambda address, **_: address.lower()),
    ):
        def perform(self, address: str, *, text: str = "") -> None: ...

    payload = {"class": "digest.Mail", "kwargs": {}, **Mail._kiq_spec.options}
    made = []
    for address in ("A@example.org", "a@Example.org", "b@example.org"):
        one = {**payload, "args": [address]}
        stamp(one)
        made.append(one["unique"]["key"])
    assert made[0] == made[1] != made[2]
    assert "key" not in payload["unique"], "the options of the class are left alone"


def test_it_is_stamped_once() -> None:
    payload: dict[str, Any] = {
        "class": "other.Program",
        "args": [1],
        "unique": {"lock": "until_start", "key": "k"},
    }
    stamp(payload)
    assert payload["unique"]["key"] == "k"


def test_it_is_the_same_in_another_process_with_another_seed() -> None:
    code = (
        "from kiq.plugins.unique.digest import key_of;"
        "one = {'class': 'other.Program', 'args': ['a', 1, [None, True]], 'kwargs': {'b': 2}};"
        "print(key_of(one, None))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert run.stdout.strip() == key("a", 1, [None, True], b=2)
