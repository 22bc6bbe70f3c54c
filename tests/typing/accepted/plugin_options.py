"""Options of a plugin, by a base class of its own, and its settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, Unpack

import kiq
from kiq.config import Config
from kiq.enqueuing import Enqueuer
from kiq.job_class import Performs
from kiq.plugin import Between, Feature, declare

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class SmsSettings:
    sender: str = "kiq"
    per_second: Annotated[int, Between(1, 1000)] = 10


def check(value: Any) -> int:
    return int(value)


declare(Feature("sms", options={"per_second": check}, settings=SmsSettings))


class SetOptions(kiq.SetOptions, total=False):
    per_second: int


class Options(kiq.Options, SetOptions, total=False):
    pass


class Job(kiq.Job):
    if TYPE_CHECKING:

        def __init_subclass__(cls, **options: Unpack[Options]) -> None: ...

        @classmethod
        def set(  # pyright: ignore[reportIncompatibleMethodOverride]
            cls: type[Performs[P]], **options: Unpack[SetOptions]
        ) -> Enqueuer[P]: ...


class Sms(Job, queue="sms", per_second=5, time_limit=30, name="Sms"):
    def perform(self, number: str) -> None: ...


def attach(worker: Any) -> str:
    config: Config = worker.config
    return config.of(SmsSettings).sender


def install(host: kiq.Host) -> None:
    host.services.append(lambda worker: None)


Sms.set(per_second=3, queue="low", profile="x").perform_in(5, "555")
Sms.perform_async("555")
Sms.perform_bulk([Sms.args("555")])
