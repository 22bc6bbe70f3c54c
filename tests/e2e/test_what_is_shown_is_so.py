"""What ps, stats and queues show is what is so now, not what a process showed last."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from kiq.api import ProcessSet, Stats, WorkSet
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import Site, WorkerProcess


@pytest.fixture(autouse=True)
def same_machine(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The locks of the site's workers are seen from this process, too."""
    monkeypatch.setenv("KIQ_RUN_DIR", str(site._run))


def says(site: Site, *arguments: str, **environment: str | None) -> str:
    """What a command writes, as a person sees it."""
    process = site.run(*arguments, **environment)
    process.wait(30)
    return process.log


def row(site: Site, worker: WorkerProcess, **environment: str | None) -> str:
    text = says(site, "ps", **environment)
    return next((line for line in text.splitlines() if line.startswith(worker.identity)), "")


def is_quiet(site: Site, worker: WorkerProcess) -> bool:
    process = ProcessSet(site.client).get(worker.identity)
    return process is not None and process.is_quiet


def killed(worker: WorkerProcess) -> None:
    worker.signal(signal.SIGKILL)
    worker.wait()


def test_who_was_killed_is_dead_at_once_and_is_counted_nowhere(site: Site) -> None:
    worker = site.start("-c", "3")
    eventually(lambda: len(ProcessSet(site.client)) == 1)
    site.push("Hold", "a", 60.0)
    site.noted("begin a")
    assert "takes jobs" in row(site, worker)
    assert Stats(site.client).threads == 3
    killed(worker)
    assert " dead " in row(site, worker)
    assert "1 job in dead hands" in says(site, "ps")
    stats = Stats(site.client)
    assert (stats.processes_size, stats.threads, stats.workers_size) == (0, 0, 0)
    assert (len(ProcessSet(site.client)), list(WorkSet(site.client))) == (0, [])
    assert worker.identity not in ProcessSet(site.client)
    assert "busy       0 of 0 threads" in says(site, "stats")
    assert "no process takes it" in says(site, "queues")
    assert "no job runs" in says(site, "ps", "--jobs")
    told = site.run("quiet", worker.identity)
    assert told.wait() == 1
    assert "is dead" in told.log
    examined = says(site, "doctor")
    assert "died within the last minute" in " ".join(examined.split())
    assert "1 job in the hands of 1 dead owner" in " ".join(examined.split())


def test_the_log_and_ps_call_a_dead_process_by_one_name(site: Site) -> None:
    dead, other = site.start(), site.start()
    identity = dead.identity
    killed(dead)
    other.says(f"process {identity} was declared dead")
    assert row(site, dead).split()[0] == identity
    assert " dead " in row(site, dead)
    assert [each.identity for each in ProcessSet(site.client).dead()] == [identity]
    assert [each.identity for each in ProcessSet(site.client)] == [other.identity]


def test_who_is_killed_while_it_stops_is_dead_and_not_leaving(site: Site) -> None:
    worker, other = site.start("-q", "default"), site.start("-q", "elsewhere")
    site.push("Hold", "a", 60.0)
    site.noted("begin a")
    worker.signal(signal.SIGTERM)
    eventually(lambda: is_quiet(site, worker))
    killed(worker)
    other.says(f"process {worker.identity} was declared dead")
    eventually(lambda: " dead " in row(site, worker), 8)


def test_a_job_is_seen_as_soon_as_it_runs_and_no_longer(site: Site) -> None:
    site.start("-c", "2")
    eventually(lambda: len(ProcessSet(site.client)) == 1)
    jid = site.push("Hold", "a", 60.0)
    site.noted("begin a")
    text = says(site, "ps", "--jobs")
    assert jid in text
    assert "1 of 2 threads busy" in text
    work = WorkSet(site.client).find(jid)
    assert work is not None
    assert (work.queue, work.job.args) == ("default", ["a", 60.0])
    eventually(lambda: WorkSet(site.client).find(jid).thread, 10)  # type: ignore[union-attr]
    site.release("a")
    site.noted("end a")
    eventually(lambda: site.store.get("stat:processed") == b"1")
    assert WorkSet(site.client).find(jid) is None
    assert Stats(site.client).workers_size == 0
    assert "0 of 2 threads busy" in says(site, "ps")


def test_what_waits_for_a_thread_does_not_run(site: Site) -> None:
    site.start("-c", "1")
    eventually(lambda: len(ProcessSet(site.client)) == 1)
    first, second = site.push("Hold", "a", 60.0), site.push("Hold", "b", 60.0)
    site.noted("begin a")
    assert WorkSet(site.client).find(first)
    assert WorkSet(site.client).find(second) is None
    assert (len(WorkSet(site.client)), Stats(site.client).workers_size) == (1, 1)


def test_async_jobs_beyond_the_threads_are_seen(site: Site) -> None:
    site.write(
        "waits.py",
        "import asyncio, kiq\n"
        "class Waits(kiq.Job):\n"
        "    async def perform(self):\n"
        "        await asyncio.sleep(60)\n",
    )
    site.run("-r", "waits", "-c", "1").wait_until_ready()
    jids = {str(site.client.push({"class": "waits.Waits", "args": []})) for _ in range(5)}
    eventually(lambda: {work.jid for work in WorkSet(site.client)} == jids, 4)


def test_who_was_told_to_be_quiet_is_never_shown_to_take_jobs(site: Site) -> None:
    worker = site.start()
    eventually(lambda: len(ProcessSet(site.client)) == 1)
    assert site.run("quiet", "all", "-y").wait() == 0
    seen = [row(site, worker)]

    def quiet() -> bool:
        (process,) = ProcessSet(site.client)
        seen.append("takes jobs" if process.state == "running" and not process.told else "")
        return process.is_quiet

    eventually(quiet, 15, interval=0.005)
    assert not [each for each in seen[:-1] if "takes jobs" in each], (
        "but for the moment it needs to hear"
    )
    assert " quiet " in row(site, worker)


def test_a_process_that_hangs_is_not_dead_and_gives_no_sign_of_life(site: Site) -> None:
    site.write("config/kiq.yml", "concurrency: 2\nlease: 5\n")
    worker = site.start()
    eventually(lambda: len(ProcessSet(site.client)) == 1)
    worker.stop_where_it_is()
    assert " dead " not in row(site, worker)
    eventually(lambda: ProcessSet(site.client)[worker.identity].is_silent, 15)
    assert "no sign of life" in row(site, worker)
    assert Stats(site.client).threads == 0
    worker.signal(signal.SIGCONT)
    eventually(lambda: ProcessSet(site.client)[worker.identity].state == "running", 15)


def test_who_was_killed_elsewhere_is_silent_when_its_lease_is_over(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIQ_RUN_DIR", str(tmp_path / "other"))  # its lock can't be seen from here
    site.write("config/kiq.yml", "concurrency: 2\nlease: 5\n")
    worker = site.start()
    eventually(lambda: len(ProcessSet(site.client)) == 1)
    killed(worker)
    eventually(lambda: ProcessSet(site.client)[worker.identity].is_silent, 15)
    assert Stats(site.client).threads == 0
