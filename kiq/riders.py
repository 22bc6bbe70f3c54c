"""Riders on their way: what they add to commands that settle jobs, and what they answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

from .errors import StoreError
from .plugin import Host
from .riding import Rider
from .settled import GIVEN_BACK, Fate, Settled, settled_of
from .store.joined import Rides, Riding, join, read_joined
from .store.scripts import Command
from .verdict import Taken

_MOST_TOLD = 100  # problems that are told apart; each is reported once


Reader = Callable[[Sequence[Any]], list[Any]]


class Leaving(NamedTuple):
    """A job that leaves, and by what it is known in the script: see :class:`kiq.store.joined.Riding`."""

    job: Settled
    hash: str
    field: str


class Riders:
    """What is attached to *host*, for whoever settles jobs.

    Threads: any.
    """

    def __init__(self, host: Host, report: Callable[[BaseException, dict[str, Any]], None]) -> None:
        self._host = host
        self._report = report
        self._told: set[tuple[str, str]] = set()

    def concern(self, settled: Sequence[tuple[Taken, Fate]]) -> bool:
        """Tell whether a rider may have to do with one of these jobs; one call for all of them."""
        fields = []
        for rider in self._host.riders:
            if not rider.payload_field:
                return True
            fields.append(rider.payload_field.encode())
        for taken, _ in settled if fields else ():
            for field in fields:
                if field in taken.raw:
                    return True
        return False

    def recording(self, jobs: Sequence[Settled]) -> list[Command]:
        """Return the commands that go before what settles *jobs*."""
        found: list[Command] = []
        for rider in self._host.riders:
            if rider.recording is not None:
                for job in jobs:
                    found += self._asked(rider, rider.recording, job) or ()
        return found

    def in_flight(
        self,
        commands: Sequence[Command],
        settled: Sequence[Sequence[tuple[Taken, Fate]]],
        *,
        recording: bool = True,
    ) -> tuple[list[Command], Reader]:
        """Return :meth:`around` for jobs in flight: what each of the first *commands* settles."""
        if not any(map(self.concern, settled)):
            return list(commands), list
        leaving = [
            [
                Leaving(settled_of(taken, fate), taken.flight.key, taken.delivery)
                for taken, fate in group
            ]
            for group in settled
        ]
        return self.around(commands, leaving, recording=recording)

    def giving_back(self) -> Rides | None:
        """Return what joins rides to a command that gives taken jobs back; None where nothing can ride."""
        if not self._releasing:
            return None

        def rides(command: Command, jobs: Sequence[Taken]) -> tuple[Command, Callable[[Any], Any]]:
            back = [(taken, GIVEN_BACK) for taken in jobs]
            (joined,), read = self.in_flight([command], [back], recording=False)
            return joined, lambda reply: read([reply])[0]

        return rides

    def around(
        self,
        commands: Sequence[Command],
        leaving: Sequence[Sequence[Leaving]],
        *,
        recording: bool = True,
    ) -> tuple[list[Command], Reader]:
        """Return what settles jobs with all that rides on it, and what reads the replies as before.

        *leaving* are the jobs that each of the first *commands* settles. Without *recording* there are as
        many commands as before.
        """
        first = self.recording([one.job for jobs in leaving for one in jobs]) if recording else []
        pairs = zip_longest(commands, leaving, fillvalue=())
        others = [self.joined(command, jobs) for command, jobs in pairs]
        changed = [one is not own for one, own in zip(others, commands, strict=True)]

        def read(replies: Sequence[Any]) -> list[Any]:
            self._noted(replies[: len(first)])
            rest = replies[len(first) :]
            known = zip(rest, changed, strict=False)  # who sent more than these reads that alone
            own = [self.read(reply) if joined else reply for reply, joined in known]
            return [*own, *rest[len(own) :]]

        return [*first, *others], read

    def joined(self, command: Command, jobs: Sequence[Leaving]) -> Command:
        """Return *command*, which settles *jobs*, with what rides on it; itself if nothing does."""
        riders = self._releasing
        rides = []
        for rider in riders:
            for job, hash_, field in jobs:
                ride = self._asked(rider, rider.releasing, job)
                if ride is not None:
                    rides.append(Riding(rider, ride, hash_, field))
        return join(command, riders, rides) if rides else command

    def read(self, reply: Any) -> Any:
        """Return the reply of the script to which something was joined; report which pieces failed."""
        read = read_joined(reply, self._releasing)
        for name, text in read.problems:
            self._tell(name, StoreError(f"rider {name}: {text}"))
        return read.reply

    def _noted(self, replies: Sequence[Any]) -> None:
        """Report what was refused of :meth:`recording`."""
        for reply in replies:
            if isinstance(reply, StoreError):
                self._tell("recording", reply)

    @property
    def _releasing(self) -> list[Rider]:
        return [rider for rider in self._host.riders if rider.releasing is not None]

    def _asked(self, rider: Rider, ask: Callable[[Settled], Any] | None, job: Settled) -> Any:
        try:
            field = rider.payload_field
            if ask is None or (
                field and (field.encode() not in job.raw or field not in job.payload)
            ):
                return None
            return ask(job)
        except Exception as error:  # noqa: BLE001 (the job is settled without)
            self._tell(rider.name, error)
            return None

    def _tell(self, name: str, error: Exception) -> None:
        known = (name, str(error))
        if known not in self._told and len(self._told) < _MOST_TOLD:
            self._told.add(known)
            self._report(error, {"context": f"rider {name}"})
