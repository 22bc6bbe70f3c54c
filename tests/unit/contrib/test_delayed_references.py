"""Objects travel as references, by key or value; what is not there is told from what can't be asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import kiq
from kiq import testing
from kiq.codec import decode
from kiq.contrib import delayed
from kiq.contrib.delayed import delay, methods, references
from kiq.errors import ArgumentError
from tests.helpers.delayed_jobs import Account, Money, User, called, plan

HERE = "tests.helpers.delayed_jobs"


@pytest.fixture(autouse=True)
def _emptied(unconfigured: None, fresh_registry: Any, fresh_host: kiq.Host) -> Iterator[None]:
    called.clear()
    plan.clear()
    User.there.clear()
    with testing.scoped("fake"):
        yield
    delayed.worker.reset()


def test_keys_and_values_among_the_arguments() -> None:
    delay(Money(5)).pay([User(1, "Ann"), User(2, "Bob")])
    (job,) = testing.jobs()
    assert job.args == [
        {"$ref": f"{HERE}.Money", "value": {"amount": 5, "currency": "EUR"}},
        [{"$ref": f"{HERE}.User", "id": 1}, {"$ref": f"{HERE}.User", "id": 2}],
    ]
    testing.drain()
    assert called == [("pay", 5, "EUR", ["Ann", "Bob"])]


@pytest.mark.parametrize("codec", ["json", "msgpack"])
def test_they_travel_in_both_codecs(codec: Any) -> None:
    kiq.configure(codec=codec)
    delay(Account(3)).close(User(1, "Ann"))
    (job,) = testing.jobs()
    assert decode(job.raw)[0]["args"][0]["id"] == 3
    testing.drain()
    assert called == [("close", 3, "Ann")]


def test_what_is_shown_travels_beside_the_key_and_is_no_more_than_shown() -> None:
    delay(Account(3)).close(User(1))
    (job,) = testing.jobs()
    assert job.args[0] == {"$ref": f"{HERE}.Account", "id": 3, "shown": {"name": "account 3"}}
    last = delayed.last()
    assert last is not None
    assert last.handler == (
        f"{HERE}.Account.close(<{HERE}.Account id=3 name='account 3'>, <{HERE}.User id=1>)"
    )


def test_an_alias_finds_what_was_called_so() -> None:
    assert references.load({"$ref": "old.Account", "id": 4}).number == 4
    old = methods.called(f"{HERE}.Account.close")
    assert old is not None
    assert "old.Account.close" in old.job._kiq_spec.aliases


def test_a_class_is_a_reference_too_and_a_lazy_object_is_what_it_stands_for() -> None:
    class Lazy:
        """Stands for a user, as request.user does in Django."""

        def __init__(self) -> None:
            self.made = User(5, "lazy")

        @property  # type: ignore[misc]
        def __class__(self) -> Any:
            return User

        def __getattr__(self, name: str) -> Any:
            return getattr(self.made, name)

    assert references.dump({"who": [User, Lazy()]}) == {
        "who": [{"$ref": f"{HERE}.User"}, {"$ref": f"{HERE}.User", "id": 5}]
    }
    assert references.load([{"$ref": f"{HERE}.User"}]) == [User]
    delay(Lazy()).activate()
    testing.drain()
    assert called == [("activate", 5, 1, "")]


def test_a_dict_of_the_users_own_is_none() -> None:
    with pytest.raises(ArgumentError, match="taken for a reference"):
        delay(User(1)).activate({"$ref": "x"})


def test_what_has_half_a_key_is_refused() -> None:
    @delayed.delayable
    class Half:
        def __kiq_ref__(self) -> int:
            return 1

    with pytest.raises(delayed.NotDelayable, match="__kiq_find__"):
        references.dump(Half())


def failed() -> BaseException:
    with pytest.raises(BaseException) as caught:
        testing.perform_one()
    return caught.value


def test_an_object_that_is_not_there_is_looked_for_again_or_not_as_is_said() -> None:
    for says, kind in (
        ("retry", delayed.RefNotFound),
        ("dead", kiq.Kill),
        ("discard", kiq.Discard),
    ):
        delayed.worker.on_missing = says  # type: ignore[assignment]
        delay(User(9)).activate()
        User.there.clear()
        error = failed()
        assert type(error) is kind
        assert "no User with the key 9" in str(error)
    assert called == []


def test_a_store_that_can_not_be_asked_is_no_answer() -> None:
    delayed.worker.on_missing = "discard"
    plan["the store"] = lambda: TimeoutError("pool")
    delay(User(9)).activate()
    assert type(failed()) is TimeoutError


def test_what_the_method_itself_does_not_find_is_its_own_affair() -> None:
    delayed.worker.on_missing = "discard"
    plan["activate"] = lambda: delayed.RefNotFound("its own")
    delay(User(9)).activate()
    assert type(failed()) is delayed.RefNotFound
