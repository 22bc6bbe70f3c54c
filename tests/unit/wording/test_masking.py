"""Secrets among arguments."""

from __future__ import annotations

import pytest

from kiq.wording import HIDDEN, is_secret, masked


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "new_passwd",
        "API_KEY",
        "apikey",
        "accessToken",
        "Authorization",
        "client_secret",
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize("name", ["name", "count", "user_id", "keyboard", "path"])
def test_names_of_what_is_none(name: str) -> None:
    assert not is_secret(name)


def test_values_are_hidden_at_any_depth() -> None:
    given = [1, {"user": {"password": "x", b"token": "y", "age": 7}}, [{"cvv": 123}]]
    assert masked(given) == [
        1,
        {"user": {"password": HIDDEN, b"token": HIDDEN, "age": 7}},
        [{"cvv": HIDDEN}],
    ]


def test_what_is_nested_too_deeply_is_hidden_and_does_not_break() -> None:
    deep: list[object] = []
    for _ in range(5000):
        deep = [deep]
    assert HIDDEN in repr(masked(deep))
