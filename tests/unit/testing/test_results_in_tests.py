"""Results in tests: no server, the same words, through the codec."""

from __future__ import annotations

import asyncio
import datetime
from typing import Any

import pytest

import kiq
from kiq import testing
from tests.helpers.resulted import Told, wanted

pytestmark = pytest.mark.usefixtures("unconfigured", "fresh_registry", "fresh_host")


def test_in_fake_mode_a_result_is_there_when_the_job_was_worked_off() -> None:
    with testing.scoped("fake"):
        jid = wanted().perform_async("returns", {"a": b"1"})
        result = kiq.result(jid)
        assert (result.status, result.ready()) == ("waiting", False)
        with pytest.raises(kiq.ResultTimeout, match=r"kiq.testing.drain\(\) runs what waits"):
            result.get(timeout=30)
        testing.drain()
        assert result.get() == {"a": b"1"}
        assert (result.status, result.ready()) == ("done", True)
    assert kiq.plugins.results.stand_ins


def test_in_inline_mode_it_is_there_at_once() -> None:
    with testing.scoped("inline"):
        jids = [wanted().perform_async("returns", number) for number in range(3)]
        assert kiq.results(jids).get() == [0, 1, 2]
        assert [each.value for each in kiq.results(jids).as_completed()] == [0, 1, 2]

        async def both() -> list[Any]:
            return [await kiq.result(jids[0]).aio.get(), await kiq.results(jids).aio.get()]

        assert asyncio.run(both()) == [0, [0, 1, 2]]
        asyncio.run(_in_vain())


async def _in_vain() -> None:
    with pytest.raises(kiq.ResultTimeout):
        await kiq.result("f" * 24).aio.get(timeout=20)


@pytest.mark.parametrize(
    ("how", "status"),
    [("fails", "dead"), ("kills", "dead"), ("discards", "discarded")],
)
def test_a_job_that_raises_ends_as_it_would(how: str, status: str) -> None:
    with testing.scoped("fake"):
        jid = wanted().perform_async(how)
        with pytest.raises((ValueError, kiq.Kill, kiq.Discard)):
            testing.drain()
        with pytest.raises(kiq.JobFailed, match="on purpose") as caught:
            kiq.result(jid).get()
        assert caught.value.status == kiq.result(jid).status == status


def test_one_that_asks_for_later_has_not_ended() -> None:
    with testing.scoped("fake"):
        jid = wanted().perform_async("snoozes")
        with pytest.raises(kiq.Snooze):
            testing.drain()
        assert kiq.result(jid).status == "scheduled"
        with pytest.raises(kiq.ResultTimeout, match="it asked to go on at"):
            kiq.result(jid).get()


def test_what_a_worker_could_not_keep_a_test_has_not_either() -> None:
    words = "a value of type object can't travel"
    with testing.scoped("inline"), pytest.raises(kiq.ResultMissing, match=words):
        kiq.result(wanted().perform_async("can't travel")).get()


def test_progress_is_kept_and_a_result_expires_with_the_clock() -> None:
    with testing.scoped("inline"):
        jid = wanted(ttl=60).perform_async("tells much", 4)
        progress = kiq.result(jid).progress
        assert progress is not None
        assert (progress.done, progress.percentage) == (4, 100)
        with testing.travel(datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=61)):
            assert kiq.result(jid).status == "expired"
            with pytest.raises(kiq.ResultMissing, match="has expired"):
                kiq.result(jid).get()


def test_a_job_whose_result_nobody_wants_keeps_none() -> None:
    with testing.scoped("inline"):
        jid = Told.perform_async("returns", 1)
        assert kiq.result(jid or "").status == "unknown"


def test_scopes_have_results_of_their_own() -> None:
    with testing.scoped("inline"):
        jid = wanted().perform_async("returns", 1)
        with testing.scoped("inline"):
            assert kiq.result(jid).status == "unknown"
        assert kiq.result(jid).status == "done"
