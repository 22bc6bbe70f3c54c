"""An application of twenty tasks, written for Celery, on kiq: nothing but its imports is changed."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

import kiq
from kiq.config import Capsule
from kiq.contrib import celery
from kiq.contrib.celery import current
from kiq.errors import ConfigError, JobFailed
from kiq.plugins.declared.periodic import in_code
from kiq.plugins.time_limits import TimeLimits
from kiq.raising import possible
from tests.helpers.driven import DrivenWorker
from tests.helpers.waiting import eventually

EXAMPLE = Path(__file__).parents[2] / "examples" / "from_celery"
VERSIONS = ("on_celery", "on_kiq")
QUEUES = ("default", "mail", "reports", "low")


@pytest.fixture
def shop(kiq_client: kiq.Client, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The application, imported anew."""
    apps, shared, periodic = list(current.apps), dict(current.shared), dict(in_code)
    current.forget()
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.syspath_prepend(str(EXAMPLE / "on_kiq"))
    for name in ("shop", "settings"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module("shop")
    current.apps[:] = apps
    for known, before in ((current.shared, shared), (in_code, periodic)):
        known.clear()
        known.update(before)  # type: ignore[arg-type]
    for signal in vars(celery.signals).values():
        if isinstance(signal, celery.signals.Signal):
            signal._receivers.clear()
    for name in ("shop", "settings"):
        sys.modules.pop(name, None)


@pytest.fixture
def work(shop: Any, redis_url: str, tmp_path: Path) -> Iterator[DrivenWorker]:
    """A worker of its queues, at work."""
    shop.app.conf.beat_schedule = {}  # crontabs need an extra
    kiq.host.install(celery.CeleryTasks())
    kiq.host.install(TimeLimits())
    capsule = Capsule(queues=tuple((name, 1) for name in QUEUES), concurrency=2)
    with DrivenWorker(redis_url, tmp_path, capsule, host=kiq.host) as worker:
        yield worker


def get(result: Any) -> Any:
    return result.get(timeout=20)


def noted(shop: Any, *kinds: str) -> list[Any]:
    return [each for each in shop.notes if each[0] in kinds]


def test_the_example_differs_from_celerys_in_its_imports_alone() -> None:
    theirs, ours = (ast.parse((EXAMPLE / each / "shop.py").read_text("utf-8")) for each in VERSIONS)
    rest = [ast.dump(ast.Module(not_imports(each), [])) for each in (theirs, ours)]
    assert rest[0] == rest[1]
    assert (
        modules(theirs)
        != modules(ours)
        == {
            {"celery.utils.log": "kiq.contrib.celery"}.get(
                name, name.replace("celery", "kiq.contrib.celery")
            )
            for name in modules(theirs)
        }
    )


def not_imports(code: ast.Module) -> list[ast.stmt]:
    return [each for each in code.body if not isinstance(each, ast.ImportFrom)]


def modules(code: ast.Module) -> set[str]:
    return {str(each.module) for each in code.body if isinstance(each, ast.ImportFrom)}


def test_results_come_back(shop: Any, work: DrivenWorker) -> None:
    assert get(shop.mail_welcome.delay("a@example.org", name="Ann")) == "welcome Ann"
    assert get(shop.add.apply_async((2, 3))) == 5
    assert get(shop.add.s(2).delay(3)) == 5
    assert get(shop.app.send_task("shop.add", args=[4], kwargs={"y": 5})) == 9
    assert get(shop.total.delay([1, 2, 3])) == 6
    result = shop.add.delay(1, 1)
    assert get(result) == 2
    assert (result.state, result.successful(), result.failed(), result.ready()) == (
        "SUCCESS",
        True,
        False,
        True,
    )
    assert result.result == 2


def test_a_task_is_still_a_function(shop: Any) -> None:
    assert shop.add(2, 3) == 5
    assert shop.add.apply((2, 3)).get() == 5
    assert shop.throttled.max_retries == 1  # of task_annotations


def test_queues_are_by_route_then_by_option(shop: Any, raw: redis.Redis) -> None:
    shop.mail_welcome.delay("a")
    shop.nightly_report.delay("sales")
    shop.add.delay(1, 2)
    shop.add.apply_async((1, 2), queue="low")
    assert [raw.llen(f"queue:{name}") for name in QUEUES] == [1, 1, 1, 1]


def test_self_retry(shop: Any, work: DrivenWorker) -> None:
    assert get(shop.fetch.delay("http://x", 1)) == 1
    assert get(shop.gives_up.delay()) == "gave up"


def test_autoretry_ends_in_the_dead_set(shop: Any, work: DrivenWorker) -> None:
    result = shop.sync.delay(7)
    with pytest.raises(JobFailed, match="ConnectionError"):
        get(result)
    assert noted(shop, "sync") == [("sync", 7)] * 3
    assert (result.state, result.failed()) == ("FAILURE", True)


def test_what_is_not_to_be_retried_fails_at_once(shop: Any, work: DrivenWorker) -> None:
    with pytest.raises(JobFailed, match="never again"):
        get(shop.import_rows.delay("bytes"))
    assert noted(shop, "import") == [("import", "bytes")]


def test_a_backoff_is_celerys(shop: Any, work: DrivenWorker) -> None:
    result = shop.import_rows.delay("text")
    eventually(lambda: result.state == "RETRY")
    (entry,) = kiq.api.RetrySet()
    assert 0 < entry.score - entry["failed_at"] / 1000 < 1.5  # 1 s, as it says: no more jitter
    assert entry["retry"] == 5


def test_handlers_of_a_base_and_signals(shop: Any, work: DrivenWorker) -> None:
    with pytest.raises(JobFailed, match="RuntimeError"):
        get(shop.broken.delay("why"))
    assert get(shop.counted.delay(1)) == "counted"
    eventually(lambda: len(noted(shop, "postrun")) == 3)
    told = noted(shop, "on_failure", "on_retry", "on_success", "failure", "retry", "success")
    assert told == [
        ("failure", "shop.broken"),
        ("on_failure", "shop.broken", "why"),
        ("retry", "shop.counted"),
        ("on_retry", "shop.counted", "once"),
        ("success", "shop.counted"),
        ("on_success", "shop.counted", "counted"),
    ]


def test_what_a_task_knows_of_its_run(shop: Any, work: DrivenWorker) -> None:
    result = shop.who.apply_async(task_id="an-id-of-ours")
    assert result.id == "an-id-of-ours"
    assert get(result) == ["an-id-of-ours", "shop.who", 0, False, "shop.who"]


def test_a_signature_travels(shop: Any, work: DrivenWorker) -> None:
    assert get(shop.then.delay(shop.mail_welcome.s("b@example.org", name="Bob"))) == "pushed"
    eventually(lambda: ("mail", "b@example.org", "Bob") in shop.notes)


def test_what_is_ignored_is_done(shop: Any, work: DrivenWorker) -> None:
    assert get(shop.ignored.delay()) is None


@pytest.mark.skipif(not possible(), reason="a tracer holds the threads")
def test_a_soft_time_limit(shop: Any, work: DrivenWorker) -> None:
    assert get(shop.slow.delay()) == "cut"


def test_progress(shop: Any, work: DrivenWorker) -> None:
    result = shop.progress.delay(3)
    assert get(result) == 3
    progress = result.look().progress
    assert (progress.done, progress.total, progress.note) == (3, 3, "PROGRESS")


def test_a_rate_limit(shop: Any, work: DrivenWorker) -> None:
    assert get(shop.throttled.delay()) == 1


def test_later_and_revoked(shop: Any, work: DrivenWorker) -> None:
    shop.late.apply_async(("soon",), countdown=0.2)
    never = shop.late.apply_async(("never",), countdown=3600)
    assert never.state == "PENDING"
    never.revoke()
    eventually(lambda: ("late", "soon") in shop.notes)
    assert never.state == "REVOKED"
    assert list(kiq.api.ScheduledSet()) == []


@pytest.mark.needs("cronsim")
def test_the_schedule_is_kiqs(shop: Any) -> None:
    celery.CeleryTasks()
    rules = {name: in_code[name].rule for name in ("report", "sweep", "ping")}
    assert (rules["report"].cron, rules["report"].timezone) == ("30 2 * * *", "Europe/Paris")
    assert (rules["sweep"].every, rules["ping"].every) == (600, 30)
    assert in_code["sweep"].payload["queue"] == "low"


def test_eager(shop: Any) -> None:
    shop.app.conf.task_always_eager = True
    assert get(shop.fetch.delay("http://x", 2)) == 2
    failed = shop.broken.delay("why")
    assert (failed.state, str(failed.result)) == ("FAILURE", "why")
    with pytest.raises(RuntimeError):
        failed.get()


def test_a_task_without_result_says_so(shop: Any) -> None:
    result = shop.mail_invoice.delay(1)
    with pytest.raises(ConfigError, match="keeps no result"):
        result.get()


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        (
            lambda shop: celery.chain(shop.add.s(1, 2)),
            "chain is not in kiq.contrib.celery; let the first",
        ),
        (lambda shop: celery.group([shop.add.s(1, 2)]), "kiq.Batch"),
        (lambda shop: shop.add.s(1, 2) | shop.add.s(3), "kiq.Batch"),
        (lambda shop: shop.add.apply_async((1, 2), link=shop.add.s(1)), "let the first task push"),
        (lambda shop: shop.add.apply_async((1, 2), routing_key="x"), "write queue="),
        (lambda shop: shop.add.apply_async((1, 2), countdown=1, eta=2), "not both"),
        (lambda shop: shop.add.apply_async((1, 2), countdown=9, expires=5), "would never run"),
        (
            lambda shop: shop.app.task(acks_late=False, name="x")(len),
            "acknowledged when it has ended",
        ),
        (lambda shop: shop.app.task(rate_limit="fast", name="x")(len), "such as '10/m'"),
        (lambda shop: shop.app.conf.update(worker_concurrency=4), "concurrency"),
        (lambda shop: shop.app.conf.update(task_serializer="pickle"), "codec"),
        (lambda shop: shop.app.conf.update(beat_scheduler="x:Y"), "kiq.api.PeriodicSet"),
        (lambda shop: shop.app.conf.update(task_rutes={}), "did you mean 'task_routes'"),
        (
            lambda shop: shop.app.conf.update(broker_url="amqp://guest@host"),
            "the broker is Redis here",
        ),
        (lambda shop: celery.schedules.crontab(day_of_week=1, day_of_month=1), "when both fit"),
    ],
)
def test_what_is_not_here_says_what_to_write(
    shop: Any, mistake: Callable[[Any], object], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        mistake(shop)


@pytest.mark.parametrize("of", ["app", "result", "signals", "request", "control"])
def test_attributes_that_are_not_here(shop: Any, of: str) -> None:
    looked_at = {
        "app": lambda: shop.app.worker_main,
        "result": lambda: celery.AsyncResult("x").forget,
        "signals": lambda: celery.signals.task_revoked,
        "request": lambda: shop.add.request.chord,
        "control": lambda: shop.app.control.inspect,
    }
    with pytest.raises(AttributeError):
        looked_at[of]()
