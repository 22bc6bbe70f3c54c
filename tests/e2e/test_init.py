"""``kiq init``: what it writes works at once, and nothing that is there is touched."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.commands import command
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import ROOT, Site

FILES = {
    *("config/kiq.yml", "app/__init__.py", "app/jobs.py", "tests/test_jobs.py", "conftest.py"),
    *("config/kiq.schema.json", "Procfile", "deploy/kiq.service", "Dockerfile"),
}


def files(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and ".pytest" not in str(path)
    }


def test_what_it_writes_works_at_once(site: Site) -> None:
    folder = site.folder / "new"
    assert command("init", str(folder)).code == 0
    assert files(folder) == FILES
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert "1 passed" in tested.stdout
    worker = site.run("-C", "new/config/kiq.yml", PYTHONPATH=f"{folder}:{ROOT}").wait_until_ready()
    pushed = site.run("push", "app.jobs.Welcome", "Ann")
    assert pushed.wait() == 0, pushed.log
    eventually(lambda: "Welcome, Ann!" in worker.log, 10)
    assert worker.stop() == 0


def test_it_says_what_it_would_write_and_writes_nothing(tmp_path: Path) -> None:
    shown = command("init", str(tmp_path / "new"), "--dry-run")
    assert shown.code == 0
    assert {line.split()[-1] for line in shown.lines} == FILES
    assert not (tmp_path / "new").exists()


def test_nothing_that_is_there_is_touched(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("web: mine\n")
    (tmp_path / "Dockerfile").symlink_to(tmp_path / "nowhere")
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "sidekiq.yml").write_text(":concurrency: 3\n")
    shown = command("init", str(tmp_path), "--package", "shop")
    assert shown.code == 0
    assert "kept    config/sidekiq.yml: it is there already" in shown.out
    assert "kept    Procfile: it is there already" in shown.out
    assert (tmp_path / "Procfile").read_text() == "web: mine\n"
    assert not (tmp_path / "nowhere").exists()
    assert not (tmp_path / "config" / "kiq.yml").exists()
    assert "from shop.jobs import" in (tmp_path / "tests" / "test_jobs.py").read_text()
    again = command("init", str(tmp_path), "--package", "shop")
    assert again.code == 0
    assert "wrote" not in again.out


def test_what_can_not_be_written_is_told_and_the_rest_is_written(tmp_path: Path) -> None:
    (tmp_path / "deploy").write_text("no folder")
    shown = command("init", str(tmp_path))
    assert shown.code == 1
    assert "failed  deploy/kiq.service" in shown.err
    assert (tmp_path / "deploy").read_text() == "no folder"
    assert (tmp_path / "Dockerfile").exists()


@pytest.mark.parametrize("name", ["9app", "a-b", "class", "a.b", "../up", "", "kiq", "queue"])
def test_a_package_that_can_not_be_imported_is_refused(tmp_path: Path, name: str) -> None:
    assert command("init", str(tmp_path), "--package", name).code == 2
    assert files(tmp_path) == set()
