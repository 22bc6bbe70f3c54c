"""``kiq undo``: what other commands took goes back."""

from __future__ import annotations

import json

import redis

from tests.helpers.commands import command


def test_what_a_command_took_goes_back(command_store: redis.Redis) -> None:
    jobs = {
        json.dumps({"class": "X", "args": [n], "jid": f"j{n}", "queue": "q"}): 2e9 + n
        for n in range(5)
    }
    command_store.zadd("retry", jobs)
    command_store.sadd("queues", "q")
    command_store.lpush("queue:q", *jobs)
    before = command_store.zrange("retry", 0, -1, withscores=True)
    assert "nothing was done" in command("undo").err
    assert command("retries", "delete", "j1", "j3", "nobody").code == 1
    assert command("clear-queue", "q", "--yes").code == 0
    cleared, deleted = command("undo", "--json").document["acts"]
    assert (deleted["jobs"], cleared["jobs"]) == (2, 5)
    assert deleted["what"] == "kiq retry delete j1 j3 nobody"
    shown = command("undo").out
    assert "kiq clear-queue q" in shown
    assert deleted["id"] in shown
    assert command("undo", deleted["id"]).out == "2 jobs back\n"
    assert command_store.zrange("retry", 0, -1, withscores=True) == before
    again = command("undo", deleted["id"])
    assert (again.code, "nothing is kept" in again.err) == (1, True)
    command_store.lpush("queue:q", "another")
    document = command("undo", cleared["id"], "--json").document
    assert document == {"back": 5, "left": {}, "beyond": 0}
    assert command_store.llen("queue:q") == 6
