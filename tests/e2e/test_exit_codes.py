"""How a worker ends when it can't start, and what it says."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Callable

import pytest

from tests.helpers.server import TestServer
from tests.helpers.worker_process import JOBS, Site


def test_a_wrong_flag_is_a_wrong_use(site: Site) -> None:
    process = site.run("--concurency", "3")
    assert process.wait() == 2
    assert "--concurrency" in process.log


def test_every_problem_of_a_file_is_told_with_its_line(site: Site) -> None:
    site.write(
        "config/kiq.yml",
        "concurency: 4\nqueues: [default]\ntimeout: soon\nevironment: x\n",
    )
    process = site.run("-r", JOBS)
    assert process.wait() == 78
    assert "3 problems" in process.log
    for line, word in ((1, "concurrency"), (3, "soon"), (4, "environment")):
        assert any(f"config/kiq.yml:{line}" in text and word in text for text in process.lines), (
            word
        )
    assert "Traceback" not in process.log


def test_a_file_that_is_not_there_is_a_wrong_setting(site: Site) -> None:
    process = site.run("-C", "config/missing.yml")
    assert process.wait() == 78
    assert "config/missing.yml" in process.log


def test_a_module_that_is_missing_is_named_with_the_folder(site: Site) -> None:
    process = site.run("-r", "no_such_jobs")
    assert process.wait() == 70
    assert "can't import 'no_such_jobs'" in process.log
    assert str(site.folder) in process.log
    assert "Traceback" not in process.log


def test_a_module_that_raises_is_shown_with_where_it_raised(site: Site) -> None:
    site.write("broken.py", "import json\n\nsettings = json.loads('{')\n")
    process = site.run("-r", "broken")
    assert process.wait() == 70
    assert "importing 'broken' failed: JSONDecodeError" in process.log
    assert f'{site.folder}/broken.py", line 3' in process.log
    assert "<frozen importlib" not in process.log


def test_a_push_while_a_module_is_imported_is_refused(site: Site) -> None:
    site.write(
        "eager.py",
        "import kiq\n\n\nclass Eager(kiq.Job):\n    def perform(self) -> None: ...\n\n\n"
        "Eager.perform_async()\n",
    )
    process = site.run("-r", "eager")
    assert process.wait() == 70
    assert '__name__ == "__main__"' in process.log
    assert 'eager.py", line 8' in process.log
    assert site.count("queue:default") == 0


def test_a_startup_handler_that_raises_ends_the_process(site: Site) -> None:
    site.write(
        "startup.py",
        "import kiq\n\n\n@kiq.job\ndef work() -> None: ...\n\n\n"
        '@kiq.host.on("startup")\ndef connect() -> None:\n    raise OSError("no disk")\n',
    )
    process = site.run("-r", "startup")
    assert process.wait() == 70
    assert "a startup handler failed: OSError: no disk" in process.log
    assert 'startup.py", line 10, in connect' in process.log
    assert site.store.scard("processes") == 0


def test_a_wrong_password_ends_it_and_is_not_shown(
    site: Site, private_server: Callable[..., TestServer]
) -> None:
    guarded = private_server()
    with guarded.client() as client:
        client.config_set("requirepass", "opensesame")
        try:
            url = guarded.tcp_url.replace("redis://", "redis://:wrongword@")
            process = site.run("-r", JOBS, REDIS_URL=url)
            assert process.wait() == 77
        finally:
            client.config_set("requirepass", "")
    assert "Redis refused the user" in process.log
    assert ":***@127.0.0.1" in process.log
    assert "wrongword" not in process.log


@pytest.mark.parametrize(
    ("setting", "starts"),
    [("", False), ("codec: json\n", True), ("allow_ruby_server: true\n", True)],
)
def test_beside_a_ruby_server_only_json_is_safe(site: Site, setting: str, starts: bool) -> None:
    ruby = {"hostname": "web", "pid": 1, "queues": ["default"], "version": "8.1.7"}
    site.store.sadd("processes", "web:1:abc")
    site.store.hset("web:1:abc", "info", json.dumps(ruby))
    site.write("config/kiq.yml", setting)
    process = site.run("-r", JOBS)
    if starts:
        process.wait_until_ready()
    else:
        assert process.wait() == 78
        assert "a Ruby Sidekiq server works on this database (web:1:abc)" in process.log
        assert "codec: json" in process.log


def test_an_embedded_server_that_can_not_be_started_ends_it(site: Site) -> None:
    process = site.run(
        "-r", JOBS, REDIS_URL=f"embedded:{site.folder}/data", KIQ_REDIS_SERVER="/no/such/server"
    )
    assert process.wait() == 69
    assert "/no/such/server" in process.log


def test_when_nobody_answers_it_waits_says_so_and_ends_by_term(site: Site) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = site.run("-r", JOBS, REDIS_URL=f"redis://127.0.0.1:{port}/0")
    process.says("Redis can't be reached", "trying again until it answers")
    assert process.running
    process.signal(signal.SIGTERM)
    assert process.wait(5) == 0
    process.says("stopped before Redis was reached")


def test_when_nobody_answers_at_the_default_address_embedded_is_named(site: Site) -> None:
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", 6379)) == 0:
            pytest.skip("something answers at the default address")
    process = site.run("-r", JOBS, REDIS_URL=None)
    process.says("redis://localhost:6379/0", "REDIS_URL=embedded")
    process.signal(signal.SIGINT)
    assert process.wait(5) == 0


def test_redis_that_comes_up_later_is_found(
    site: Site, private_server: Callable[..., TestServer]
) -> None:
    late = private_server()
    late.kill()
    process = site.run("-r", JOBS, REDIS_URL=late.url)
    process.says("trying again until it answers")
    late.restart()
    assert process.wait_until_ready(5).stop() == 0
