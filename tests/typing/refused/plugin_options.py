"""Options of a plugin that its base class refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, ParamSpec, Unpack

import kiq
from kiq.config import Config
from kiq.enqueuing import Enqueuer
from kiq.job_class import Performs
from kiq.plugins.declared import AsyncSettings

P = ParamSpec("P")


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


class Sms(Job, per_second=5):
    def perform(self, number: str) -> None: ...


# refused: arg-type | reportArgumentType | wrong type of option
Sms.set(per_second="5")
# refused: call-arg | reportCallIssue | unknown option
Sms.set(per_secnd=5)
# refused: call-arg | reportCallIssue | an option of the class only
Sms.set(name="Other")
# refused: arg-type | reportArgumentType | wrong type of one of kiq's own
Sms.set(queue=5)
# refused: arg-type | reportArgumentType | wrong argument behind an option
Sms.set(per_second=5).perform_async(5)


# refused: arg-type | reportArgumentType | wrong type of option
class Wrong(Job, per_second="5"):
    def perform(self) -> None: ...


# refused: call-arg | reportCallIssue | unknown option
class Typo(Job, per_secnd=5):
    def perform(self) -> None: ...


# refused: call-arg | reportCallIssue | an option of a plugin, but the class is kiq's
class Bare(kiq.Job, per_second=5):
    def perform(self) -> None: ...


# refused: attr-defined | reportAttributeAccessIssue | no setting of that feature
wrong = Config().of(AsyncSettings).async_cuncurrency
