"""Pushing: payloads into queues and into the scheduled set."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .. import keys
from ..errors import StoreError
from ..guarding import Guarded
from ..sender import InAsyncio, Load, Outcome, Refusal, Scheduled, Step, StepOutcome, outcome
from . import scripts
from .direct import DirectLink
from .guarded import guarded_queue, guarded_schedule, is_guarded, raws_of, read_refused
from .keyspace import Keyspace
from .link_pool import LinkPool
from .scripts import Command, Packed
from .together import read_step, step_command

#: What pushes to one place, and the payloads that go there.
Parcel = tuple[Command, list[bytes]]


class RedisSender:
    """Writes loads into Redis.

    Threads: any, and any forked child; each call borrows a connection.
    """

    in_asyncio: InAsyncio = "gathered"
    whole = False

    def __init__(self, links: LinkPool) -> None:
        self._links = links
        self._keyspace = links.keyspace
        before = functools.partial(_before_payloads, self._keyspace)
        #: What pushes into a queue have in common, packed; kept for the thousand used last.
        self._before = functools.lru_cache(maxsize=1024)(before)

    def push_one(self, queue: str, raw: bytes, jid: str) -> StoreError | None:  # noqa: ARG002
        """Put one payload into *queue*; see :class:`kiq.sender.Sender`."""
        command = b"*8%b\r\n$%d\r\n%b\r\n" % (self._before(queue), len(raw), raw)
        try:
            replies = self._links.lend(DirectLink.tell, (command,))
        except StoreError as error:
            return error
        return replies[0] if replies and isinstance(replies[0], StoreError) else None

    def push(self, load: Load) -> Outcome | None:
        """Put payloads where they belong, one place after the other; see :class:`kiq.sender.Sender`."""
        return self.send(load, self._commands_for(load))

    def send(self, load: Load, commands: Sequence[Packed]) -> Outcome | None:
        """Send *commands*, one for each place of *load*; see :class:`kiq.sender.Sender`."""
        use = DirectLink.ask if load.extras else DirectLink.tell
        try:
            replies = self._links.lend(use, commands) if commands else ()
        except StoreError as error:
            return Outcome(dict.fromkeys(load.places, error))
        if not replies:
            return None
        answers = list(zip(load.places, replies, strict=True))
        errors = {place: reply for place, reply in answers if isinstance(reply, StoreError)}
        refused: dict[str, Refusal] = {}
        for place, reply in answers:
            raws = raws_of(place, load.queues, load.scheduled)
            refused.update(self.refused(reply, raws, load.extras))
        return outcome(errors, refused)

    def push_step(self, step: Step) -> None:
        """Do *step*; see :class:`kiq.sender.Sender`."""
        replies = self._links.lend(DirectLink.ask, (self.step(step),))
        step.told(self.read_step(step, replies[0]))

    def step(self, step: Step) -> Packed:
        """Return what does *step*."""
        pushes = [[command for command, _ in push_commands(load)] for load, _ in step.parts]
        return self.pack(step_command(step, pushes))

    def read_step(self, step: Step, reply: Any) -> StepOutcome:
        """Return what became of *step*. Raises the StoreError that *reply* is."""
        return read_step(step, reply, self._links.where)

    def refused(
        self, reply: Any, raws: Sequence[bytes], extras: Mapping[bytes, Guarded]
    ) -> Mapping[str, Refusal]:
        """Return which of *raws* were not pushed when others were, by jid, as *reply* says."""
        if not isinstance(reply, list):  # of a plain push, or an error
            return {}
        return read_refused(reply, raws, extras, self._links.where)

    def exchange(self, commands: Sequence[Packed]) -> Sequence[Any]:
        """Send *commands* and return what answers each: the StoreError, if it was refused."""
        return self._links.lend(DirectLink.ask, commands)

    def pack(self, command: Command) -> Packed:
        """Return *command* as the bytes that are sent, its names as they are in this Redis."""
        return scripts.pack(self._keyspace.place(command))

    def _commands_for(self, load: Load) -> list[Packed]:
        """Return what pushes *load*: a command for each place."""
        if load.extras:
            return [self.pack(command) for command, _ in push_commands(load)]
        commands = [
            b"*%d%b%b\r\n" % (7 + len(raws), self._before(queue), scripts.pack_parts(raws))
            for queue, raws in load.queues.items()
        ]
        if load.scheduled:
            commands.append(self.pack(schedule_command(load.scheduled)))
        return commands


def push_commands(load: Load, token: Callable[[], str] | None = None) -> list[Parcel]:
    """Return for each place of *load* what pushes to it, and the payloads; *token* makes it done once.

    Where one payload of a place has a guard, all of that place go one by one, in their order.
    """
    extras, found = load.extras, list[Parcel]()
    for place in load.places:
        raws = raws_of(place, load.queues, load.scheduled)
        if is_guarded(raws, extras):
            mark = token() if token else ""
            command = (
                guarded_schedule(load.scheduled, extras, mark)
                if place is None
                else guarded_queue(place, raws, extras, mark)
            )
        else:
            command = (
                schedule_command(load.scheduled) if place is None else push_command(place, raws)
            )
            command = scripts.once(command, token()) if token else command
        found.append((command, raws))
    return found


def push_command(queue: str, raws: Sequence[bytes]) -> Command:
    """Return the command that puts *raws* into *queue*."""
    return scripts.push((keys.queue(queue), keys.QUEUES, keys.idle(queue)), (queue, *raws))


def _before_payloads(keyspace: Keyspace, queue: str) -> bytes:
    """Return the seven parts that pushes into *queue* have in common, packed."""
    return scripts.pack(keyspace.place(push_command(queue, ())))[len("*7") : -len("\r\n")]


def schedule_command(scheduled: Sequence[Scheduled]) -> Command:
    """Return the command that puts (due time, payload) pairs into the scheduled set."""
    pairs = [part for at, raw in scheduled for part in (repr(float(at)), raw)]
    return scripts.schedule((keys.SCHEDULE, keys.QUEUES, keys.bell(keys.POLLER_BELL)), pairs)
