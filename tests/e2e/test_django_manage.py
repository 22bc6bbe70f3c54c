"""``manage.py kiq ...`` is kiq with the settings of the project, whatever the shell says."""

from __future__ import annotations

import json
import sys

import pytest

from tests.e2e.test_commands_look_where_workers_work import by_django, waiting
from tests.helpers.worker_process import Site, WorkerProcess

pytestmark = pytest.mark.needs("django")

MANAGE = """
import os, sys
from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_settings")
execute_from_command_line(sys.argv)
"""


def manage(site: Site, *arguments: str, **environment: str | None) -> WorkerProcess:
    """Start ``manage.py kiq ...``; nothing but the project's settings says where Redis is."""
    by_django(site)
    site.write("manage.py", MANAGE)
    command = [sys.executable, "manage.py", "kiq"]
    return site.run(*arguments, command=command, **{"REDIS_URL": None, **environment})


def ended(process: WorkerProcess, code: int = 0) -> WorkerProcess:
    assert process.wait(30) == code, process.log
    return process


def test_commands_look_at_the_projects_redis(site: Site) -> None:
    waiting(site)
    process = ended(manage(site, "stats", "--json"))
    assert json.loads(process.lines[-1])["enqueued"] == 3
    assert "localhost" not in process.log


def test_without_a_command_a_worker_of_the_project_starts(site: Site) -> None:
    waiting(site)
    worker = manage(site, "-c", "2")
    worker.says("it ran", timeout=20)
    assert worker.stop() == 0


def test_so_does_a_worker_where_a_variable_names_the_project(site: Site) -> None:
    environment = by_django(site)
    waiting(site)
    worker = site.run(**{"REDIS_URL": None, **environment})
    worker.says("it ran", timeout=20)
    assert worker.stop() == 0


def test_options_of_every_management_command_are_djangos(site: Site) -> None:
    process = manage(site, "push", "where.work", "--settings=site_settings", "--pythonpath", ".")
    ended(process)
    assert site.count("queue:default") == 1


def test_the_exit_code_is_the_commands(site: Site) -> None:
    assert "no such" in ended(manage(site, "no-such-command"), 2).log.lower()


CALLS = """
import django
from django.core.management import CommandError, call_command

django.setup()
call_command("kiq", "stats", "--json")
try:
    call_command("kiq", "stats", "--no-such-flag")
except CommandError as error:
    print(error.returncode, error)
"""


def test_code_may_call_it(site: Site) -> None:
    environment = by_django(site)
    waiting(site)
    site.write("calls.py", CALLS)
    process = site.run(command=[sys.executable, "calls.py"], **{"REDIS_URL": None, **environment})
    ended(process)
    assert '"enqueued": 3' in process.log
    assert process.lines[-1] == "2 kiq stats --no-such-flag ended with 2"


MAIL = """
EMAIL_BACKEND = "kiq.contrib.django.mail.EmailBackend"
KIQ["email_backend"] = "django.core.mail.backends.console.EmailBackend"
"""
SENDS = """
import django

django.setup()
from django.core.mail import send_mail

send_mail("Hello", "It came by a job", "a@x.org", ["b@x.org"])
"""


def test_mail_is_sent_by_the_worker(site: Site) -> None:
    environment = by_django(site)
    settings = site.folder / "site_settings.py"
    settings.write_text(settings.read_text() + MAIL)
    site.write("sends.py", SENDS)
    process = site.run(command=[sys.executable, "sends.py"], **{"REDIS_URL": None, **environment})
    ended(process)
    assert "It came by a job" not in process.log
    assert site.count("queue:default") == 1
    worker = site.run(**{"REDIS_URL": None, **environment})
    worker.says("It came by a job", timeout=20)
    assert worker.stop() == 0
    assert site.count("retry") == 0
