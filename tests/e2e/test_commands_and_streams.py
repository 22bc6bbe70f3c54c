"""Commands whose streams are full, closed, or read by nobody: no traceback, and what they do is done."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.helpers.living import show_process
from tests.helpers.worker_process import ROOT, Site

LOOKS = [
    *(
        ["stats"],
        ["queues"],
        ["queues", "default"],
        ["ps"],
        ["ps", "--jobs"],
        ["retries"],
        ["dead"],
    ),
    *(["scheduled"], ["dead", "show", "j1"], ["doctor"], ["check"]),
]
JSON = [[*each, "--json"] for each in LOOKS if each[0] != "check"]
HELP = [["--help"], ["--version"], ["run", "--help"], ["retries", "--help"], ["dead", "list", "-h"]]
FEW = [["stats"], ["ps", "--jobs"], ["doctor"], ["dead", "show", "j1", "--json"], *HELP[:1]]
ACTS = [
    *(["retries", "retry", "--all", "-y"], ["dead", "delete", "j1"], ["pause", "default"]),
    *(["clear-queue", "default", "-y"], ["push", "X", "1"], ["mark", "v1"]),
]


@pytest.fixture
def filled(site: Site) -> Site:
    job = json.dumps({"class": "X", "args": [], "jid": "j1", "queue": "default"})
    for key in ("retry", "dead", "schedule"):
        site.store.zadd(key, {job: 4_000_000_000})
    show_process(site.store, "web:1:abc", {"queues": ["default"], "concurrency": 3})
    site.store.sadd("queues", "default")
    site.store.lpush("queue:default", job)
    return site


def run(site: Site, arguments: list[str], redirection: str) -> tuple[int, str, str]:
    """Run ``kiq *arguments`` under a shell with *redirection*; return exit code and both streams."""
    environment = {**os.environ, "REDIS_URL": site.url, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        ["bash", "-c", f'"$@" {redirection}', "bash", sys.executable, "-m", "kiq", *arguments],
        cwd=site.folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ended.returncode, ended.stdout, ended.stderr


@pytest.mark.parametrize("arguments", [*LOOKS, *JSON, *HELP, *ACTS], ids=" ".join)
def test_a_full_disk_is_said_in_one_line(filled: Site, arguments: list[str]) -> None:
    code, _, err = run(filled, arguments, ">/dev/full")
    assert code == 74
    assert err.splitlines()[-1] == "kiq: the output can't be written: No space left on device"
    assert "Traceback" not in err
    assert "Exception ignored" not in err


def test_what_a_command_was_to_do_is_done_though_nobody_hears_of_it(filled: Site) -> None:
    assert run(filled, ["retries", "retry", "--all", "-y"], ">/dev/full")[0] == 74
    assert filled.count("retry") == 0
    assert filled.count("queue:default") == 2


@pytest.mark.parametrize("arguments", [*FEW, *ACTS[:2], ACTS[-2]], ids=" ".join)
@pytest.mark.parametrize("redirection", ["2>/dev/full", ">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_other_streams_may_be_full_or_missing(
    filled: Site, arguments: list[str], redirection: str
) -> None:
    code, out, err = run(filled, arguments, redirection)
    assert code == (run(filled, arguments, "")[0] if arguments[0] == "doctor" else 0)
    assert "Traceback" not in out + err
    assert "Exception ignored" not in err


@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-"])
def test_an_error_that_can_not_be_written_keeps_its_exit_code(
    filled: Site, redirection: str
) -> None:
    assert run(filled, ["clear-queue", "defult", "-y"], redirection)[0] == 1
    filled.url = "redis://127.0.0.1:1/0"
    assert run(filled, ["stats"], redirection)[0] == 69


def test_a_pipe_that_nobody_reads_any_more_ends_a_list_in_silence(filled: Site) -> None:
    jobs = {
        json.dumps({"class": "X", "args": ["x" * 1000], "jid": f"j{n}"}): n for n in range(3000)
    }
    filled.store.zadd("dead", jobs)
    for more in ([], ["--json"]):
        code, out, err = run(filled, ["dead", "--limit", "0", *more], "| head -n 1")
        assert (code, err) == (0, ""), "head's"
        assert len(out.splitlines()) == 1
