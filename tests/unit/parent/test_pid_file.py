"""The pid file: held by a lock, so what was left behind stops nobody, and a second start is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kiq.errors import BootError, ConfigError
from kiq.parent import pid_file

HOLDS = """
import sys
from kiq.parent import pid_file
held = pid_file.claim(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kiq.pid"


def test_it_holds_the_number_of_this_process_and_goes_with_it(path: Path) -> None:
    path.write_text("999999999 of before\n")
    held = pid_file.claim(str(path))
    assert held is not None
    assert path.read_text() == f"{os.getpid()}\n"
    held.remove()
    assert not path.exists()
    assert pid_file.claim("") is None


def test_what_a_killed_process_left_stops_nobody_though_it_says_our_own_pid(path: Path) -> None:
    path.write_text(f"{os.getpid()}\n")
    held = pid_file.claim(str(path))
    assert held is not None
    held.remove()


def test_a_second_process_is_refused_as_long_as_the_first_lives(path: Path) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdout is not None
    assert other.stdout.readline() == b"held\n"
    with pytest.raises(BootError, match=rf"\(pid {other.pid}\) has the pid file"):
        pid_file.claim(str(path))
    assert path.read_text() == f"{other.pid}\n"
    other.kill()
    other.communicate()
    held = pid_file.claim(str(path))
    assert held is not None
    held.remove()


def test_a_forked_child_does_not_hold_it(path: Path) -> None:
    held = pid_file.claim(str(path))
    assert held is not None
    (hears, says), (waits, ends) = os.pipe(), os.pipe()
    pid = os.fork()
    if not pid:
        os.close(ends)
        os.write(says, b"!")
        os.read(waits, 1)
        os._exit(0)
    os.read(hears, 1)
    held.close()  # as the kernel does when this process is killed
    again = pid_file.claim(str(path))
    assert again is not None, "the child would hold it"
    again.remove()
    os.close(ends)
    os.waitpid(pid, 0)
    for descriptor in (hears, says, waits):
        os.close(descriptor)


def test_what_another_process_has_put_there_since_stays(path: Path) -> None:
    held = pid_file.claim(str(path))
    assert held is not None
    path.unlink()
    path.write_text("another's\n")
    held.remove()
    assert path.read_text() == "another's\n"


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="only Linux begins anew")
def test_who_begins_anew_keeps_it_or_takes_another_when_it_is_set_so(
    path: Path, tmp_path: Path
) -> None:
    first = pid_file.claim(str(path))
    assert first is not None
    kept = pid_file.claim(str(path), first.descriptor)
    assert kept is not None
    assert kept.descriptor == first.descriptor
    moved = pid_file.claim(str(tmp_path / "other.pid"), kept.descriptor)
    assert moved is not None
    assert not path.exists()
    assert moved.path.read_text() == f"{os.getpid()}\n"
    none = pid_file.claim("", moved.descriptor)
    assert none is None
    assert not (tmp_path / "other.pid").exists()


def test_what_can_not_be_written_is_an_error_with_its_path(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("no/such/folder.pid", ".", "fifo", "link"):
        with pytest.raises(ConfigError, match="it can't be written"):
            pid_file.claim(str(tmp_path / name))
