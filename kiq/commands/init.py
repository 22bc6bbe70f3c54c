"""``kiq init``: a starter for an application with jobs, never over a file that is there."""

from __future__ import annotations

import errno
import json
import keyword
import shlex
import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import click

from ..cli.exit_codes import NOT_DONE
from ..config_file import LOOKED_FOR
from ..config_file.json_schema import json_schema
from .screen import note, say
from .text import visible

_TEMPLATES = resources.files("kiq.commands") / "starter"
_CONFIG = LOOKED_FOR[0]
_SCHEMA = "config/kiq.schema.json"
#: Where each file goes, and what it is made from. The package's name stands for PACKAGE.
_FILES = {
    _CONFIG: "kiq.yml",
    "PACKAGE/__init__.py": "package.py.txt",
    "PACKAGE/jobs.py": "jobs.py.txt",
    "conftest.py": "conftest.py.txt",
    "tests/test_jobs.py": "test_jobs.py.txt",
    "Procfile": "Procfile",
    "deploy/kiq.service": "kiq.service",
    "Dockerfile": "Dockerfile",
}


_TAKEN = {*sys.stdlib_module_names, "kiq", "pytest", "tests"}


@click.command()
@click.argument("folder", default=".", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--package", default="app", show_default=True, metavar="NAME", help="What holds your jobs."
)
@click.option("--dry-run", is_flag=True, help="Only say what would be written.")
def init(folder: Path, package: str, dry_run: bool) -> None:
    """Write a starter into FOLDER (here by default): settings, a job, its test, ways to deploy.

    What is there already is kept as it is, and told.
    """
    if not package.isidentifier() or keyword.iskeyword(package) or not package.isascii():
        raise click.UsageError(f"--package {visible(package)}: write a name as in import app")
    if package in _TAKEN:
        raise click.UsageError(f"--package {package}: it would hide the module of that name")
    failed = False
    for name, text in _files(folder, package):
        there = _already(folder, name)
        if there is not None:
            say(f"kept    {there}: it is there already")
            continue
        try:
            if not dry_run:
                _write(folder / name, text)
            say(f"{'would write' if dry_run else 'wrote'}   {name}")
        except FileExistsError:
            say(f"kept    {name}: it is there already")
        except OSError as error:
            failed = True
            note(f"failed  {name}: {error.strerror or error}")
    if failed:
        raise click.exceptions.Exit(NOT_DONE)
    if not dry_run:
        _tell_what_is_next(folder, package)


def _files(folder: Path, package: str) -> Iterator[tuple[str, str]]:
    words = {
        "@PACKAGE@": package,
        "@FOLDER@": _for_systemd(folder.resolve()),
        "@KIQ@": f'"{_for_systemd(Path(sys.executable).with_name("kiq"))}"',
    }
    for name, template in _FILES.items():
        text = (_TEMPLATES / template).read_text("utf-8")
        for word, value in words.items():
            text = text.replace(word, value)
        yield name.replace("PACKAGE", package), text
        if name == _CONFIG:
            yield _SCHEMA, json.dumps(json_schema(), indent=1) + "\n"


def _for_systemd(path: Path) -> str:
    return str(path).replace("%", "%%")


def _already(folder: Path, name: str) -> str | None:
    """Return what is there in the place of *name*; a second file of settings would go unread, or win."""
    places = LOOKED_FOR if name == _CONFIG else (name,)
    return next(
        (each for each in places if (folder / each).is_symlink() or (folder / each).exists()), None
    )


def _write(path: Path, text: str) -> None:
    """Make the file *path*, which must not be there, not even as a link to nowhere; all of it or none."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, "a file is where its folder is to be") from None
    with path.open("x", encoding="utf-8") as file:
        try:
            file.write(text)
            file.flush()
        except OSError:
            path.unlink()
            raise


def _tell_what_is_next(folder: Path, package: str) -> None:
    say()
    say("next:")
    if folder.resolve() != Path.cwd():
        say(f"  cd {shlex.quote(str(folder))}")
    steps = {
        "python -m pytest": "the test",
        "kiq": "a worker; REDIS_URL says where Redis is",
        f"kiq push {package}.jobs.Welcome Ann": "a job",
    }
    for step, what in steps.items():
        say(f"  {step:<34} # {what}")
