"""kiq.testing: what a push does in each mode."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import kiq
from kiq import testing
from tests.helpers.testing_jobs import HardWorker, Noting, seen, welcome

pytestmark = pytest.mark.usefixtures("no_mode")


def test_without_a_mode_pushes_go_to_redis() -> None:
    assert testing.mode() == "disabled"
    with pytest.raises(kiq.StoreUnavailable):
        HardWorker.perform_async("Bob")


def test_fake_keeps_pushes_of_every_kind_in_memory() -> None:
    testing.fake()
    jid = HardWorker.perform_async("Bob", 5)
    HardWorker.set(queue="low").perform_async("Ann", count=2)
    HardWorker.perform_in(60, "Joe")
    HardWorker.perform_at(1_000_000_001, "past")
    HardWorker.perform_bulk([("a",), ("b",)])
    HardWorker.perform_bulk([("c",)], at=4_000_000_000)
    welcome.perform_async(42)
    kiq.push({"class": "Ruby", "args": [1]})
    kiq.push_bulk({"class": "Ruby"}, [[2], [3]])
    jobs = testing.jobs()
    assert [job.args[0] for job in jobs] == ["Bob", "Ann", "Joe", "past", *"abc", 42, 1, 2, 3]
    assert (jobs[0].jid, jobs[0].class_name, jobs[0].queue) == (
        jid,
        "testing.HardWorker",
        "critical",
    )
    assert (jobs[1].kwargs, jobs[1].queue) == ({"count": 2}, "low")
    assert [job.at is None for job in jobs[2:7]] == [False, True, True, True, False]
    assert jobs[2].delay == pytest.approx(60, abs=1)
    assert "enqueued_at" in jobs[0].payload
    assert "enqueued_at" not in jobs[2].payload


def test_an_iterable_that_pushes_while_it_is_read_is_no_trouble() -> None:
    def each() -> Iterator[tuple[str]]:
        welcome.perform_async(1)
        yield ("a",)

    with testing.scoped("fake"):
        HardWorker.perform_bulk(each())
        assert len(testing.jobs()) == 2


@pytest.mark.parametrize("codec", ["msgpack", "json"])
def test_arguments_make_the_round_trip_of_the_codec_that_is_configured(codec: str) -> None:
    kiq.configure(codec=codec)
    given = {"a": [1, 2.5]}
    with testing.scoped("fake"):
        Noting.perform_async(given)
        given["a"].append(3)
        (job,) = testing.jobs()
        assert job.args == [{"a": [1, 2.5]}]
        with pytest.raises(kiq.ArgumentError):
            Noting.perform_async(object())
        if codec == "json":
            with pytest.raises(kiq.ArgumentError):
                Noting.perform_async(b"bytes")


def test_the_limit_of_a_payload_and_the_arguments_are_checked() -> None:
    kiq.configure(max_payload=1000)
    with testing.scoped("fake"):
        with pytest.raises(kiq.PayloadError, match="limit 1000"):
            Noting.perform_async("x" * 1000)
        with pytest.raises(kiq.ArgumentError):
            HardWorker.perform_async()  # type: ignore[call-arg]
        assert testing.jobs() == []


def test_client_middleware_changes_and_vetoes() -> None:
    @kiq.host.around_push
    def layer(context: kiq.ClientContext, call_next: Any) -> Any:
        context.payload["locale"] = "de"
        return None if context.payload["args"] == ["nobody"] else call_next(context)

    with testing.scoped("fake"):
        assert HardWorker.perform_async("nobody") is None
        assert HardWorker.perform_async("Bob")
        assert [job.payload["locale"] for job in testing.jobs()] == ["de"]


def test_configure_does_not_undo_a_mode() -> None:
    with testing.scoped("fake"):
        kiq.configure(redis="redis://localhost:2/0")
        HardWorker.perform_async("Bob")
        assert len(testing.jobs()) == 1


def test_inline_runs_at_the_push_after_the_round_trip_and_sets_the_jid() -> None:
    testing.inline()
    jid = Noting.perform_async({"a": 1})
    later = Noting.perform_in(60, "later")
    assert seen == [({"a": 1}, jid, jid), ("later", later, later)]
    assert kiq.current_job() is None


def test_inline_raises_what_the_job_raises_as_it_is() -> None:
    with testing.scoped("inline"):
        for what, error in (("fail", ZeroDivisionError), ("store", kiq.StoreUnavailable)):
            with pytest.raises(error) as raised:
                Noting.perform_async(what)
            with pytest.raises(error):
                Noting.perform_bulk([("first",), (what,)])
    assert str(raised.value) == "its own"


def test_inline_runs_what_a_job_pushes_too() -> None:
    with testing.scoped("inline"):
        Noting.perform_async("again")
    assert [what for what, *_ in seen] == ["again", "pushed by the job"]


def test_inline_goes_through_the_middleware_of_tests() -> None:
    @testing.server_middleware.add
    def layer(context: kiq.ServerContext, call_next: Any) -> Any:
        seen.append(type(context.job).__name__)
        return call_next(context)

    kiq.host.around_perform(lambda context, call_next: seen.append("the application's"))
    with testing.scoped("inline"):
        HardWorker.perform_async("Bob")
    assert seen == ["HardWorker"]


@pytest.mark.parametrize("way", ["inline mode", "perform_inline", "drain"])
def test_layers_and_job_run_in_the_order_of_a_real_run(way: str) -> None:
    def layer(name: str) -> Any:
        def around(context: Any, call_next: Any) -> Any:
            seen.append(f"{name} before")
            result = call_next(context)
            seen.append(f"{name} after")
            return result

        return around

    kiq.host.around_push(layer("client"))
    kiq.host.around_perform(layer("server"))
    testing.server_middleware.add(layer("server"))
    with testing.scoped("fake" if way == "drain" else "inline"):
        (Noting.perform_inline if way == "perform_inline" else Noting.perform_async)({"a": [1.5]})
        if way == "drain":
            testing.drain()
        with pytest.raises(kiq.ArgumentError):
            (Noting.perform_inline if way == "perform_inline" else Noting.perform_async)((1, 2))
    what = [each if isinstance(each, str) else each[0] for each in seen]
    order = ["client before", "client after", "server before", {"a": [1.5]}, "server after"]
    assert what == [*order, "client before", "client after"]


def test_pushes_by_name_run_inline_too_with_their_options() -> None:
    with testing.scoped("inline"):
        kiq.push({"class": "testing.Noting", "args": ["dict"], "jid": "a"})
        kiq.push_bulk({"class": "testing.Noting"}, [["first"], ["second"]])
        with pytest.raises(kiq.UnknownJobClass):
            kiq.push({"class": "Ruby", "args": []})
        with pytest.raises(kiq.ArgumentError):
            kiq.push({"class": "testing.Noting", "args": []})
    assert [what for what, *_ in seen] == ["dict", "first", "second"]


def test_an_error_in_the_middle_of_a_bulk_ends_an_inline_push() -> None:
    with testing.scoped("inline"), pytest.raises(ZeroDivisionError):
        Noting.perform_bulk([("first",), ("fail",), ("never",)])
    assert [what for what, *_ in seen] == ["first", "fail"]
