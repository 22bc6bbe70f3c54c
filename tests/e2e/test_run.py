"""``kiq run``: what each flag does, and what the banner says."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import kiq
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import JOBS, KIQ, Site, WorkerProcess


def info(site: Site, worker: WorkerProcess) -> str:
    """What the process says of itself in Redis."""
    worker.says("ready")
    shown = eventually(lambda: site.store.hget(worker.identity, "info"))
    return str(shown.decode())  # type: ignore[union-attr]


def test_a_pushed_job_runs(shared: Site, worker: WorkerProcess) -> None:
    shared.push("Note", "hello")
    shared.noted("hello")


def test_the_banner_says_what_is_used_and_where_it_comes_from(worker: WorkerProcess) -> None:
    banner = worker.log.partition("ready")[0]
    assert f"kiq {kiq.__version__}, Python {sys.version.split()[0]}" in banner
    assert "environment: development (default)" in banner
    assert "config file: none" in banner
    assert "capsule default: strict order, queues default (default), 10 threads" in banner
    assert "codec: msgpack" in banner
    assert "redis: unix://" in banner
    assert "(REDIS_URL)" in banner
    assert "this process is " in banner


def test_the_version_is_printed_by_itself(site: Site) -> None:
    for flag in ("-V", "--version"):
        process = site.run(flag)
        assert process.wait() == 0
        assert process.log == f"kiq {kiq.__version__}\n"


def test_help_lists_the_flags_and_the_commands(site: Site) -> None:
    overview, run = site.run("--help"), site.run("run", "--help")
    assert (overview.wait(), run.wait()) == (0, 0)
    assert "check" in overview.log
    for flag in ("-C", "-c", "-q", "-e", "-r", "-g", "-t", "-v"):
        assert f" {flag}, --" in run.log


def test_without_arguments_it_says_that_there_is_no_job_class(site: Site) -> None:
    process = site.run(command=[str(Path(sys.executable).with_name("kiq"))])
    assert process.wait() == 78
    assert "no job class to run" in process.log
    assert "-r app.jobs" in process.log


def test_flags_set_threads_queues_environment_tag_timeout_and_level(site: Site) -> None:
    worker = site.start(
        *("-c", "3", "-q", "high", "-q", "elsewhere", "-e", "staging"),
        *("-g", "mail", "-t", "7.5", "-v"),
    )
    banner = worker.says("capsule default")
    assert "strict order, queues high elsewhere (--queue), 3 threads (--concurrency)" in banner
    worker.says("environment: staging (--environment)")
    site.push("Talks", "", queue="high")
    worker.says(" DEBUG: said in detail")
    site.push("Elsewhere", queue="elsewhere")
    site.push("Note", "from high", queue="high")
    site.noted("elsewhere", "from high")
    assert '"tag": "mail"' in info(site, worker)
    site.push("Note", "not taken", queue="default")
    worker.stop()
    worker.says("running jobs have 7.5 s")
    assert site.count("queue:default") == 1
    assert "not taken" not in site.notes


def test_one_thread_runs_one_job_at_a_time(site: Site) -> None:
    site.start("-c", "1")
    for label in ("a", "b"):
        site.release(label)
        site.push("Hold", label)
    site.noted("end b")
    assert site.notes == ["begin a", "end a", "begin b", "end b"]


def test_the_file_that_is_named_gives_queues_weights_and_modules(site: Site) -> None:
    site.write(
        "settings/work.yml",
        f"concurrency: 4\nqueues:\n  - [critical, 6]\n  - [low, 1]\nrequire: [{JOBS}]\n"
        "production: {concurrency: 2}\n",
    )
    worker = site.run("-C", "settings/work.yml", "-e", "production").wait_until_ready()
    worker.says("config file:", "settings/work.yml")
    line = worker.says("capsule default")
    assert "weighted order, queues critical,6 low,1 (settings/work.yml:2)" in line
    assert "2 threads (settings/work.yml:6 (production)" in line
    site.push("Note", "low", queue="low")
    site.push("Note", "critical", queue="critical")
    site.noted("low", "critical")


def test_a_flag_wins_over_the_file_and_the_banner_says_what_it_overrides(site: Site) -> None:
    site.write("config/kiq.yml", f"concurrency: 4\nqueues: [one, two]\nrequire: {JOBS}\n")
    worker = site.run("-c", "2", "-q", "two,3", "-q", "one").wait_until_ready()
    line = worker.says("capsule default")
    assert "weighted order, queues two,3 one,1 (--queue; " in line
    assert "overrides one two from config/kiq.yml:2" in line
    assert "2 threads (--concurrency; " in line


def test_the_default_file_is_found_in_config(site: Site) -> None:
    site.write("config/kiq.yml", f"queues: [elsewhere]\nrequire: [{JOBS}]\n")
    worker = site.run(command=[str(Path(sys.executable).with_name("kiq"))]).wait_until_ready()
    worker.says("config file: config/kiq.yml")
    site.push("Elsewhere", queue="elsewhere")
    site.noted("elsewhere")


def test_a_file_of_sidekiq_with_capsules_loads(site: Site) -> None:
    site.write(
        "config/sidekiq.yml",
        ":concurrency: 2\n:queues:\n  - default\n:capsules:\n  :single:\n"
        "    :concurrency: 1\n    :queues:\n      - serial\n",
    )
    worker = site.start()
    worker.says("capsule single", "serial", "1 threads")
    site.push("Note", "serial", queue="serial")
    site.push("Note", "default")
    site.noted("serial", "default")


def test_the_working_folder_is_importable_for_both_ways_to_start(site: Site) -> None:
    site.write(
        "jobs.py",
        "import kiq\n\n\nclass HardWorker(kiq.Job):\n"
        "    def perform(self, name: str, count: int) -> None:\n"
        '        print(f"Doing hard work for {name} {count} times!")\n',
    )
    site.client.push({"class": "jobs.HardWorker", "args": ["Bob", 5]})
    script = [str(Path(sys.executable).with_name("kiq"))]
    by_script = site.run("-r", "jobs", command=script, PYTHONPATH=None)
    by_script.says("Doing hard work for Bob 5 times!")
    by_script.stop()
    site.client.push({"class": "jobs.HardWorker", "args": ["Ann", 1]})
    by_module = site.run("run", "-r", "./jobs.py", command=KIQ, PYTHONPATH=None)
    by_module.says("Doing hard work for Ann 1 times!")


def test_code_configures_the_worker_that_imports_it(site: Site) -> None:
    site.write(
        "jobs.py",
        f'import kiq\n\nkiq.configure(redis="{site.url}", codec="json")\n\n\n'
        "class Empty(kiq.Job):\n    def perform(self) -> None:\n        print('it ran')\n",
    )
    site.client.push({"class": "jobs.Empty", "args": []})
    worker = site.run("-r", "jobs", REDIS_URL=None)
    worker.says("it ran")
    worker.says("codec: json (kiq.configure(...))")


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("redis.Redis.from_url({url!r}, client_name='app')", "redis: unix://"),
        ("kiq.config.Redis(url={url!r}, socket_timeout=4.5)", "redis: unix://"),
    ],
)
def test_code_may_give_the_worker_a_redis_client_or_settings_of_its_own(
    site: Site, given: str, shown: str
) -> None:
    site.write(
        "jobs.py",
        f"import kiq, kiq.config, redis\n\nkiq.configure(redis={given.format(url=site.url)})\n\n\n"
        "class Empty(kiq.Job):\n    def perform(self) -> None:\n        print('it ran')\n",
    )
    site.client.push({"class": "jobs.Empty", "args": []})
    worker = site.run("-r", "jobs", REDIS_URL="redis://localhost:1")
    worker.says("it ran")
    worker.says(shown)


def test_no_password_is_in_the_banner(site: Site) -> None:
    worker = site.start(REDIS_URL=f"{site.url}&password=")
    assert "password=***" in worker.says("redis: unix://")
