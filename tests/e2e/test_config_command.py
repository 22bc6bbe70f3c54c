"""``kiq config``: what holds, and where it came from."""

from __future__ import annotations

import json

from tests.helpers.worker_process import Site

FILE = """\
concurrency: 5
queues: [[mailers, 3], [default, 1]]
redis: {socket_timeout: 2, password: opensesame}
production: {concurrency: 25}
capsules: {single: {concurrency: 1, queues: [serial]}}
"""


def test_each_setting_is_shown_with_its_place_and_what_that_overrides(site: Site) -> None:
    site.write("config/kiq.yml", FILE)
    process = site.run("config", "-e", "production", KIQ_LOG_LEVEL="debug")
    assert process.wait() == 0
    shown = {line.partition(" ")[0].rstrip(":"): line for line in process.lines}
    assert "25 " in shown["concurrency"]
    assert shown["concurrency"].endswith(
        "# config/kiq.yml:4 (production); overrides 5 from config/kiq.yml:1"
    )
    assert shown["log_level"].split() == ["log_level:", "debug", "#", "KIQ_LOG_LEVEL"]
    assert shown["queues"].startswith("queues: mailers,3 default,1 ")
    assert shown["capsules.single.queues"].startswith("capsules.single.queues: serial ")
    assert shown["redis.url"].endswith("# REDIS_URL")
    assert "max_retries" not in shown, "it is as it comes"
    assert "opensesame" not in process.log


def test_all_of_it_is_what_the_documentation_lists(site: Site) -> None:
    process = site.run("config", "--all", "--json")
    assert process.wait() == 0
    held = json.loads(process.lines[-1])
    assert held["max_retries"] == {"value": "25", "origin": "default"}
    assert held["allow_ruby_server"]["value"] == "false"
    assert held["processes"]["origin"] == "default"
    assert {"redis.namespace", "time_limit_grace", "concurrency", "environment"} <= held.keys()


def test_what_code_and_plugins_say_is_there(site: Site) -> None:
    site.write("app.py", "import kiq\nkiq.configure(max_payload=2_000)\nprint('imported')\n")
    process = site.run("config", "-r", "app", "--json")
    assert process.wait() == 0
    held = json.loads(process.lines[-1])
    assert held["max_payload"] == {"value": "2000", "origin": "kiq.configure(...)"}


def test_a_configuration_with_a_mistake_is_refused_with_its_line(site: Site) -> None:
    site.write("config/kiq.yml", "concurrency: many\n")
    process = site.run("config")
    assert process.wait() == 78
    assert "config/kiq.yml:1: " in process.log
