"""The examples of docs/api.md run as they stand there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import redis

import kiq

PAGE = Path(__file__).parents[2].joinpath("docs", "api.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
NOON = 1_800_000_000


def test_every_example_runs_and_does_what_it_says(
    raw: redis.Redis, kiq_client: kiq.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    jid = "5d1c7a52e6ad1ab1f5a1a0d8"
    kiq.push({"class": "Newsletter", "args": [], "queue": "mailers"})
    kiq.push({"class": "Welcome", "args": [1], "queue": "mailers", "jid": jid})
    for key, text in (("retry", "ConnectionError"), ("retry", "other"), ("schedule", "x")):
        job = {"class": "X", "args": [], "jid": key + text, "error_message": text}
        raw.zadd(key, {json.dumps(job): NOON})
    raw.zadd("dead", {"junk": 1})
    room: dict[str, Any] = {}
    process = "app-1:4711:0123456789ab"
    raw.sadd("processes", process)
    raw.hset(process, mapping={"info": "{}", "busy": 1, "concurrency": 10, "quiet": "false"})
    payload = json.dumps({"class": "Welcome", "args": [1], "jid": jid})
    raw.hset(f"{process}:work", "t1", json.dumps({"queue": "mailers", "payload": payload}))
    for block in BLOCKS[:6]:
        exec(compile(block, "docs/api.md", "exec"), room)  # noqa: S102
    assert raw.exists("queue:mailers", "paused") == 0
    assert room["job"].class_name == "Welcome"
    assert raw.llen("queue:default") == 1
    assert raw.zrange("schedule", 0, -1, withscores=True)[0][1] == NOON + 3600
    for block in BLOCKS[6:]:
        exec(compile(block, "docs/api.md", "exec"), room)  # noqa: S102
    said = capsys.readouterr().out
    assert "1 of 1" in said
    assert raw.llen("queue:default") == 2
    assert raw.exists("retry", "dead") == 0
    assert room["process"].identity == process
    assert raw.lrange(f"{process}-signals", 0, -1) == [b"TERM", b"TSTP", b"TTIN"]
    assert f"{process} t1 mailers 0.0" in said
    assert room["work"].job_class == "Welcome"


def test_there_are_examples() -> None:
    assert len(BLOCKS) == 14
