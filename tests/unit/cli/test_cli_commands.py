"""How commands are found: ours by name, others' by entry point, and none before it is asked for."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import click
import pytest

from kiq import cli
from tests.helpers.commands import command


def point(name: str, value: str) -> metadata.EntryPoint:
    return metadata.EntryPoint(name, value, "kiq.commands")


@pytest.fixture
def foreign(monkeypatch: pytest.MonkeyPatch) -> list[metadata.EntryPoint]:
    """The entry points that are installed, as far as the command line sees."""
    points: list[metadata.EntryPoint] = []

    def entry_points(group: str, name: str | None = None) -> list[metadata.EntryPoint]:
        assert group == "kiq.commands"
        return [each for each in points if name in (None, each.name)]

    monkeypatch.setattr(metadata, "entry_points", entry_points)
    return points


@click.command()
def greet() -> None:
    """Greet."""
    click.echo("hello")


@pytest.mark.usefixtures("standard_features")
def test_help_lists_every_command_with_what_it_does() -> None:
    shown = command("--help")
    assert shown.code == 0
    for name in ("run", "check", "stats", "queues", "ps", "retries", "scheduled", "dead", "doctor"):
        assert f"\n  {name} " in shown.out
    for name in ("pause", "unpause", "quiet", "stop", "dump", "push", "clear-queue"):
        assert f"\n  {name} " in shown.out


@pytest.mark.parametrize("name", cli._SHIPPED)
def test_every_command_explains_itself(name: str) -> None:
    shown = command(name, "--help")
    assert shown.code == 0
    assert f"kiq {name}" in shown.out


def test_a_command_of_another_package_is_found_by_its_entry_point(
    foreign: list[metadata.EntryPoint],
) -> None:
    foreign.append(point("greet", f"{__name__}:greet"))
    assert "Greet." in command("--help").out
    assert command("greet").out == "hello\n"


def test_ours_can_not_be_replaced(foreign: list[metadata.EntryPoint]) -> None:
    foreign.append(point("stats", f"{__name__}:greet"))
    assert "hello" not in command("stats", "--help").out


@pytest.mark.parametrize(
    ("value", "why"),
    [("no.such.module:x", "ModuleNotFoundError"), ("json:dumps", "is no click command")],
)
def test_a_broken_package_is_named_and_takes_no_other_command_with_it(
    foreign: list[metadata.EntryPoint], value: str, why: str
) -> None:
    foreign.append(point("broken", value))
    shown = command("--help")
    assert "(can't be loaded)" in shown.out
    assert "stats" in shown.out
    ran = command("broken")
    assert ran.code == 78
    assert why in ran.err


def test_the_porch_imports_no_command_before_it_is_asked_for() -> None:
    code = "import sys, kiq.cli; print(*sorted(m for m in sys.modules if m.startswith('kiq.')))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    ).stdout.split()
    assert "kiq.cli" in loaded
    assert "kiq.cli.run" not in loaded
    assert not [name for name in loaded if name.startswith(("kiq.commands", "kiq.api"))]


def test_kiq_health_imports_no_worker() -> None:
    code = (
        "import sys, kiq.cli\n"
        "try: kiq.cli.main(['health', '127.0.0.1:1'])\n"
        "except SystemExit as end: print(end.code)\n"
        "print(*sorted(name for name in sys.modules if name.startswith('kiq.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    said, code_, loaded = done.stdout.splitlines()
    assert (said, code_) == ("nothing answers at 127.0.0.1:1: Connection refused", "1")
    heavy = ("kiq.work.", "kiq.api", "kiq.commands", "kiq.boot", "kiq.cli.run")
    assert not [name for name in loaded.split() if name.startswith(heavy)]


def test_kiq_health_without_an_address_is_wrong_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unconfigured: None
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KIQ_HEALTH", raising=False)
    shown = command("health")
    assert (shown.code, shown.out) == (2, "")
    assert (
        shown.err == "kiq health: no address: set health, as in 127.0.0.1:7433, or name it here\n"
    )
    assert command("health", "nonsense").code == 2
