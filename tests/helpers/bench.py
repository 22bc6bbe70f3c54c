"""One job through an executor, on the caller's thread, with a host and a registry of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import kiq
from kiq.codec import Codec, decode, encode
from kiq.config import Config
from kiq.plugin import Host
from kiq.registry import JobSpec, Registry
from kiq.verdict import Flight, Permit, Taken, ToRetry, Verdict
from kiq.work.executor import Executor
from kiq.worker_state import WorkerState


class Bench:
    """A host and a registry of its own, what was reported and who was told of deaths."""

    def __init__(self) -> None:
        self.host = Host()
        self.registry = Registry()
        self.worker = WorkerState()
        self.reported: list[tuple[BaseException, dict[str, Any]]] = []
        self.deaths: list[tuple[dict[str, Any], BaseException]] = []
        self.host.error_handlers = [lambda error, where: self.reported.append((error, where))]
        self.host.on_death(lambda payload, error: self.deaths.append((payload, error)))

    @property
    def errors(self) -> list[BaseException]:
        return [error for error, _ in self.reported]

    def add(self, function: Callable[..., Any], name: str = "F") -> JobSpec:
        """Register *function* as the function job *name*, and return what is known of it."""
        spec = JobSpec(name, {}, (), function, None)
        self.registry.add(spec)
        return spec

    def add_class(self, cls: type[kiq.Job], name: str = "F") -> None:
        self.registry.add(JobSpec(name, cls.options, (), cls.perform, cls))  # type: ignore[attr-defined]

    def execute(self, raw: bytes, *, suspicion: int = 0, **settings: Any) -> Verdict:
        executor = Executor(Config(**settings), self.host, self.registry, self.worker)
        flight = Flight("o", "queue:default", Permit())
        return executor(Taken("1.1", flight, raw, 0.0, suspicion))

    def run(self, *args: Any, codec: Codec = "msgpack", **fields: Any) -> Verdict:
        return self.execute(encode(job(*args, **fields), codec))


def job(*args: Any, **fields: Any) -> dict[str, Any]:
    return {"class": "F", "args": list(args), "jid": "j1", "queue": "default", **fields}


def raising(error: BaseException | type[BaseException]) -> Callable[..., Any]:
    def perform(*_args: Any, **_kwargs: Any) -> None:
        raise error

    return perform


def retried(verdict: Verdict) -> dict[str, Any]:
    """The payload that *verdict* sends to the retry set."""
    assert isinstance(verdict, ToRetry), verdict
    return decode(verdict.raw)[0]
