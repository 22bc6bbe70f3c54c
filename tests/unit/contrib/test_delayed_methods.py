"""``delay(obj).method(...)``, the mixin and the decorators: what is pushed, what runs, what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis

from kiq import keys, testing
from kiq.clock import wall
from kiq.codec import decode
from kiq.contrib import delayed
from kiq.contrib.delayed import delay, delayable, handle_asynchronously, methods
from kiq.errors import ArgumentError, ConfigError
from tests.helpers import delayed_jobs as jobs
from tests.helpers.delayed_jobs import Admin, Mailer, Message, User, called, plan

HERE = "tests.helpers.delayed_jobs"


@pytest.fixture(autouse=True)
def _emptied(fake: redis.Redis) -> Iterator[None]:
    called.clear()
    plan.clear()
    User.there.clear()
    yield
    delayed.worker.reset()


@pytest.fixture
def faked() -> Iterator[None]:
    with testing.scoped("fake"):
        yield


def payloads(fake: redis.Redis, queue: str = "default") -> list[dict[str, Any]]:
    return [decode(raw)[0] for raw in reversed(fake.lrange(f"queue:{queue}", 0, -1))]


def drained() -> list[tuple[Any, ...]]:
    called.clear()
    testing.drain()
    return called


def test_a_method_of_an_object_is_called_by_a_job(fake: redis.Redis) -> None:
    job = delay(User(7)).activate(3, why="paid")
    (payload,) = payloads(fake)
    assert (payload["class"], payload["jid"]) == (f"{HERE}.User.activate", job.jid)
    assert payload["args"] == [{"$ref": f"{HERE}.User", "id": 7}, 3]
    assert payload["kwargs"] == {"why": "paid"}
    assert (payload["retry"], payload["time_limit"]) == (24, 4 * 3600)
    assert "priority" not in payload
    assert called == []


def test_it_runs_on_the_object_that_is_found_again(faked: None) -> None:
    user = User(7)
    user.delay().activate(3)
    user.delay().exit()
    User(7, "another")  # what is there when it runs
    assert drained() == [("activate", 7, 3, ""), ("exit", 7)]


def test_class_and_static_methods_functions_and_modules(faked: None) -> None:
    User.delay().count(2)
    Admin.delay().count(3)
    User.delay().greet("Bob")
    User(1).delay().count(4)
    delay(jobs.welcome)(User(2, "Eve"), greeting="Hi")
    delay(jobs).welcome(User(3, "Joe"))
    jobs.welcome.delay(queue="low")(User(4, "Kim"))  # type: ignore[attr-defined]
    assert testing.jobs()[-1].queue == "low"
    assert drained() == [
        ("count", "User", 2),
        ("count", "Admin", 3),
        ("greet", "Bob"),
        ("count", "User", 4),
        ("welcome", "Eve", "Hi"),
        ("welcome", "Joe", "Hello"),
        ("welcome", "Kim", "Hello"),
    ]


def test_a_subclass_is_found_as_what_it_is(faked: None) -> None:
    Admin(8).delay().activate(2)
    Admin(8).delay().exit()
    assert drained() == [("activate admin", 8, 2), ("exit", 8)]


def test_time_priority_queue_and_other_options(fake: redis.Redis) -> None:
    user, when = User(7), datetime(2040, 1, 1, tzinfo=UTC)
    job = delay(user, run_at=when, priority=5, queue="users", tags=["x"], retry=1).activate()
    ((raw, due),) = fake.zrange("schedule", 0, -1, withscores=True)
    payload = decode(raw)[0]
    assert due == when.timestamp()
    assert (payload["priority"], payload["queue"], payload["tags"]) == (5, "users", ["x"])
    assert (payload["retry"], job.run_at) == (1, when.timestamp())
    user.delay(run_at=timedelta(hours=1)).activate()
    assert abs(fake.zrange("schedule", 0, 0, withscores=True)[0][1] - wall() - 3600) < 60
    user.delay(run_at=datetime(2020, 1, 1, tzinfo=UTC)).activate()
    assert len(payloads(fake)) == 1
    user.delay(priority=-3).activate()
    assert fake.llen(keys.queue(keys.band("default", "high"))) == 1


def test_settings_of_the_worker_count_at_the_push(fake: redis.Redis) -> None:
    worker = delayed.worker
    worker.max_attempts, worker.max_run_time = 5, timedelta(minutes=2)
    worker.default_queue_name, worker.default_priority = "usual", 3
    worker.queue_attributes = {"mail": {"priority": -10}}
    with testing.scoped("fake"):
        delay(User(7)).activate()
        delay(User(7), queue="mail").activate()
        delay(User(7), queue="mail", priority=0, time_limit=1).activate()
        found = [each.payload for each in testing.jobs()]
    assert [each["queue"] for each in found] == ["usual", "mail", "mail"]
    assert [each.get("priority") for each in found] == [3, -10, None]
    assert [each["time_limit"] for each in found] == [120, 120, 1]
    assert found[0]["retry"] == 4


def test_wrong_calls_are_refused_where_they_are_made(fake: redis.Redis) -> None:
    user = User(7)
    for wrong in (
        lambda: delay(user).activate(1, 2),
        lambda: delay(user).activate(level="x", no=1),
        lambda: delay(jobs.welcome)(),
    ):
        with pytest.raises(ArgumentError):
            wrong()
    with pytest.raises(AttributeError, match="promote"):
        delay(user).promote()
    with pytest.raises(ArgumentError, match=r"args\[1\]"):
        delay(user).activate(object())
    with pytest.raises(ConfigError, match="unknown option 'colour'"):
        delay(user, colour="red").activate()
    with pytest.raises(TypeError):
        user.delay(3)  # type: ignore[call-arg]
    assert fake.keys() == []


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: delay(User(7))._private(), "is private"),
        (lambda: delay(User(7)).later(), "is async"),
        (lambda: delay(User(7)).number(), "can't be called"),
        (lambda: delay(User).activate(3), "is a method of its objects"),
        (lambda: delay(jobs).stray(), "@delayed.delayable above it"),
        (lambda: delay(jobs.stray)(), "@delayed.delayable above it"),
        (lambda: delay(User(7))(), "or name the method"),
        (lambda: delay(Message("Ann")).deliver(), "delay the mailer"),
        (lambda: delay(jobs.Stray(1)).go(), "was not opted in"),
        (lambda: delay(jobs.Closed(1)).open(), "was not opted in"),
        (
            lambda: delay(jobs.Closed(1)).close(User(1)),
            r"Closed was not opted in: .*register\(Closed\)",
        ),
        (lambda: delay(jobs.welcome)(jobs.Stray(1)), "Stray was not opted in"),
        (lambda: delay(jobs.welcome)(jobs.Stray), "Stray was not opted in"),
    ],
)
def test_what_was_not_opted_in_is_refused_with_words(
    fake: redis.Redis, call: Any, said: str
) -> None:
    with pytest.raises(delayed.NotDelayable, match=said):
        call()
    assert fake.keys() == []


def test_what_can_not_be_decorated_says_so() -> None:
    def inner() -> None: ...

    delayable(inner)
    with pytest.raises(ConfigError, match="above a class or a function"):
        delayable(3)  # type: ignore[type-var]
    with pytest.raises(ConfigError, match="above the class"):
        delayable(User.activate)
    with pytest.raises(ConfigError, match="lists of names"):
        delayable(show="name")
    with pytest.raises(ConfigError, match="takes a class"):
        delayed.register(inner)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="above a function"):
        handle_asynchronously(3)

    async def comes_later() -> None: ...

    for decorator in (delayable, handle_asynchronously):
        with pytest.raises(ConfigError, match="async"):
            decorator(comes_later)


def test_a_handled_method_pushes_and_may_run_now(fake: redis.Redis) -> None:
    user = User(7)
    job = user.deactivate("spam")
    assert [each["args"][1] for each in payloads(fake)] == ["spam"]
    assert job.name == f"{HERE}.User.deactivate"
    assert called == []
    assert user.deactivate.now("now") == "now"
    assert user.deactivate_without_delay("too") == "too"  # type: ignore[attr-defined]
    assert called == [("deactivate", 7, "now"), ("deactivate", 7, "too")]
    user.deactivate_with_delay("later")  # type: ignore[attr-defined]
    assert len(payloads(fake)) == 2
    assert user.deactivate.__name__ == "deactivate"
    with pytest.raises(ArgumentError):
        user.deactivate()


def test_it_runs_and_does_not_push_again(faked: None) -> None:
    user = User(7)
    user.deactivate("spam")
    user.delay(queue="low").deactivate("more")  # as a delayed call, with its options
    assert [each.queue for each in testing.jobs()] == ["default", "low"]
    assert drained() == [("deactivate", 7, "spam"), ("deactivate", 7, "more")]
    assert testing.jobs() == []


def test_its_options_may_be_functions_of_the_object(fake: redis.Redis) -> None:
    job = User(7).expire()
    assert (job.priority, job.queue) == (-7, "users")
    ((_, due),) = fake.zrange("schedule", 0, -1, withscores=True)
    assert due == datetime(2040, 1, 1, tzinfo=UTC).timestamp()


def test_class_static_methods_and_functions_may_be_handled_in_both_orders(faked: None) -> None:
    User.purge(3)
    Admin.purge(4)
    User.sweep(5)
    User.ping("a")
    User(1).ping("b")
    User.pong("c")
    job = jobs.tidy("tmp")
    assert job.priority == 5
    assert drained() == [
        ("purge", "User", 3),
        ("purge", "Admin", 4),
        ("sweep", "User", 5),
        ("ping", "a"),
        ("ping", "b"),
        ("pong", "c"),
        ("tidy", "tmp"),  # a drain goes by bands, as a worker does
    ]
    called.clear()
    assert jobs.tidy.now("x") == "x"
    User.purge.now(1)
    User.ping.now("d")
    assert called == [("tidy", "x"), ("purge", "User", 1), ("ping", "d")]


def test_a_mailer_delivers_what_its_methods_make(faked: None) -> None:
    assert Mailer.hello(User(7, "Ann")).to == "Ann"  # without delay, as ever
    Mailer.delay().hello(User(7, "Ann"))
    assert testing.perform_one() == "sent to Ann"
    delay(Mailer).broken()
    with pytest.raises(ConfigError, match="must return a message"):
        testing.drain()


def test_the_proxy_can_be_patched(monkeypatch: pytest.MonkeyPatch, fake: redis.Redis) -> None:
    heard: list[Any] = []

    class Stub:
        def hello(self, user: User) -> None:
            heard.append(user)

    monkeypatch.setattr(Mailer, "delay", Stub)
    user = User(7)
    Mailer.delay().hello(user)
    assert heard == [user]
    assert fake.keys() == []


def test_what_a_payload_names_is_run_only_if_it_was_opted_in(faked: None) -> None:
    User(7)
    for name, receiver in (
        ("activate", {"$ref": f"{HERE}.Account", "id": 1}),  # another's method
        ("activate", {"$ref": f"{HERE}.Stray", "value": {"number": 1}}),
        ("activate", {"$ref": f"{HERE}.User"}),  # the class itself
        ("activate", {"$ref": "os.system", "id": "true"}),
        ("activate", 5),
        ("count", {"$ref": f"{HERE}.User", "id": 7}),
    ):
        job = methods.called(f"{HERE}.User.{name}")
        assert job is not None
        job.job.perform_async(receiver, 3)
        with pytest.raises(LookupError):
            testing.perform_one()
    assert called == []


def test_a_class_that_is_made_twice_is_one(faked: None) -> None:
    twice = jobs.Twice(1)
    twice.delay().go()
    twice.come()
    assert drained() == [("go", 1), ("come", 1)]


def test_jobs_are_delayed_or_not_as_is_said(fake: redis.Redis) -> None:
    user = User(7)
    delayed.worker.delay_jobs = False
    job = delay(user).activate(3)
    assert called == [("activate", 7, 3, "")]
    assert job.jid
    plan["activate"] = lambda: RuntimeError("no")
    with pytest.raises(RuntimeError, match="no"):
        delay(user).activate(3)
    delayed.worker.delay_jobs = lambda job: job.queue != "now"
    plan.clear()
    delay(user, queue="now").activate(4)
    delay(user).activate(5)
    assert [each["args"][1] for each in payloads(fake)] == [5]
    assert called[-1] == ("activate", 7, 4, "")
    delayed.worker.delay_jobs = lambda: True
    delay(user, queue="now").activate(6)
    assert len(payloads(fake, "now")) == 1


def test_arguments_go_through_the_codec_here_too(fake: redis.Redis) -> None:
    delayed.worker.delay_jobs = False
    with pytest.raises(ArgumentError):
        delay(User(7)).activate(object())
    gone = User(8)
    del User.there[8]
    with pytest.raises(delayed.RefNotFound):
        delay(gone).activate(3)


def test_settings_that_can_not_be_say_what_they_are() -> None:
    for name, value in (
        ("max_attempts", 0),
        ("max_run_time", "4h"),
        ("destroy_failed_jobs", 1),
        ("default_priority", 1.5),
        ("default_queue_name", ""),
        ("queue_attributes", {"mail": -10}),
        ("queue_attributes", {"mail": {"colour": 1}}),
        ("delay_jobs", "yes"),
        ("on_missing", "ignore"),
        ("session", 3),
    ):
        with pytest.raises(ConfigError, match=f"worker.{name} must be"):
            setattr(delayed.worker, name, value)
    with pytest.raises(ConfigError, match="woken by the push"):
        delayed.worker.sleep_delay = 5  # type: ignore[attr-defined]
    with pytest.raises(ConfigError, match="has no 'colour'"):
        delayed.worker.colour = 5  # type: ignore[attr-defined]


def test_names_of_delayed_job_say_what_they_are_here() -> None:
    with pytest.raises(AttributeError, match=r"here it is: delay\(found\)"):
        delayed.send_later  # noqa: B018
    with pytest.raises(AttributeError, match="has no 'colour'"):
        delayed.colour  # noqa: B018
