"""What a worker logs, and what it does not."""

from __future__ import annotations

import json
import re

import pytest

from tests.helpers.worker_process import JOBS, Site, WorkerProcess


def test_a_job_has_a_start_and_a_done_line(shared: Site, worker: WorkerProcess) -> None:
    jid = shared.push("Note", "logged")
    where = (f"jid={jid}", f"class={JOBS}.Note", "queue=default")
    start = worker.says(*where, "INFO: start")
    done = worker.says(*where, "INFO: done")
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z pid=\d+ tid=\w+ ", start)
    assert re.search(r" elapsed=\d+\.\d+ ", done)
    assert worker.lines.index(start) < worker.lines.index(done)


def test_a_job_that_fails_has_a_fail_line_and_its_traceback(
    shared: Site, worker: WorkerProcess
) -> None:
    jid = shared.push("Fails", "logged", 99)
    fail = worker.says(f"jid={jid}", f"class={JOBS}.Fails", "queue=default", "INFO: fail")
    assert re.search(r" elapsed=\d+\.\d+ ", fail)
    worker.says("ERROR: ValueError: out of luck: logged", jid)
    worker.says("tests/helpers/jobs.py", "in perform")


def test_lines_of_the_job_and_of_the_application_carry_its_jid(
    shared: Site, worker: WorkerProcess
) -> None:
    jid = shared.push("Talks", "x")
    for words in ("said by the job", "said by the application"):
        assert f"jid={jid} class={JOBS}.Talks queue=default" in worker.says(words)
    worker.says("Doing hard work for Bob 5 times!")
    assert "said in detail" not in worker.log


def test_lines_between_jobs_carry_no_jid(worker: WorkerProcess) -> None:
    assert "jid=" not in worker.says("ready; stop it")


def test_arguments_are_never_logged(shared: Site, worker: WorkerProcess) -> None:
    secret = "the-card-number-4711"
    talks = shared.push("Talks", secret)
    worker.says(f"jid={talks}", "INFO: done")
    # Wrong arguments, an unknown class and a job that is no job are logged as errors.
    short = shared.client.push({"class": f"{JOBS}.Stubborn", "args": [secret]})
    unknown = shared.client.push({"class": "no.Such", "args": [secret]})
    shared.store.lpush("queue:default", f'{{"args": "{secret}"}}')
    for jid in (short, unknown):
        worker.says("ERROR: ", str(jid))
    worker.says("ERROR: UndecodablePayload")
    assert secret not in worker.log


@pytest.mark.parametrize("job", ["Asks", "Fails"])
def test_tags_and_batch_stand_beside_the_jid(shared: Site, worker: WorkerProcess, job: str) -> None:
    jid = shared.push(job, "discard", tags=["billing"], bid="b1", retry=False)
    start = worker.says(f"jid={jid}", "INFO: start")
    assert "bid=b1" in start
    assert "billing" in start


def test_json_lines_can_all_be_parsed(site: Site) -> None:
    worker = site.start(KIQ_LOG_FORMAT="json")
    jid = site.push("Talks", "x")
    worker.says(jid, '"msg": "done"')
    failed = site.push("Fails", "json", 99)
    worker.says('"exc"')
    worker.stop()
    entries = [json.loads(line) for line in worker.lines if not line.startswith("Doing hard work")]
    done = next(e for e in entries if e["msg"] == "done")
    assert done["ctx"].keys() == {"jid", "class", "queue", "attempt", "elapsed"}
    assert float(done["ctx"]["elapsed"]) >= 0
    assert done["lvl"] == "INFO"
    assert {"ts", "pid", "tid", "lvl", "msg", "ctx"} <= done.keys()
    said = next(e for e in entries if e["msg"] == "said by the application")
    assert said["ctx"]["jid"] == jid
    error = next(e for e in entries if "exc" in e)
    assert error["ctx"] == {**error["ctx"], "jid": failed, "queue": "default", "attempt": 1}
    assert "(attempt 1 of 26, again in " in error["msg"]
    assert "in perform" in error["exc"]


def test_job_lines_can_be_left_out(site: Site) -> None:
    worker = site.start(KIQ_SKIP_DEFAULT_JOB_LOGGING="true")
    jid = site.push("Talks", "x")
    assert jid in worker.says("said by the job")
    worker.stop()
    assert "INFO: start" not in worker.log
    assert "INFO: done" not in worker.log
