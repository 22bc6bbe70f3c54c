"""Context variables travel from the push to the run, and nowhere else."""

from __future__ import annotations

import datetime
import logging
from contextvars import ContextVar, copy_context
from typing import Any

import pytest
import redis

import kiq
from kiq.client import process_client
from kiq.codec import decode, encode
from kiq.config import Config
from kiq.log import ContextFilter
from kiq.middleware import ClientContext
from kiq.plugins.context import warned
from kiq.registry import registry
from kiq.verdict import DONE, Flight, Permit, Taken, ToRetry, Verdict
from kiq.work.executor import Executor
from tests.helpers.stored import in_queue

tenant: ContextVar[Any] = ContextVar("tenant")
user: ContextVar[Any] = ContextVar("user", default="nobody")

seen: list[Any] = []


@pytest.fixture(autouse=True)
def nothing_seen() -> None:
    seen.clear()
    warned.forget()


@pytest.fixture
def look(fake: redis.Redis) -> Any:
    @kiq.job(name="context.look")
    def look(then: Any = None) -> Any:
        seen.append((tenant.get("unset"), user.get()))
        if then == "fail":
            raise ValueError("no")
        if then is not None:
            tenant.set(then)
            user.set(then)
        return seen[-1]

    return look


def run(**payload: Any) -> Verdict:
    """Run one payload as a worker does."""
    whole = {"class": "context.look", "args": [], "jid": "j1", "queue": "default", **payload}
    taken = Taken("1.1", Flight("o", "queue:default", Permit()), encode(whole, "msgpack"), 0.0)
    return Executor(Config(), kiq.host, registry)(taken)


def within(**values: Any) -> Any:
    """Return a function that calls another where the variables have these values."""

    def call(function: Any, *args: Any, **kwargs: Any) -> Any:
        def inside() -> Any:
            for variable in (tenant, user):
                if variable.name in values:
                    variable.set(values[variable.name])
            return function(*args, **kwargs)

        return copy_context().run(inside)

    return call


def test_what_is_set_where_a_job_is_pushed_is_set_where_it_runs(
    look: Any, fake: redis.Redis
) -> None:
    kiq.carry(tenant, user)
    within(tenant="acme", user=7)(look.perform_async)
    (payload,) = in_queue(fake)
    assert payload["cattr"] == {"tenant": "acme", "user": 7}
    assert run(**payload) is DONE
    assert seen == [("acme", 7)]


def test_a_variable_that_is_not_set_is_not_carried(look: Any, fake: redis.Redis) -> None:
    kiq.carry(tenant, user)
    look.perform_async()
    within(tenant=None)(look.perform_async)
    bare, with_none = in_queue(fake)
    assert "cattr" not in bare
    assert with_none["cattr"] == {"tenant": None}
    run(**bare)
    run(**with_none)
    assert seen == [("unset", "nobody"), (None, "nobody")]


def test_the_fast_way_of_pushing_is_left_only_for_who_carries(look: Any) -> None:
    client = process_client()
    assert client.is_plain_for(look)
    kiq.carry(tenant)
    assert not client.is_plain_for(look)


def test_a_payload_that_has_a_context_keeps_it(look: Any, fake: redis.Redis) -> None:
    kiq.carry(tenant)
    item = {"class": "context.look", "args": [], "cattr": {"tenant": "given"}}
    within(tenant="mine")(kiq.push, item)
    assert in_queue(fake)[0]["cattr"] == {"tenant": "given"}


def test_all_jobs_of_a_bulk_carry(look: Any, fake: redis.Redis) -> None:
    kiq.carry(tenant)
    within(tenant="acme")(look.perform_bulk, [(), (), ()])
    assert [each["cattr"] for each in in_queue(fake)] == [{"tenant": "acme"}] * 3


@pytest.mark.parametrize("carried", [{}, {"cattr": {"tenant": "then"}}])
def test_a_promotion_does_not_bring_the_context_of_the_poller(
    look: Any, carried: dict[str, Any]
) -> None:
    kiq.carry(tenant)
    payload = {"class": "context.look", "args": [], "queue": "default", **carried}
    layers = kiq.host.client_middleware.fold(lambda context: context.payload)
    promoted = within(tenant="poller")(layers, ClientContext(dict(payload), None, promoting=True))
    assert promoted == payload


def test_a_retry_keeps_the_context_of_the_push(look: Any) -> None:
    kiq.carry(tenant)
    verdict = run(args=["fail"], cattr={"tenant": "acme"})
    assert isinstance(verdict, ToRetry)
    again = decode(verdict.raw)[0]
    assert again["cattr"] == {"tenant": "acme"}
    run(**again)
    assert seen == [("acme", "nobody")] * 2


def test_what_a_job_pushes_carries_on(look: Any, fake: redis.Redis) -> None:
    kiq.carry(tenant)

    @kiq.job(name="context.outer")
    def outer() -> None:
        look.perform_async()

    run(**{"class": "context.outer", "cattr": {"tenant": "acme"}})
    assert in_queue(fake)[0]["cattr"] == {"tenant": "acme"}


def test_nothing_of_a_run_is_left_for_the_next(look: Any) -> None:
    kiq.carry(tenant, user)
    run(args=["mine"], cattr={"tenant": "acme"})
    run(args=["fail"], cattr={"tenant": "other"})
    run()
    assert seen == [("acme", "nobody"), ("other", "nobody"), ("unset", "nobody")]


@pytest.mark.parametrize("then", ["changed", "fail", None])
def test_after_a_run_here_and_now_the_caller_has_its_own_back(look: Any, then: Any) -> None:
    kiq.carry(tenant, user)

    def caller() -> Any:
        try:
            look.perform_inline(then)
        except ValueError:
            pass
        return tenant.get(), user.get()

    assert within(tenant="mine", user=1)(caller) == ("mine", 1)
    assert seen == [("mine", 1)]


def test_dump_and_load_turn_values_into_what_can_travel(look: Any, fake: redis.Redis) -> None:
    class User:
        def __init__(self, number: int) -> None:
            self.number = number

    kiq.carry(user, name="user_id", dump=lambda user: user.number, load=User)
    within(user=User(7))(look.perform_async)
    (payload,) = in_queue(fake)
    assert payload["cattr"] == {"user_id": 7}
    run(**payload)
    assert isinstance(seen[0][1], User)
    assert seen[0][1].number == 7


def test_a_value_that_cant_travel_is_refused_with_its_place(look: Any, fake: redis.Redis) -> None:
    kiq.carry(tenant)
    with pytest.raises(kiq.ArgumentError, match=r"cattr\['tenant'\]"):
        within(tenant=object())(look.perform_async)
    assert in_queue(fake) == []


def test_every_value_of_the_codec_survives(look: Any, fake: redis.Redis) -> None:
    kiq.carry(tenant)
    values = [1.5, b"\x00", [1, {"a": None}], datetime.date(2030, 1, 1), 1 << 62, "é\n"]
    for value in values:
        within(tenant=value)(look.perform_async)
    for payload in in_queue(fake):
        run(**payload)
    assert [each[0] for each in seen] == values


def test_an_error_of_dump_fails_the_push_and_one_of_load_the_run(
    look: Any, fake: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    kiq.carry(tenant, dump=lambda value: value.missing, load=int)
    with pytest.raises(AttributeError) as raised:
        within(tenant="acme")(look.perform_async)
    assert "dump of 'tenant' that context.look carries" in raised.value.__notes__[0]
    assert isinstance(run(cattr={"tenant": "no number"}), ToRetry)
    assert "load of 'tenant'" in caplog.text
    assert seen == []


def test_a_load_that_fails_leaves_the_caller_of_an_inline_run_its_own(look: Any) -> None:
    kiq.carry(tenant)
    kiq.carry(user, load=int)

    def caller() -> Any:
        with pytest.raises(ValueError, match="invalid literal"):
            look.perform_inline()
        return tenant.get(), user.get()

    assert within(tenant="mine", user="x")(caller) == ("mine", "x")


def test_a_name_that_is_unknown_here_is_ignored_and_told_once(
    look: Any, caplog: pytest.LogCaptureFixture
) -> None:
    kiq.carry(tenant)
    for _ in range(3):
        assert run(cattr={"tenant": "acme", "newer": 1}) is DONE
    assert seen == [("acme", "nobody")] * 3
    assert caplog.text.count("a job carries 'newer' in cattr") == 1


@pytest.mark.parametrize(
    "field", ["null", "7", '"text"', "[]", "[1,2]", "[[1]]", "{}", '{"1":2}', '{"":1}', "true"]
)
def test_a_field_of_another_form_fails_no_job(look: Any, field: str) -> None:
    kiq.carry(tenant, log=True)
    raw = b'{"class":"context.look","args":[],"jid":"j","queue":"default","cattr":%s}'
    taken = Taken("1.1", Flight("o", "queue:default", Permit()), raw % field.encode(), 0.0)
    assert Executor(Config(), kiq.host, registry)(taken) is DONE
    assert seen == [("unset", "nobody")]


def symbol(name: str) -> dict[str, str]:
    return {"_aj_serialized": "ActiveJob::Serializers::SymbolSerializer", "value": name}


TIME = {"_aj_serialized": "ActiveJob::Serializers::TimeSerializer", "value": "2026-01-01T00:00:00Z"}
RECORD = {"_aj_globalid": "gid://shop/User/7"}


@pytest.mark.parametrize(
    "field",
    [
        {"tenant": "acme", "user": 7},
        [{"tenant": "acme", "user": 7, "_aj_symbol_keys": ["tenant"]}],
        [[symbol("tenant"), "acme"], [symbol("user"), 7]],
        [["tenant", "acme"], ["user", 7]],
        [[symbol("tenant"), symbol("acme")], [symbol("user"), 7]],
        [[symbol("user"), 6], ["too", "many", "parts"], [7, 7], [symbol("user"), 7], ["tenant", "acme"]],
    ],
)  # fmt: skip
def test_each_form_that_ruby_writes_is_understood(look: Any, field: Any) -> None:
    kiq.carry(tenant, user)
    assert run(cattr=field) is DONE
    assert seen == [("acme", 7)]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ({"a": symbol("b"), "c": 1, "_aj_symbol_keys": ["a"]}, {"a": "b", "c": 1}),
        ([{"a": [symbol("b")], "_aj_hash_with_indifferent_access": True}], [{"a": ["b"]}]),
        ({"at": TIME, "_aj_symbol_keys": []}, {"at": TIME}),
        (TIME, TIME),
        (RECORD, RECORD),
        (None, None),
        (1.5, 1.5),
    ],
)
def test_marks_of_ruby_go_where_json_says_it_as_well(look: Any, written: Any, read: Any) -> None:
    kiq.carry(tenant)
    run(cattr=[[symbol("tenant"), written]])
    assert seen == [(read, "nobody")]


def test_a_value_of_ours_that_looks_like_rubys_is_left_alone(look: Any, fake: redis.Redis) -> None:
    kiq.carry(tenant)
    within(tenant={"_aj_x": symbol("a")})(look.perform_async)
    run(**in_queue(fake)[0])
    assert seen == [({"_aj_x": symbol("a")}, "nobody")]


def test_a_retry_and_its_log_lines_keep_what_ruby_wrote(look: Any) -> None:
    field = [[symbol("tenant"), "acme"], [symbol("unknown"), RECORD]]
    kiq.carry(tenant, log=True)
    verdict = run(cattr=field, args=["fail"])
    assert isinstance(verdict, ToRetry)
    assert decode(verdict.raw)[0]["cattr"] == field
    fields = kiq.host.log_fields[0]({"cattr": field})
    assert fields == {"tenant": "acme"}


def test_what_a_job_of_ruby_pushes_carries_on(look: Any, fake: redis.Redis) -> None:
    kiq.carry(tenant)

    @kiq.job(name="context.pushes")
    def pushes() -> None:
        look.perform_async()

    run(**{"class": "context.pushes", "cattr": [[symbol("tenant"), "acme"]]})
    assert in_queue(fake)[0]["cattr"] == {"tenant": "acme"}


def test_several_sets_have_fields_of_their_own(look: Any, fake: redis.Redis) -> None:
    kiq.carry(tenant)
    kiq.carry(user, name="tenant", field="cattr_1")
    within(tenant="a", user="b")(look.perform_async)
    (payload,) = in_queue(fake)
    assert (payload["cattr"], payload["cattr_1"]) == ({"tenant": "a"}, {"tenant": "b"})
    run(**payload)
    assert seen == [("a", "b")]


def test_carrying_the_same_twice_changes_nothing(look: Any) -> None:
    kiq.carry(tenant)
    kiq.carry(tenant)
    assert len(kiq.host.server_middleware) == len(kiq.host.client_middleware) == 1


def test_other_middleware_sees_what_is_carried(look: Any) -> None:
    @kiq.host.around_perform
    def watch(context: kiq.ServerContext, call_next: Any) -> Any:
        seen.append(tenant.get())
        return call_next(context)

    kiq.carry(tenant)
    run(cattr={"tenant": "acme"})
    assert seen[0] == "acme"


def test_what_is_carried_is_loaded_inside_of_what_cleans_up_after_a_run(look: Any) -> None:
    class Cleans:
        cleans_up = True

        def __call__(self, context: kiq.ServerContext, call_next: Any) -> Any:
            seen.append("in")
            return call_next(context)

    @kiq.host.around_perform
    def users(context: kiq.ServerContext, call_next: Any) -> Any:
        seen.append("users")
        return call_next(context)

    kiq.host.server_middleware.prepend(Cleans())
    kiq.carry(tenant, load=lambda value: seen.append("load") or value)
    run(cattr={"tenant": "acme"})
    assert seen == ["in", "load", "users", ("acme", "nobody")]


def test_fields_that_fail_cost_no_line_of_the_job(look: Any) -> None:
    kiq.host.log_fields.append(lambda payload: payload["missing"])
    record = logging.makeLogRecord({"levelno": logging.INFO})

    @kiq.job(name="context.logs")
    def logs() -> None:
        assert ContextFilter().filter(record)

    assert run(**{"class": "context.logs"}) is DONE
    assert record.ctx["log_fields"] == "KeyError('missing')"  # type: ignore[attr-defined]
    assert record.ctx["jid"] == "j1"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: kiq.carry(), "takes context variables"),
        (lambda: kiq.carry("tenant"), "takes contextvars.ContextVar"),  # type: ignore[arg-type]
        (lambda: kiq.carry(tenant, user, name="x"), "for one variable"),
        (lambda: kiq.carry(tenant, user, dump=str), "for one variable"),
        (lambda: kiq.carry(tenant, field="locale"), "field is cattr"),
        (lambda: kiq.carry(tenant, name=""), "can't be a name"),
        (lambda: kiq.carry(tenant, name="jid", log=True), "stands on log lines already"),
        (lambda: (kiq.carry(tenant), kiq.carry(user, name="tenant")), "two context variables"),
        (lambda: kiq.carry_locale("de", str), "takes functions"),  # type: ignore[arg-type]
        (lambda: kiq.carry_trace("00-"), "takes functions"),  # type: ignore[arg-type]
    ],
)
def test_mistakes_are_told(look: Any, wrong: Any, says: str) -> None:
    with pytest.raises(kiq.ConfigError, match=says):
        wrong()


def test_the_lines_of_a_run_show_what_is_chosen(
    look: Any, caplog: pytest.LogCaptureFixture
) -> None:
    filter_ = ContextFilter()
    kiq.carry(tenant, log=True)
    kiq.carry(user)
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.addFilter(filter_)
    handler.emit = records.append  # type: ignore[method-assign]
    logger = logging.getLogger("kiq.job")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        run(cattr={"tenant": "acme", "user": 7, "jid": "forged"})
        run(cattr={"tenant": {"a": 1}})
        run(cattr={"tenant": "x" * 1000})
        run()
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
    shown = [record.ctx for record in records]  # type: ignore[attr-defined]
    assert {key: shown[0][key] for key in ("jid", "class", "queue", "tenant")} == {
        "jid": "j1",
        "class": "context.look",
        "queue": "default",
        "tenant": "acme",
    }
    assert [each.get("tenant") for each in shown[1:3]] == ["acme", "dict of 1"]
    assert len(shown[4]["tenant"]) == 201
    assert "user" not in shown[0]
    assert "tenant" not in shown[-1]
