"""What a plugin can tell of its process, for all who list processes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import redis

import kiq
from kiq.api import ProcessSet
from kiq.config import Capsule
from kiq.process import WorkerProcess
from tests.helpers.driven import DrivenWorker
from tests.helpers.waiting import eventually


class Tells:
    name = "tells"

    def install(self, host: kiq.Host) -> None:
        host.info["region"] = "north"
        host.info["pid"] = "not for plugins to say"
        host.services.append(self._attach)

    def _attach(self, process: WorkerProcess) -> None:
        process.state.info["queues_seen"] = list(process.config.capsules[0].queue_names)


def shown() -> list[dict[str, Any]]:
    return [process.info for process in ProcessSet() if process.info]


def test_what_plugins_tell_stands_in_the_entry_of_each_worker(
    redis_url: str, raw: redis.Redis, tmp_path: Path, kiq_client: kiq.Client
) -> None:
    host = kiq.Host()
    host.install(Tells())
    left, right = (
        DrivenWorker(redis_url, tmp_path, Capsule(queues=((name, 1),)), host=host)
        for name in ("left", "right")
    )
    with left, right:
        eventually(lambda: len(shown()) == 2)
        infos = {info["identity"]: info for info in shown()}
        identities = [worker.launcher.worker.identity for worker in (left, right)]
        assert [infos[one]["queues_seen"] for one in identities] == [["left"], ["right"]]
        assert {info["region"] for info in infos.values()} == {"north"}
        assert all(isinstance(info["pid"], int) for info in infos.values())
    assert not shown(), "it goes with the process"
