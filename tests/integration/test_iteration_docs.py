"""The examples of docs/iteration.md run as they stand there, and the one in examples/iteration."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import redis

import kiq
from kiq.api import IterationState
from kiq.codec import decode
from tests.helpers.iterated import Bench, bench_at
from tests.helpers.server import TestServer
from tests.helpers.worker_process import KIQ, Site

ROOT = Path(__file__).parents[2]
PAGE = ROOT.joinpath("docs", "iteration.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
EXAMPLE = ROOT / "examples" / "iteration"


@pytest.fixture
def bench(redis_url: str, raw: redis.Redis, kiq_client: kiq.Client) -> Iterator[Bench]:
    with bench_at(redis_url, raw) as made:
        yield made


def page(monkeypatch: pytest.MonkeyPatch, blocks: list[str]) -> dict[str, Any]:
    """Run *blocks* as a module, which SQLAlchemy wants to find; return its names."""
    module = ModuleType("docs_iteration")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for block in blocks:
        exec(compile(block, "docs/iteration.md", "exec", dont_inherit=True), vars(module))  # noqa: S102
    return vars(module)


@pytest.mark.needs("sqlalchemy")
def test_every_example_runs_and_does_what_it_says(
    bench: Bench,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "users.csv").write_text("name,town\nAda,London\nGrace,New York\n")
    room = page(monkeypatch, BLOCKS)
    queued = [bytes(each) for each in bench.store.lrange("queue:low", 0, -1)]  # type: ignore[union-attr]
    assert decode(queued[0])[0]["jid"] == room["jid"]
    assert IterationState(jid=room["jid"]).cancel() > 0
    capsys.readouterr()
    bench.execute(queued[0])
    assert capsys.readouterr().out == "", "it was cancelled before it began"
    room["ImportUsers"].perform_inline("users.csv")
    room["Countdown"].perform_inline(3)
    room["Remind"].perform_inline()
    room["Careful"].perform_inline(5)
    room["Crunch"].perform_inline(2, 4)
    said = capsys.readouterr().out.split("\n")
    assert said[:5] == ["Ada has joined", "Grace has joined", "3…", "2…", "1…"]
    assert said[5:9] == ["red 1", "red 2", "blue 1", "blue 2"]
    assert said[9:-1] == [
        *("start", "begin 0", "begin 1", "begin 2", "begin 3"),
        *("complete after 3 items", "4", "9"),
    ]
    assert room["Reindex"].max_iteration_runtime == 600
    state = IterationState.find(room["jid"])
    assert state is not None
    assert state.cancelled


@pytest.mark.needs("sqlalchemy")
def test_the_example_with_a_query_runs(
    bench: Bench,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    room = page(monkeypatch, [BLOCKS[0], *(each for each in BLOCKS if "sqlalchemy" in each)])
    room["Base"].metadata.create_all(room["engine"])
    with room["Session"](room["engine"]) as session:
        session.add_all([room["User"](name="Ada"), room["User"](name="Grace")])
        session.commit()
    room["Greet"].perform_inline()
    room["engine"].dispose()
    assert capsys.readouterr().out == "Hello Ada\nHello Grace\n"


def test_the_example_goes_on_after_its_worker_was_stopped(
    server: TestServer, tmp_path: Path
) -> None:
    for each in EXAMPLE.iterdir():
        if each.is_file():
            (tmp_path / each.name).write_bytes(each.read_bytes())
    site = Site(server, tmp_path)
    try:
        first = site.run("-r", "jobs").wait_until_ready()
        push = site.run(command=(sys.executable, "push.py"))
        first.says("32 %: Linus")
        assert first.stop() == 0
        second = site.run("-r", "jobs", command=KIQ).wait_until_ready()
        second.says("where were we?")
        assert push.wait(20) == 0, push.log
        assert "done in 2 runs" in push.log
        assert "Ada" not in second.log
    finally:
        site.close()


def test_there_are_examples() -> None:
    assert len(BLOCKS) == 11
