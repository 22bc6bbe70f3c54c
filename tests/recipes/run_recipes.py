"""Each supervisor with its recipe: it starts kiq, brings it back after kill -9, stops it in order."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable

import pytest

from tests.helpers.waiting import eventually
from tests.helpers.worker_process import WorkerProcess
from tests.recipes.ground import DEPLOY, Ground, children, tool


def test_supervisord(ground: Ground) -> None:
    supervisord, control = tool("supervisord"), tool("supervisorctl")
    head = """
[unix_http_server]
file=supervisor.sock
[supervisord]
nodaemon=true
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://supervisor.sock
"""
    ground.write("supervisord.conf", head + ground.recipe("supervisor/kiq.conf"))

    def ctl(*words: str) -> str:
        command = [control, "-c", "supervisord.conf", *words]
        done = subprocess.run(
            command, cwd=ground.folder, capture_output=True, text=True, timeout=60, check=False
        )
        print(f"$ supervisorctl {' '.join(words)}\n{done.stdout}{done.stderr}", end="")
        return done.stdout

    ground.run("-c", "supervisord.conf", command=[supervisord], **ground.variables)
    ground.comes_back()
    eventually(lambda: "RUNNING" in ctl("status", "kiq"), 30, interval=1)
    ctl("signal", "USR2", "kiq")
    eventually(lambda: len(ground.parents) == 3, 30)
    assert ground.parents[2] == ground.parents[1]
    assert ground.works(3)
    ground.stops_in_order(lambda: ctl("stop", "kiq"))
    eventually(lambda: "STOPPED" in ctl("status", "kiq"), 10, interval=1)


def monit(ground: Ground, recipe: str) -> Callable[[], object]:
    """Start Monit with *recipe*; return what lets it stop kiq."""
    program = tool("monit")
    head = f"""
set daemon 1
set pidfile {ground.folder}/monit.pid
set idfile {ground.folder}/monit.id
set statefile {ground.folder}/monit.state
set httpd unixsocket {ground.folder}/monit.sock allow root:root
"""
    rules = ground.write("monitrc", head + recipe)
    rules.chmod(0o600)
    ground.run("-I", "-c", str(rules), command=[program])
    command = [program, "-c", str(rules), "stop", "kiq"]
    return lambda: subprocess.run(command, check=True, timeout=10)


def god(ground: Ground, recipe: str) -> Callable[[], object]:
    """Start God with *recipe*; return what lets it stop kiq."""
    program, port = tool("god"), str(ground.port + 1)
    head = f'God.pid_file_directory = "{ground.folder}"\nGod.port = {port}\n'
    rules = ground.write("kiq.god", head + recipe)
    ground.run("-c", str(rules), "-D", command=[program], **ground.variables)
    command = [program, "-p", port, "stop", "kiq"]
    return lambda: subprocess.run(command, check=True, timeout=60)


def test_monit(ground: Ground) -> None:
    stop = monit(ground, ground.recipe("monit/kiq"))
    ground.comes_back()
    ground.stops_in_order(stop)


def test_god(ground: Ground) -> None:
    stop = god(ground, ground.recipe("god/kiq.god"))
    ground.comes_back()
    ground.stops_in_order(stop)


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("supervise", "name", "hurry"),
    [
        (
            monit,
            "monit/kiq",
            {"seq 40": "seq 3", "with timeout 5 seconds": "with timeout 1 seconds"},
        ),
        (
            god,
            "god/kiq.god",
            {"stop_timeout = 40": "stop_timeout = 3", "interval = 10": "interval = 1"},
        ),
    ],
)
def test_a_parent_that_does_not_answer_is_killed_and_comes_back(
    ground: Ground,
    supervise: Callable[[Ground, str], object],
    name: str,
    hurry: dict[str, str],
) -> None:
    recipe = ground.recipe(name)
    for word, shorter in hurry.items():
        assert word in recipe
        recipe = recipe.replace(word, shorter)
    supervise(ground, recipe)
    os.kill(ground.works(1), signal.SIGSTOP)
    eventually(lambda: len(ground.parents) == 2, 120)
    ground.works(2)


def test_honcho(ground: Ground) -> None:
    honcho = tool("honcho")
    ground.write("app/Procfile", ground.recipe("Procfile"))
    ground.write("app/.env", (ground.folder / "etc/kiq.env").read_text())
    path = f"{ground.folder}/app/.venv/bin:{os.environ['PATH']}"
    shell = ["/bin/sh", "-c", f"cd app; exec {honcho} start >>../log/kiq.log 2>&1"]

    def start() -> WorkerProcess:
        return ground.run(command=shell, PATH=path)

    runner = start()
    ground.works(1)
    os.kill(children(ground.parents[0])[0], signal.SIGKILL)
    ground.works_still("a child was killed")
    ground.stops_in_order(lambda: runner.signal(signal.SIGTERM))
    assert runner.wait() == 143
    runner = start()
    os.kill(ground.works(2), signal.SIGKILL)
    assert runner.wait() not in (0, 143)  # it brings nobody back


def test_the_image(ground: Ground) -> None:
    unshare = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]
    if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no namespaces here")
    lines = (DEPLOY / "docker/Dockerfile").read_text().splitlines()
    (command,) = [json.loads(line[4:]) for line in lines if line.startswith("CMD ")]
    bin_ = ground.folder / "app/.venv/bin"
    enter = ["/bin/sh", "-c", 'cd app; exec "$@" >../log/kiq.log 2>&1', "sh"]
    container = ground.run(
        *command[1:], command=[*enter, *unshare, f"{bin_}/{command[0]}"], **ground.variables
    )
    assert ground.works(1) == 1
    (first,) = children(container.pid)
    health = subprocess.run(
        [f"{bin_}/kiq", "health"], env=ground.variables, capture_output=True, text=True, check=True
    )
    print(f"$ kiq health\n{health.stdout}", end="")
    os.kill(children(first)[0], signal.SIGKILL)
    ground.works_still("a child was killed")
    ground.stops_in_order(lambda: os.kill(first, signal.SIGTERM))
    assert container.wait() == 0
