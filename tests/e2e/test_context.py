"""Context from one process to another: through the schedule, a retry, and into the log."""

from __future__ import annotations

import json
import sys

from kiq.clock import wall
from tests.helpers.worker_process import Site

APP = """
from contextvars import ContextVar
import logging
import sys
import kiq
from tests.helpers.jobs import note

tenant = ContextVar("tenant")
secret = ContextVar("secret")
traceparent = ContextVar("traceparent", default=None)
kiq.carry(tenant, log=True)
kiq.carry(secret)
kiq.carry_trace(traceparent.get)


class Tell(kiq.Job, retry=2, name="Tell"):
    def perform(self, label, fails=False):
        logging.getLogger("app.mail").info("said of %s", label)
        note(f"{label} {self.attempt} {tenant.get('nobody')} {kiq.current_job().jid == self.jid}")
        if fails and self.attempt == 1:
            raise kiq.Retry(0.05)
        if label == "outer":
            Tell.perform_in(0.1, "inner")


if __name__ == "__main__":
    kiq.push({"class": "Tell", "args": ["bare"]})
    tenant.set("acme")
    secret.set("hush")
    traceparent.set("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    Tell.perform_async("now")
    Tell.perform_in(0.2, "later", True)
    Tell.perform_async("outer")
"""


def test_context_travels_with_a_job_wherever_it_goes(site: Site) -> None:
    site.write("app.py", APP)
    worker = site.run("-r", "app", KIQ_LOG_FORMAT="json").wait_until_ready()
    assert site.run("app.py", command=(sys.executable,)).wait() == 0
    site.client.push({"class": "Tell", "args": ["foreign"], "at": wall() + 0.1})
    site.noted(
        "bare 1 nobody True",
        "now 1 acme True",
        "later 1 acme True",
        "later 2 acme True",
        "outer 1 acme True",
        "inner 1 acme True",
        "foreign 1 nobody True",
    )
    worker.says("inner", "said of")
    assert worker.stop() == 0
    lines = [json.loads(line) for line in worker.lines]
    of_now = [line for line in lines if line["msg"] == "said of now"]
    (ctx,) = [line["ctx"] for line in of_now]
    assert ctx["tenant"] == "acme"
    assert ctx["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    same = [line for line in lines if line["ctx"].get("jid") == ctx["jid"]]
    assert {line["msg"] for line in same} == {"start", "said of now", "done"}
    assert all(line["ctx"]["tenant"] == "acme" for line in same)
    (bare,) = [line["ctx"] for line in lines if line["msg"] == "said of bare"]
    assert bare.keys() == {"jid", "class", "queue", "attempt"}
    assert "hush" not in worker.log


def test_context_stands_on_plain_lines_too(site: Site) -> None:
    site.write("app.py", APP)
    worker = site.run("-r", "app").wait_until_ready()
    site.client.push({"class": "Tell", "args": ["x"], "cattr": {"tenant": "a\x1b[1m b\nc"}})
    line = worker.says("said of x", "tenant=a\\x1b[1m b c")
    assert "class=Tell queue=default tenant=" in line
