"""How many children, how large, on which processors: what users write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kiq.config_file import load
from kiq.errors import ConfigError
from kiq.parent.cores import allowed, cores
from kiq.parent.settings import ParentSettings


def of(tmp_path: Path, text: str, **environ: str) -> ParentSettings:
    file = tmp_path / "kiq.yml"
    file.write_text(text)
    return load(str(file), environ=environ).of(ParentSettings)


def test_without_the_setting_there_is_no_parent(tmp_path: Path) -> None:
    assert of(tmp_path, "concurrency: 3\n") == ParentSettings()
    assert ParentSettings().processes == 0


def test_a_number_auto_a_variable_and_a_flag(tmp_path: Path) -> None:
    assert of(tmp_path, "processes: 4\n").processes == 4
    assert of(tmp_path, "processes: auto\n").processes == cores()
    assert of(tmp_path, "processes: 4\n", KIQ_PROCESSES="2").processes == 2
    assert load(None, flags={"processes": "3"}, environ={}).of(ParentSettings).processes == 3


@pytest.mark.parametrize(
    ("text", "size"),
    [("400MB", 400 << 20), ("1.5 GiB", 3 << 29), ("2g", 2 << 30), ("20971520", 20 << 20), ("0", 0)],
)
def test_sizes(tmp_path: Path, text: str, size: int) -> None:
    assert of(tmp_path, f"max_memory: {text}\n").max_memory == size


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("processes: many", "must be auto, or a whole number from 0 to 512, not many"),
        ("processes: -1", "must be auto"),
        ("processes: 513", "must be auto"),
        ("processes: yes", "must be auto"),
        ("max_memory: 400", "must be 0 or a size from 10MB, as in 400MB, not 400"),
        ("max_memory: lots", "must be 0 or a size"),
        ("max_jobs: -1", "must be a whole number"),
        ("boot_timeout: 0", "must be a number of seconds"),
        ("process: 4", "did you mean processes?"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        of(tmp_path, f"{text}\n")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("files", "least"),
    [
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "50000 100000\n"}, 1),
        ({"cpu.max": "max 100000\n"}, None),
        ({"cpu/cpu.cfs_quota_us": "100000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 1),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ({}, None),
    ],
)
def test_cores_are_those_of_the_container(
    tmp_path: Path, files: dict[str, Any], least: int | None
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert cores(tmp_path) == min(len(allowed()), least or len(allowed()))
