"""What a plugin attaches works in a real process: events, services, filters, both kinds of layers."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from kiq.clock import wall
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import JOBS, Site

PLUGIN = """
from tests.helpers.jobs import note, store


class Background:
    def __init__(self, worker):
        self.worker = worker

    def start(self):
        note("service start")

    def stop(self):
        note("service stop")


class Everything:
    name = "everything"

    def install(self, host):
        for event in ("startup", "heartbeat", "quiet", "shutdown", "exit"):
            host.on(event)(lambda event=event: note(f"event {event}"))
        host.services.append(Background)
        host.queue_filters.append(self.without_paused)
        host.around_push(self.stamp)
        host.around_perform(self.outer)
        host.around_perform(self.inner)

    @staticmethod
    def without_paused(queues):
        paused = {name.decode() for name in store().smembers("resting")}
        return [queue for queue in queues if queue not in paused]

    @staticmethod
    def stamp(context, call_next):
        if context.payload["args"] == ["vetoed"]:
            return None
        context.payload["stamped"] = context.promoting
        return call_next(context)

    @staticmethod
    def outer(context, call_next):
        note(f"outer {context.payload.get('stamped')}")
        return call_next(context)

    @staticmethod
    def inner(context, call_next):
        note(f"inner {context.jid}")
        if context.payload["args"] == ["skipped"]:
            return None
        return call_next(context)
"""


def configured(site: Site) -> Path:
    site.write("everything.py", PLUGIN)
    return site.write(
        "kiq.yml",
        f"require: [{JOBS}]\nplugins: ['everything:Everything']\nqueues: [default, other]\n",
    )


def test_events_and_services_frame_the_life_of_a_process(site: Site) -> None:
    worker = site.start("-C", str(configured(site)))
    site.noted("event startup", "service start", "event heartbeat")
    assert worker.stop() == 0
    own = [note for note in site.notes if note.startswith(("event", "service"))]
    assert [note for note in own if note != "event heartbeat"] == [
        "event startup",
        "service start",
        "event quiet",
        "event shutdown",
        "service stop",
        "event exit",
    ]


def test_layers_wrap_a_run_in_order_and_may_skip_it(site: Site) -> None:
    worker = site.start("-C", str(configured(site)))
    jid = site.push("Note", "through")
    site.noted("through")
    of_the_job = [note for note in site.notes if not note.startswith(("event", "service"))]
    assert of_the_job == ["outer None", f"inner {jid}", "through"]
    skipped = site.push("Note", "skipped")
    worker.says("a server middleware did not run it", skipped)
    assert "skipped" not in site.notes
    assert site.count("retry") == site.count("dead") == 0


def test_client_layers_see_a_promotion_and_may_veto_it(site: Site) -> None:
    worker = site.start("-C", str(configured(site)))
    site.push("Note", "later", at=wall() + 0.3)
    vetoed = site.push("Note", "vetoed", at=wall() + 0.3)
    site.noted("outer True", "later")
    worker.says("dropped at promotion", vetoed)
    assert "vetoed" not in site.notes
    assert int(site.store.get("stat:processed") or 0) <= 1  # type: ignore[arg-type]


def test_a_filter_pauses_a_queue_and_lets_it_go_on(site: Site) -> None:
    site.store.sadd("resting", "other")
    site.start("-C", str(configured(site)))
    site.push("Note", "held", queue="other")
    site.push("Note", "free")
    site.noted("free")
    assert site.count("queue:other") == 1
    site.store.srem("resting", "other")
    eventually(lambda: "held" in site.notes)


FEATURE = """
from dataclasses import dataclass
from typing import Annotated

from kiq.plugin import Between, Feature, declare
from tests.helpers.jobs import note


@dataclass(frozen=True)
class Settings:
    greeting: str = "hello"
    times: Annotated[int, Between(1, 9)] = 1


declare(Feature("greeter", options={"greets": str}, settings=Settings))


class Greeter:
    name = "greeter"
    payload_field = "greets"

    def install(self, host):
        host.services.append(self.attach)
        host.around_perform(self)

    def attach(self, worker):
        self.settings = worker.config.of(Settings)

    def __call__(self, context, call_next):
        for _ in range(self.settings.times):
            note(f"{self.settings.greeting} {context.payload['greets']}")
        return call_next(context)
"""
GREETED = """
import kiq
import greeter
from tests.helpers.jobs import note


class Greeted(kiq.Job, name="tests.helpers.jobs.Greeted", greets="Bob"):
    def perform(self):
        note("performed")
"""


def greeter(site: Site, section: str) -> str:
    site.write("greeter.py", FEATURE)
    site.write("greeted.py", GREETED)
    text = f"require: [greeted]\nplugins: ['greeter:Greeter']\n{section}"
    return str(site.write("kiq.yml", text))


def test_a_plugin_has_options_and_a_section_of_its_own(site: Site) -> None:
    path = greeter(site, "greeter: {greeting: hi}\nproduction: {greeter: {times: 2}}\n")
    checked = site.run("check", "-C", path, KIQ_GREETER_GREETING="ahoy")
    assert checked.wait() == 0, checked.log
    site.start("-r", "greeted", "-C", path, "-e", "production", KIQ_GREETER_GREETING="ahoy")
    site.push("Greeted", greets="Eve")
    site.noted("performed")
    assert site.notes == ["ahoy Eve", "ahoy Eve", "performed"]


def test_mistakes_in_the_section_of_a_plugin_are_told_at_their_line(site: Site) -> None:
    path = greeter(site, "greeter:\n  times: 10\n  greetin: x\nstranger: {a: 1}\n")
    told = [
        f"{path}:4: greeter.times must be a whole number from 1 to 9, not 10",
        f"{path}:5: unknown key greeter.greetin; did you mean greeting?",
        f"{path}:6: unknown key stranger; if it is an environment",
    ]
    for command in (("check",), ("run",)):
        process = site.run(*command, "-C", path)
        assert process.wait() == 78
        found = [next((it for it in process.lines if each in it), each) for each in told]
        assert all(each in it for each, it in zip(told, found, strict=True)), process.log
    assert "Traceback" not in process.log


def test_where_the_plugin_cannot_be_loaded_its_section_is_no_second_mistake(site: Site) -> None:
    path = greeter(site, "greeter: {times: 2}\n")
    site.write("greeter.py", "import missing_package\n")
    site.write("greeted.py", "")
    process = site.run("check", "-C", path, "-r", JOBS)
    assert process.wait() == 78
    assert [line for line in process.lines if "greeter" in line] == [
        "plugin 'greeter:Greeter' can't be loaded: ModuleNotFoundError: No module named 'missing_package'"
    ]
    assert process.lines[-1] == "1 problem"


OBSERVER = """
import kiq
from kiq.plugins.job_events import observe
from tests.helpers.jobs import note


@kiq.job(name="tests.helpers.jobs.fails", retry=3)
def fails():
    raise LookupError("no such thing")


@kiq.job(name="tests.helpers.jobs.waits")
async def waits():
    note("waited")


class Observer:
    name = "observer"

    def install(self, host):
        observe(host, started=self.started, finished=self.finished)

    def started(self, event):
        note(f"started {event.payload['class'].rpartition('.')[2]} {event.queue_time < 60}")

    def finished(self, event):
        note(f"finished {event.payload['class'].rpartition('.')[2]} {type(event.verdict).__name__}")
"""


@pytest.mark.needs("greenlet")
def test_observers_hear_of_each_attempt_with_its_verdict(site: Site) -> None:
    site.write("observer.py", OBSERVER)
    path = site.write("kiq.yml", "plugins: ['observer:Observer']\nconcurrency: 1\n")
    worker = site.start("-r", "observer", "-C", str(path))
    for name, arguments, verdict in (
        ("Note", ["through"], "Done"),
        ("fails", [], "ToRetry"),
        ("waits", [], "Done"),
    ):
        before = len(site.notes)
        site.push(name, *arguments)
        site.noted(f"finished {name} {verdict}")
        assert site.notes[before] == f"started {name} True"
    assert worker.stop() == 0
    assert site.count("retry") == 1


def test_a_plugin_has_a_thread_of_its_own_that_lives_through_an_outage(
    private_server: Callable[..., TestServer], tmp_path: Path
) -> None:
    page = Path(__file__).parents[2].joinpath("docs", "plugins.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(# depths.py\n.*?)```", page, re.DOTALL)
    site = Site(private_server(), tmp_path)
    site.write("depths.py", code.replace("return 10.0", "return 0.05"))
    site.write("config/kiq.yml", "plugins: [depths:Depths]\n")
    worker = site.start("-C", "config/kiq.yml")
    worker.says("0 jobs wait in default")
    site.server.kill()
    worker.says("trying again until it answers")
    site.server.restart()
    worker.says("Redis is back", timeout=20)
    lines = worker.log.count("jobs wait in default")
    eventually(lambda: worker.log.count("jobs wait in default") > lines)
    assert worker.stop() == 0
    site.close()


# What rides on the settling write


def test_the_counter_of_the_page_agrees_with_redis_after_a_kill(site: Site) -> None:
    page = Path(__file__).parents[2] / "docs" / "plugins.md"
    (text,) = re.findall(r"```python\n(# outcomes\.py\n.*?)```", page.read_text("utf-8"), re.DOTALL)
    site.write("outcomes.py", text)
    file = site.write("kiq.yml", f"require: [{JOBS}]\nplugins: ['outcomes:Outcomes']\n")
    site.client.push_slices(
        [
            {"class": f"{JOBS}.Note", "args": [str(number)], "queue": "default"}
            for number in range(2_000)
        ]
    )

    def settled() -> int:
        return int(site.store.getrange("stat:processed", 0, -1) or 0)

    def until(count: int) -> None:
        eventually(lambda: settled() >= count, 30, interval=0.001)

    for killed in range(1, 3):
        worker = site.start("-C", str(file))
        until(300 * killed)
        worker.signal(signal.SIGKILL)
    site.start("-C", str(file))
    eventually(lambda: set(site.notes) >= {str(number) for number in range(2_000)}, 60)
    # What came back after a kill may be on its way between flight and queue: until all have ended.
    eventually(lambda: settled() == 2_000, 30)
    counts = [
        int(count)
        for key in site.store.scan_iter("outcomes:*")
        for count in site.store.hvals(key)  # type: ignore[union-attr]
    ]
    assert sum(counts) == settled() == 2_000
