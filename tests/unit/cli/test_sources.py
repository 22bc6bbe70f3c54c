"""What counts as a change of an application's files, and what does not."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from kiq.cli.sources import Rounds, Sources, application_folders


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "jobs.py").write_text("one = 1\n")
    (folder / "mail.py").write_text("two = 2\n")
    return folder


def looked(sources: Sources) -> list[str]:
    """What has changed once all has come to rest: two looks that find the same."""
    sources.changed()
    return [Path(path).name for path in sources.changed()]


def test_nothing_has_changed_at_first(app: Path) -> None:
    sources = Sources([app])
    assert sources.count == 2
    assert looked(sources) == []


def test_other_content_is_a_change_and_stays_one_until_a_new_beginning(app: Path) -> None:
    sources = Sources([app])
    (app / "jobs.py").write_text("one = 2\n")
    assert looked(sources) == ["jobs.py"]
    assert looked(sources) == ["jobs.py"]
    sources.begin()
    assert looked(sources) == []


def test_a_touched_file_and_one_written_with_what_it_held_are_no_change(app: Path) -> None:
    sources = Sources([app])
    os.utime(app / "jobs.py", (1, 1))
    (app / "mail.py").write_text("two = 2\n")
    assert looked(sources) == []


def test_a_new_file_and_one_that_went_are_changes(app: Path) -> None:
    sources = Sources([app])
    (app / "deep" / "er").mkdir(parents=True)
    (app / "deep" / "er" / "new.py").write_text("")
    (app / "mail.py").unlink()
    assert looked(sources) == ["new.py", "mail.py"]


def test_an_editor_that_replaces_the_file_is_one_change_and_none_while_the_file_is_away(
    app: Path,
) -> None:
    sources = Sources([app])
    (app / "jobs.py").rename(app / "jobs.py~")
    assert sources.changed() == []
    (app / "jobs.py").write_text("one = 3\n")
    assert sources.changed() == []
    assert [Path(path).name for path in sources.changed()] == ["jobs.py"]


def test_files_that_go_on_changing_are_waited_for_but_not_for_ever(app: Path) -> None:
    sources = Sources([app])
    looks = 0
    while not sources.changed():
        looks += 1
        (app / f"new_{looks}.py").write_text("")
        assert looks < 100
    assert looks > 10


def test_what_python_tools_and_the_application_write_beside_the_code_is_no_change(
    app: Path,
) -> None:
    sources = Sources([app])
    for name in ("__pycache__/jobs.py", ".venv/jobs.py", "node_modules/a.py", "kiq.log", "a.pyc"):
        (app / name).parent.mkdir(exist_ok=True)
        (app / name).write_text("changed = 1\n")
    (app / "env").mkdir()
    (app / "env" / "pyvenv.cfg").write_text("")
    (app / "env" / "lib.py").write_text("")
    assert looked(sources) == []


def test_a_file_that_is_named_counts_by_any_suffix_and_before_it_is_there(app: Path) -> None:
    sources = Sources([app], [app / "kiq.yml"])
    (app / "kiq.yml").write_text("concurrency: 3\n")
    assert looked(sources) == ["kiq.yml"]


def test_links_in_a_circle_end_and_what_they_lead_to_is_seen(app: Path, tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (app / "self").symlink_to(app)
    (app / "lib").symlink_to(tmp_path / "lib")
    (app / "broken.py").symlink_to(tmp_path / "nowhere.py")
    sources = Sources([app])
    assert sources.count == 2
    (tmp_path / "lib" / "shared.py").write_text("")
    assert looked(sources) == ["shared.py"]


def test_a_folder_that_goes_is_a_change_of_its_files_and_no_error(app: Path) -> None:
    sources = Sources([app])
    shutil.rmtree(app)
    assert looked(sources) == ["jobs.py", "mail.py"]


def test_the_folders_of_an_application_are_none_of_pythons(
    app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = app.parent / "other"
    other.mkdir()
    monkeypatch.chdir(app)
    monkeypatch.setattr("sys.path", [os.path.dirname(os.__file__), str(other), "", "/no/such"])
    assert application_folders() == [app, other]


def test_what_an_application_writes_at_each_start_is_told_from_what_people_save() -> None:
    rounds = Rounds()
    assert [rounds.goes_on(["version.py"], 0.5) for _ in range(6)] == [False] * 5 + [True]
    assert not rounds.goes_on(["jobs.py"], 0.5), "another file"
    saved = [rounds.goes_on(["jobs.py"], seconds) for seconds in (1, 2, 1, 60, 1, 2, 1, 2)]
    assert not any(saved), "somebody saves often, and waits now and then"
