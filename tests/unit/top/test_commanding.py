"""What is typed behind the colon."""

from __future__ import annotations

from kiq.top.commanding import Wish, understood, words
from kiq.top.picture import Place


def test_a_view_is_named_with_its_filter() -> None:
    assert understood("retries class:Mail age>2h", ["main"]) == Wish(
        place=Place("retries", wanted="class:Mail age>2h")
    )
    assert understood(" queues ", ["main"]) == Wish(place=Place("queues"))


def test_what_is_of_something_says_of_which() -> None:
    assert understood("queue my mail", ["main"]) == Wish(place=Place("queue", "my mail"))
    assert understood("queue", ["main"]).problem == "say which: queue NAME"


def test_a_fleet_is_called_by_its_name() -> None:
    assert understood("fleet mail", ["shop", "mail"]) == Wish(fleet=1)
    assert "there are shop, mail" in understood("fleet x", ["shop", "mail"]).problem
    assert "fleet mail" in words(["shop", "mail"])
    assert "fleet main" not in words(["main"])


def test_leaving_nothing_and_nonsense() -> None:
    assert understood("q", ["main"]).leave
    assert understood("quit", ["main"]).leave
    assert understood("", ["main"]) == Wish()
    assert understood("retreis", ["main"]).problem.endswith("did you mean retries?")
