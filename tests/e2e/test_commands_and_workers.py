"""Commands and live workers: what ``kiq ps`` shows, and what ``kiq quiet`` and ``kiq stop`` do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.helpers.waiting import eventually
from tests.helpers.worker_process import JOBS, Site


def told(site: Site, *arguments: str, code: int = 0) -> str:
    """Run a command in the folder of *site*; return all that it wrote."""
    process = site.run(*arguments)
    assert process.wait() == code, process.log
    return process.log


def document(site: Site, *arguments: str) -> Any:
    return json.loads(told(site, *arguments, "--json"))


def test_a_worker_and_what_it_runs_are_listed(site: Site) -> None:
    worker = site.start("-g", "blue", "-c", "3", "-q", "default")
    jid = site.push("Hold", "a\x1b[2J")
    site.noted("begin a\x1b[2J")
    eventually(lambda: document(site, "ps")["processes"][0]["busy"] == 1, 20)
    (process,) = document(site, "ps")["processes"]
    assert process["identity"] == worker.identity
    assert (process["pid"], process["tag"], process["concurrency"]) == (worker.pid, "blue", 3)
    assert process["queues"] == ["default"]
    (work,) = document(site, "ps", "--jobs")["jobs"]
    assert (work["process"], work["job"]["jid"]) == (worker.identity, jid)
    shown = told(site, "ps", "-j")
    assert "1/3" in shown
    assert f"{JOBS}.Hold" in shown
    assert "\x1b" not in shown
    assert document(site, "stats")["busy"] == 1
    site.release("a\x1b[2J")


def test_without_workers_a_list_says_so(site: Site) -> None:
    assert told(site, "ps", "--jobs") == "no worker process runs\nno job runs\n"
    assert document(site, "ps", "-j") == {"processes": [], "duties": {}, "jobs": []}
    assert "no worker process runs" in told(site, "stop", "all", "-y", code=1)


def test_a_worker_is_made_quiet_and_then_stopped(site: Site) -> None:
    worker, other = site.start(), site.start()
    assert "add --yes" in told(site, "quiet", "all", code=2)
    host, pid, _ = worker.identity.rsplit(":", 2)
    assert f"told {worker.identity} to be quiet" in told(site, "quiet", f"{host}:{pid}:")
    worker.says("quiet: no more jobs are taken")
    quiet = {each["identity"]: each["quiet"] for each in document(site, "ps")["processes"]}
    eventually(lambda: _quiet(site)[worker.identity], 20)
    assert not quiet[other.identity]
    assert "may be any of" in told(site, "stop", host, code=2)
    told(site, "dump", worker.identity)
    worker.says("kiq-heartbeat")
    assert document(site, "stop", "all", "-y")["signal"] == "stop"
    assert worker.wait(20) == 0
    assert other.wait(20) == 0
    assert "no process nobody runs" in told(site, "stop", "nobody", code=1)


def _quiet(site: Site) -> dict[str, bool]:
    return {each["identity"]: each["quiet"] for each in document(site, "ps")["processes"]}


def test_a_pushed_job_runs_and_a_paused_queue_waits(site: Site) -> None:
    site.start("-q", "default")
    assert "paused default" in told(site, "pause", "default")
    jid = told(site, "push", "--unknown", f"{JOBS}.Note", "hello").strip()
    assert len(jid) == 24
    assert document(site, "queues")["queues"][0]["paused"]
    assert site.count("queue:default") == 1
    told(site, "unpause", "default")
    site.noted("hello")


def test_a_job_that_failed_is_found_and_retried(site: Site) -> None:
    site.start("-q", "default")
    jid = site.push("Fails", "x", 1)
    site.noted("attempt 1 x")
    eventually(lambda: site.count("retry") == 1, 10)
    shown = told(site, "retries", "show", jid)
    assert "ValueError: out of luck: x" in shown
    assert told(site, "retries", "retry", "--text", "out of luck", "-y") == "retried 1 job\n"
    # A retry by hand is not counted: it runs as the attempt that failed did.
    eventually(lambda: site.notes.count("attempt 1 x") == 2, 10)


@pytest.mark.parametrize("codec", ["msgpack", "json"])
def test_all_is_well_with_a_live_worker(site: Site, codec: str) -> None:
    site.write("config/kiq.yml", f"codec: {codec}\n")
    site.start()
    found = site.run("doctor", "--json")
    found.wait()
    levels = {each["check"]: each["level"] for each in json.loads(found.log)["findings"]}
    assert levels["processes"] == levels["orphans"] == levels["clock"] == "ok"
    assert not {"codecs", "worker-clocks", "unread", "ruby-server"} & set(levels)
