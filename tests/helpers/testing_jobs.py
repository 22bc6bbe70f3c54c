"""Jobs of the tests of kiq.testing, which note what they see."""

from __future__ import annotations

from typing import Any

import kiq


class HardWorker(kiq.Job, name="testing.HardWorker", queue="critical"):
    def perform(self, name: str, count: int = 1) -> str:
        return f"{name} {count}"


@kiq.job(name="testing.welcome", queue="mailers")
def welcome(user_id: int) -> None:
    HardWorker.perform_async(f"user {user_id}")


seen: list[Any] = []


class Noting(kiq.Job, name="testing.Noting"):
    def perform(self, what: Any) -> None:
        running = kiq.current_job()
        seen.append((what, self.jid, running and running.jid))
        if what == "again":
            Noting.perform_async("pushed by the job")
        if what == "fail":
            raise ZeroDivisionError("out of luck")
        if what == "store":
            raise kiq.StoreUnavailable("its own")
