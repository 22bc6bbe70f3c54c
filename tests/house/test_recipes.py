"""The recipes of deploy/ say what kiq understands, give it time to stop, and are all told of in the docs.

Those that can run here do in `make recipes`.
"""

from __future__ import annotations

import configparser
import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from kiq.cli.run import run
from kiq.config import Config
from tests.house.source import ROOT, project

DEPLOY = ROOT / "deploy"
STARTER = ROOT / "kiq" / "commands" / "starter"
RECIPES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
PAGE = (ROOT / "docs" / "recipes.md").read_text("utf-8")
#: What a stop takes at most beyond shutdown_timeout, and a little.
BEYOND = 10
UNTOLD = re.compile(r"^\s*[#;].*$", re.MULTILINE)
#: Where each says how long it waits before it kills.
GRACE = {
    "systemd/kiq@.service": r"^TimeoutStopSec=(\d+)$",
    "supervisor/kiq.conf": r"^stopwaitsecs=(\d+)$",
    "monit/kiq": r"seq (\d+)",
    "god/kiq.god": r"w\.stop_timeout = (\d+)$",
    "docker/compose.yaml": r"stop_grace_period: (\d+)s$",
    "kubernetes/worker.yaml": r"terminationGracePeriodSeconds: (\d+)$",
}


def told(name: str) -> str:
    """Return what the recipe *name* says, without its comments."""
    return UNTOLD.sub("", (DEPLOY / name).read_text("utf-8"))


def commands() -> dict[str, list[str]]:
    """The command of each recipe that starts kiq."""
    found = {}
    for path in RECIPES:
        name = path.relative_to(DEPLOY).as_posix()
        if name == "docker/Dockerfile":
            found[name] = json.loads(re.findall(r"^CMD (.+)$", told(name), re.MULTILINE)[0])
        elif name == "kubernetes/worker.yaml":
            found[name] = container()["command"]
        else:
            for line in re.findall(r"\bkiq (-C [^>\"\n]+)", told(name)):
                found[name] = ["kiq", *shlex.split(line)]
    return found


def container() -> dict[str, Any]:
    pod = yaml.safe_load(told("kubernetes/worker.yaml"))["spec"]["template"]["spec"]
    return dict(pod["containers"][0])


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_each_recipe_is_told_of(path: Path) -> None:
    assert f"(../{path.relative_to(ROOT).as_posix()})" in PAGE


def test_what_is_told_of_is_there_and_in_the_archive_of_the_sources() -> None:
    assert all((DEPLOY / name).is_file() for name in re.findall(r"\(\.\./deploy/([^)]+)\)", PAGE))
    assert "deploy" in project()["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]


def test_each_starts_kiq_under_a_parent_by_a_command_that_it_understands() -> None:
    assert len(commands()) == 7
    for name, (program, *arguments) in commands().items():
        given = run.make_context(program, list(arguments)).params
        assert (program, given["path"]) == ("kiq", "config/kiq.yml"), name
        assert given["processes"] in ("1", "auto"), name


@pytest.mark.parametrize("name", GRACE)
def test_each_gives_running_jobs_their_time(name: str) -> None:
    (seconds,) = re.findall(GRACE[name], told(name), re.MULTILINE)
    assert int(seconds) >= Config().shutdown_timeout + BEYOND


def test_the_variables_that_they_set_are_kiqs() -> None:
    pages = "".join(
        (ROOT / "docs" / f"{each}.md").read_text() for each in ("configuration", "operations")
    )
    named = {each for path in RECIPES for each in re.findall(r"KIQ_\w+", path.read_text("utf-8"))}
    assert not [each for each in named if f"`{each}`" not in pages]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_understands_its_unit(tmp_path: Path) -> None:
    unit = tmp_path / "kiq@shop.service"
    program = "/srv/%i/.venv/bin/kiq"
    text = (DEPLOY / "systemd/kiq@.service").read_text("utf-8")
    assert f"ExecStart={program} " in text
    unit.write_text(text.replace(program, shutil.which("true") or ""))
    command = ["systemd-analyze", "--man=no", "verify", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert "kiq@" not in done.stderr  # what it only warns of: a key that it does not know, say


def test_supervisord_tells_the_parent_alone_and_starts_it_after_any_end() -> None:
    rules = configparser.RawConfigParser(inline_comment_prefixes=(" ;",))
    rules.read_string((DEPLOY / "supervisor/kiq.conf").read_text("utf-8"))
    program = rules["program:kiq"]
    assert (program["autorestart"], program["stopsignal"]) == ("true", "TERM")
    assert program["stopasgroup"] == "false"


def test_no_shell_stands_before_kiq_in_the_image_and_it_is_not_roots() -> None:
    lines = told("docker/Dockerfile").splitlines()
    (check,) = [line for line in lines if line.startswith("HEALTHCHECK ")]
    assert json.loads(check.partition(" CMD ")[2]) == ["kiq", "health"]
    (user,) = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert int(user) > 0
    assert container()["securityContext"]["allowPrivilegeEscalation"] is False


def test_the_procfile_lets_kiq_take_the_shells_place() -> None:
    assert told("Procfile").startswith("worker: exec kiq ")


def test_probes_ask_where_the_worker_answers() -> None:
    worker = container()
    (port,) = worker["ports"]
    variables = {each["name"]: each["value"] for each in worker["env"]}
    assert variables["KIQ_HEALTH"] == f":{port['containerPort']}"
    asked = {
        name: worker[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")
    }
    assert {each["port"] for each in asked.values()} == {port["name"]}
    assert [each["path"] for each in asked.values()] == ["/live", "/live", "/ready"]


def test_scaling_goes_by_waiting_and_never_to_zero() -> None:
    scaled = yaml.safe_load(told("kubernetes/scaling.yaml"))["spec"]
    deployment = yaml.safe_load(told("kubernetes/worker.yaml"))
    assert scaled["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    assert scaled["minReplicaCount"] >= 1
    (trigger,) = scaled["triggers"]
    metrics = (ROOT / "docs" / "metrics.md").read_text("utf-8")
    named = set(re.findall(r"kiq_\w+", trigger["metadata"]["query"]))
    assert "kiq_queue_latency_seconds" in named
    assert not [each for each in named if f"`{each}{{queue}}`" not in metrics]


def directives(text: str) -> dict[str, str]:
    """What a unit of systemd sets, but for what is each application's own."""
    own = {"Description", "WorkingDirectory", "User", "Environment", "EnvironmentFile"}
    pairs = [line.partition("=") for line in UNTOLD.sub("", text).splitlines()]
    return {name: value for name, _, value in pairs if value and name not in own}


def test_kiq_init_writes_what_the_recipes_say() -> None:
    assert (STARTER / "Procfile").read_text("utf-8") == (DEPLOY / "Procfile").read_text("utf-8")
    recipe = set((DEPLOY / "docker/Dockerfile").read_text("utf-8").splitlines())
    starter = set((STARTER / "Dockerfile").read_text("utf-8").splitlines())
    of_use = ("FROM ", "RUN useradd", "USER ", "ENV APP_ENV", "EXPOSE ", "HEALTHCHECK ", "CMD ")
    assert [each for each in recipe if each.startswith(of_use) and each not in starter] == []
    unit = (STARTER / "kiq.service").read_text("utf-8")
    unit = unit.replace("@KIQ@", "/srv/%i/.venv/bin/kiq").replace("processes 1", "processes auto")
    full = directives((DEPLOY / "systemd/kiq@.service").read_text("utf-8"))
    assert directives(unit).items() <= full.items()
    assert {"Type", "Restart", "KillMode", "TimeoutStopSec", "OOMPolicy"} <= directives(unit).keys()
