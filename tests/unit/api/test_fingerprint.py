"""Failures that differ in details are of one kind; others are not."""

from __future__ import annotations

import json

import pytest

from kiq.api import JobRecord
from kiq.api.fingerprint import fingerprint, in_general


def failed(message: object = "boom", error: object = "ValueError", name: str = "app.Mail") -> str:
    payload = {"class": name, "args": [], "error_class": error, "error_message": message}
    return fingerprint(JobRecord(json.dumps(payload).encode()))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("user 17 is gone", "user 4,711 is gone"),
        ("no key 'a b'", 'no key "c"'),
        ("at 0xDEADbeef", "at 0x12"),
        ("job 5d1c7a52e6ad1ab1f5a1a0d1 failed", "job ffffffffe6ad1ab1f5a1a0d2 failed"),
        ("id 123e4567-e89b-12d3-a456-426614174000", "id 00000000-e89b-12d3-a456-426614174000"),
        ("ann@example.org bounced", "bob.b@mail.example.com bounced"),
        ("took 1.5 s\nand more", "took 20 s  and more"),
    ],
)
def test_details_do_not_part_failures(one: str, other: str) -> None:
    assert in_general(one) == in_general(other)
    assert failed(one) == failed(other)


def test_what_differs_in_more_is_parted() -> None:
    kinds = {
        failed(),
        failed("bang"),
        failed(error="KeyError"),
        failed(name="app.Report"),
        failed(message=None),
    }
    assert len(kinds) == 5
    assert all(len(kind) == 12 for kind in kinds)


def test_what_never_failed_is_of_no_kind() -> None:
    assert failed(None, None) == ""
    assert failed(17, ["x"]) == ""
    assert fingerprint(JobRecord(b"\xff")) == ""


def test_a_long_message_counts_by_its_beginning_and_any_text_can_be_one() -> None:
    assert failed("x" * 300 + "a") == failed("x" * 300 + "b")
    assert failed("\x00 ünïcode \u2028")
