"""The tests of this application: what is enqueued runs inline."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from jobs import Foo, MyJob, Welcome

from kiq.contrib import resque


@pytest.fixture(autouse=True)
def _inline() -> Iterator[None]:
    resque.inline = True
    yield
    resque.inline = False


def test_my_job(capsys: pytest.CaptureFixture[str]) -> None:
    resque.enqueue(MyJob, "Alice", 3)
    assert capsys.readouterr().out == "Processing Alice 3 times!\n"


def test_foo_finds_its_user(capsys: pytest.CaptureFixture[str]) -> None:
    resque.enqueue(Foo, 2)
    assert capsys.readouterr().out == "Foo for Bob\n"


def test_nobody_is_welcome_whom_we_do_not_know() -> None:
    assert resque.enqueue(Welcome, 99) is None
