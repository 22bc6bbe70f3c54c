"""The tests of the walk: what is delayed, before it runs and as it runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from jobs import HelloEmailJob
from models import Mailer, User

from kiq import testing
from kiq.contrib import delayed
from kiq.contrib.delayed import delay


@pytest.fixture(autouse=True)
def _delayed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    with testing.scoped("fake"):
        yield


def test_it_sends_a_welcome_email_after_creation() -> None:
    with mock.patch.object(Mailer, "delay") as delay_of_mailer:
        user = User.create("Ann", "ann@example.org")
    delay_of_mailer.assert_called_once_with()
    delay_of_mailer.return_value.hello.assert_called_once_with(user)


def test_it_delays_a_job() -> None:
    user = User.create("Ann", "ann@example.org")
    assert delayed.count() == 1
    last = delayed.last()
    assert last is not None
    assert user.name in last.handler
    assert user.email in last.handler


def test_the_mail_is_delivered_by_the_job(capsys: pytest.CaptureFixture[str]) -> None:
    User.create("Ann", "ann@example.org")
    assert capsys.readouterr().out == ""
    assert delayed.work_off() == (1, 0)
    assert capsys.readouterr().out == "to ann@example.org: Hello, Ann!\n"


def test_a_method_of_an_object_is_delayed(capsys: pytest.CaptureFixture[str]) -> None:
    user = User.create("Ann", "ann@example.org")
    delay(user).activate(3)
    assert delayed.work_off() == (2, 0)
    assert "Ann is at level 3" in capsys.readouterr().out


def test_it_enqueues_a_new_hello_email_job() -> None:
    user = User.create("Ann", "ann@example.org")
    with mock.patch.object(delayed, "enqueue") as enqueue:
        delayed.enqueue(HelloEmailJob(user))
    enqueue.assert_called_once_with(HelloEmailJob(user))


def test_hooks_run_around_a_custom_job(capsys: pytest.CaptureFixture[str]) -> None:
    user = User.create("Ann", "ann@example.org")
    testing.clear()
    delayed.enqueue(HelloEmailJob(user), priority=5)
    assert delayed.work_off() == (1, 0)
    assert (
        capsys.readouterr().out == "to ann@example.org: Hello, Ann!\njobs.HelloEmailJob went well\n"
    )


def test_nothing_waits_where_jobs_are_not_delayed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delayed.worker, "delay_jobs", False)
    User.create("Ann", "ann@example.org")
    assert capsys.readouterr().out == "to ann@example.org: Hello, Ann!\n"
    assert delayed.count() == 0
