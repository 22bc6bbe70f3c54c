"""What a plugin attaches works in a real process: events, services, filters, both kinds of layers."""

from __future__ import annotations

from pathlib import Path

from kiq.clock import wall
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
