"""Run Django's own tests of tasks with kiq's backend: ``make djangotasks``.

They come from Django's source distribution, of the version that is installed into ``.venvs/django-tasks``;
only the names of backends in them are changed, and what can't apply is left out, each with its reason.
Needs a Python that Django 6.0 runs on. Exits with the code of Django's runner.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from tests.helpers.server import TestServer
from tests.matrix.interpreters import NotToBeHad, find
from tests.matrix.squares import ROOT

HOME = ROOT / ".venvs" / "django-tasks"
PYTHON = HOME / "bin" / "python"
VERSION = "Django>=6.0,<6.1"
#: Tests of Django's that can't hold for a backend with results and workers, and why.
LEFT_OUT = {
    ("immediate_backend", "test_cannot_get_result"): "it can",
    ("immediate_backend", "test_cannot_refresh_result"): "it can",
    ("immediate_backend", "test_cannot_pass_run_after"): "it can",
    ("immediate_backend", "test_throws_keyboard_interrupt"): "no keyboard ends a worker's job",
    ("immediate_backend", "test_complex_exception"): "tracebacks name lines, and do not quote them",
    ("dummy_backend", "test_refresh_result"): "it writes into the list of the dummy",
    ("dummy_backend", "test_refresh_result_async"): "it writes into the list of the dummy",
}


def main() -> int:
    """Run them."""
    try:
        _environment()
    except NotToBeHad as error:
        print(f"not run: {error}")
        return 0
    with tempfile.TemporaryDirectory(prefix="kiq-django-tasks-") as folder:
        tests = _sources(Path(folder))
        for path in sorted((tests / "tasks").glob("test_*.py")):
            path.write_text(adapted(path.stem.removeprefix("test_"), path.read_text()))
        runner = tests / "runtests.py"
        apps = "ALWAYS_INSTALLED_APPS = ["
        runner.write_text(runner.read_text().replace(apps, f'{apps}"kiq.contrib.django", ', 1))
        server = TestServer()
        try:
            names = {"REDIS_URL": server.url, "PYTHONPATH": f"{ROOT}"}
            command = [str(PYTHON), "runtests.py", "tasks", "--parallel=1", *sys.argv[1:]]
            return subprocess.run(command, cwd=tests, env={**os.environ, **names}).returncode
        finally:
            server.stop()


def adapted(file: str, text: str) -> str:
    """Return *text*, of a file of Django's tests, with kiq's backends, less what is left out."""
    ours = "tests.django_tasks.backends"
    text = re.sub(r"django\.tasks\.backends\.(dummy|immediate)", ours, text)
    for name, why in ((each[1], why) for each, why in LEFT_OUT.items() if each[0] == file):
        text = re.sub(
            rf"^    (async )?def {name}\(",
            rf'    @__import__("unittest").skip("{why}")\n    \1def {name}(',
            text,
            flags=re.MULTILINE,
        )
    return text


def _environment() -> None:
    if PYTHON.exists():
        return
    interpreter = find("3.13")
    if interpreter.folder is not None:
        raise NotToBeHad(
            "Django's tests run in no other system than this one, which has no Python 3.13"
        )
    subprocess.run([interpreter.path, "-m", "venv", HOME], check=True)
    _pip("install", VERSION, "-e", f"{ROOT}[async,hiredis]")


def _pip(*arguments: str) -> None:
    command = [PYTHON, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    subprocess.run(command, check=True)


def _sources(folder: Path) -> Path:
    """Return the folder of Django's tests, of the version that is installed."""
    asks = [PYTHON, "-c", "import django; print(django.get_version())"]
    version = subprocess.run(asks, check=True, capture_output=True, text=True).stdout.strip()
    _pip("download", "--no-deps", "--no-binary=:all:", f"--dest={folder}", f"Django=={version}")
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        archive.extractall(folder, filter="data")
    return next(folder.glob("*/tests"))


if __name__ == "__main__":
    sys.exit(main())
