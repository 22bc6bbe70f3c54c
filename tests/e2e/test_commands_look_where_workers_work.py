"""Commands look where the worker works, however the application says where that is."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.helpers.commands import Terminal
from tests.helpers.worker_process import JOBS, Site, WorkerProcess

JOB = "\n\n@kiq.job(name='where.work')\ndef work() -> None:\n    print('it ran', flush=True)\n"
SETTINGS = """
SECRET_KEY = "x"
USE_TZ = True
INSTALLED_APPS = ["kiq.contrib.django", "shop"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
"""


def in_code(site: Site) -> dict[str, str]:
    site.write("jobs.py", f"import kiq\n\nprint('noise')\nkiq.configure(redis={site.url!r})\n{JOB}")
    site.write("config/kiq.yml", "require: [jobs]\n")
    return {}


def by_a_client(site: Site) -> dict[str, str]:
    code = f"import kiq, redis\n\nkiq.configure(redis=redis.Redis.from_url({site.url!r}))\n{JOB}"
    site.write("jobs.py", code)
    site.write("config/kiq.yml", "require: [jobs]\nredis: redis://127.0.0.1:1\n")
    return {}


def by_a_file_that_code_names(site: Site) -> dict[str, str]:
    site.write("shop.yml", f"redis: {site.url!r}\n")
    site.write("jobs.py", f"import kiq\n\nkiq.configure('shop.yml')\n{JOB}")
    site.write("config/kiq.yml", "require: [jobs]\n")
    return {}


def by_django(site: Site) -> dict[str, str]:
    site.write("site_settings.py", f"{SETTINGS}\nKIQ = {{'redis': {site.url!r}}}\n")
    site.write("shop/__init__.py", "")
    site.write("shop/jobs.py", f"import kiq\n{JOB}")
    return {"DJANGO_SETTINGS_MODULE": "site_settings"}


def by_django_in_code(site: Site) -> dict[str, str]:
    by_django(site)
    site.write("site_settings.py", SETTINGS)
    site.write("shop/jobs.py", f"import kiq\n\nkiq.configure(redis={site.url!r})\n{JOB}")
    return {"DJANGO_SETTINGS_MODULE": "site_settings"}


DJANGO = pytest.mark.needs("django")
WAYS = [
    in_code,
    by_a_client,
    by_a_file_that_code_names,
    pytest.param(by_django, marks=DJANGO),
    pytest.param(by_django_in_code, marks=DJANGO),
]
#: What keeps other tests' code out of the way, and says no Redis.
NOWHERE: dict[str, str | None] = {"REDIS_URL": None}


def waiting(site: Site) -> None:
    """Let three jobs wait, where the application works."""
    for _ in range(3):
        site.client.push({"class": "where.work", "args": []})


def ended(process: WorkerProcess, code: int = 0) -> WorkerProcess:
    assert process.wait(30) == code, process.log
    return process


@pytest.mark.parametrize("way", WAYS)
def test_stats_sees_what_the_worker_does(site: Site, way: Callable[[Site], dict[str, str]]) -> None:
    environment = way(site)
    waiting(site)
    process = ended(site.run("stats", "--json", **NOWHERE, **environment))
    assert json.loads(process.lines[-1])["enqueued"] == 3
    modules = ["-r", "kiq.contrib.django.worker"] if environment else []
    worker = site.run(*modules, **NOWHERE, **environment)
    worker.says("it ran", timeout=20)
    assert worker.stop() == 0


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("stats", "enqueued   3"),
        ("queues", "default"),
        ("queues default", "where.work"),
        ("doctor", "unix://"),
        ("clear-queue default -y", "deleted 3 jobs"),
        ("pause default", ""),
        ("push where.work", ""),
        ("push where.other", "no imported module has a job class where.other"),
        ("check", "(kiq.configure(...)"),
    ],
)
@pytest.mark.parametrize("way", [in_code, pytest.param(by_django, marks=DJANGO)])
def test_every_command_does(
    site: Site, way: Callable[[Site], dict[str, str]], command: str, words: str
) -> None:
    environment = way(site)
    waiting(site)
    process = site.run(*command.split(), **NOWHERE, **environment)
    code = process.wait(30)
    assert code == (2 if "other" in command else 4 if command == "doctor" else 0), process.log
    assert words in process.log
    assert "localhost" not in process.log
    left = {"push where.work": 4, "clear-queue default -y": 0}
    assert site.count("queue:default") == left.get(command, 3)
    assert site.store.scard("paused") == (command == "pause default")


def test_modules_may_be_named_to_any_command(site: Site) -> None:
    in_code(site)
    waiting(site)
    (site.folder / "config/kiq.yml").unlink()
    assert "enqueued   3" in ended(site.run("stats", "-r", "jobs", **NOWHERE)).log
    assert (
        "deleted 3 jobs" in ended(site.run("clear-queue", "default", "-yr", "jobs", **NOWHERE)).log
    )


def test_where_nobody_says_a_place_it_is_said_where_the_command_looks(site: Site) -> None:
    process = site.run("stats", **NOWHERE)
    process.wait()
    assert "redis://localhost:6379/0" in process.log
    process = ended(site.run("stats"))
    assert "looking at" not in process.log
    file = site.write("plain.yml", "tag: x\n")
    with Terminal(["stats", "-C", str(file)], REDIS_URL=site.url) as screen:
        assert f"looking at {site.url} (REDIS_URL)" in screen.says("processed")


def test_a_variable_spares_the_application(site: Site) -> None:
    site.write("jobs.py", "raise RuntimeError('not here')\n")
    site.write("config/kiq.yml", "require: [jobs]\n")
    waiting(site)
    process = ended(site.run("stats", KIQ_REDIS_URL=site.url, **NOWHERE))
    assert "enqueued   3" in process.log
    assert "not here" not in process.log


def test_an_application_that_can_not_be_imported_is_told_and_nothing_is_changed_by_a_guess(
    site: Site,
) -> None:
    site.write("jobs.py", "raise RuntimeError('not here')\n")
    site.write("config/kiq.yml", "require: [jobs]\n")
    waiting(site)
    process = ended(site.run("stats"))
    assert "importing 'jobs' failed: RuntimeError: not here" in process.log
    assert f"looking at {site.url} (REDIS_URL); its code may say otherwise" in process.log
    assert "enqueued   3" in process.log
    for command in ("stats -r jobs", "clear-queue default -y", "push where.work", "stop all -y"):
        process = ended(site.run(*command.split()), 70)
        assert "KIQ_REDIS_URL says so without it" in process.log
    assert site.count("queue:default") == 3


@pytest.mark.parametrize("command", ["run -r", "check -r", "stats -r"])
def test_a_mistake_in_code_is_one_line_that_names_its_place(site: Site, command: str) -> None:
    site.write("wrong.py", "import kiq\n\nkiq.configure(redis='redis://h?foo=1')\n")
    process = ended(site.run(*command.split(), "wrong", **NOWHERE), 78)
    (line, *rest) = process.lines
    assert f"{site.folder}/wrong.py:3: kiq.configure(...): redis.url has the unknown" in line
    assert rest in ([], ["1 problem"])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("{'redis': 'redis://h?foo=1'}", "redis.url has the unknown parameter foo"),
        ("{'redis': __import__('redis').asyncio.Redis()}", "HardWorker.aio"),
        ("{'codec': 'yaml'}", "codec must be one of msgpack, json"),
        ("{'rediss': 'x'}", "unknown key 'rediss'"),
        ("['redis']", "is a dict"),
    ],
)
@pytest.mark.parametrize(
    "command", ["run -r kiq.contrib.django.worker", "check", "stats", "clear-queue default -y"]
)
@DJANGO
def test_a_mistake_in_djangos_settings_is_one_line(
    site: Site, given: str, words: str, command: str
) -> None:
    environment = by_django(site)
    site.write("site_settings.py", f"{SETTINGS}\nKIQ = {given}\n")
    process = ended(site.run(*command.split(), **NOWHERE, **environment), 78)
    line = process.lines[0].removeprefix("kiq: ")
    assert line.startswith("KIQ, in the settings of Django: ")
    assert words in line
    assert "Traceback" not in process.log


def test_a_worker_of_other_modules_is_no_matter_of_django(site: Site) -> None:
    by_django(site)
    worker = site.run("-r", JOBS, DJANGO_SETTINGS_MODULE="nowhere.at_all").wait_until_ready()
    assert worker.stop() == 0
    process = ended(site.run("stats", "-r", JOBS, DJANGO_SETTINGS_MODULE="nowhere.at_all"))
    assert "enqueued   0" in process.log
