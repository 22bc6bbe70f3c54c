"""examples/recount, as its README says: the four ways, and what they print."""

from __future__ import annotations

import re
import shutil
import sys

import pytest

from tests.helpers.worker_process import ROOT, Site

EXAMPLE = ROOT / "examples" / "recount"


@pytest.mark.timeout(180)
def test_all_ways_count_all_rows_and_a_table_tells_their_times(site: Site) -> None:
    shutil.copytree(EXAMPLE, site.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*"))
    run = site.run(command=(sys.executable, "run.py", "--rows", "60"))
    assert run.wait(150) == 0, run.log
    assert run.lines.count("  60 rows counted, 0 wrong") == 3
    rows = re.findall(r"^(.+?) {2,}([\d.]+) +([\d.]+)$", run.log, re.MULTILINE)
    ways = ["serial, no jobs", "1 process, 1 thread", "1 process, 10 threads"]
    assert [way for way, _, _ in rows] == [*ways, "2 processes, 10 threads each"]
    assert not list(site.folder.glob("recount.sqlite3*"))
