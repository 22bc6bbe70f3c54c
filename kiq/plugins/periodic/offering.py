"""The entries that a process brings along: which release's are in force."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from typing import Any

from ...config import Config
from ...store.scripts import Command
from ..declared.periodic import PeriodicSettings, static
from ..declared.periodic_entry import Definition
from . import keys
from .pieces import offer

logger = logging.getLogger("kiq.periodic")

#: Seconds for which the entries of a release are in force when none of its processes has been seen.
UNSEEN = 60


def app_of(config: Config) -> str:
    """Return whose entries those are that *config* has: its tag, or else what it requires."""
    return config.tag or " ".join(config.require) or "-"


class Offering:
    """The entries of one process, offered at its start, and again and again.

    Threads: one at a time.
    """

    def __init__(self, config: Config) -> None:
        self._app = app_of(config)
        self._entries, wrong = static(config.of(PeriodicSettings), self._app)
        for name, why in wrong.items():
            logger.error("periodic job %s is left out: %s", name, why)
        self._texts = {one.name: one.text() for one in self._entries}
        whole = "\n".join(f"{name} {text}" for name, text in sorted(self._texts.items()))
        self._digest = hashlib.sha1(whole.encode(), usedforsecurity=False).hexdigest()
        self._was: Any = None

    def offer(self, call: Callable[[Command], Any]) -> None:
        """Let the entries come into force, unless a newer release's are. Two round trips."""
        seconds, micros = call(("TIME",))
        now = int(seconds) + int(micros) / 1_000_000
        entries = [(one.name, self._texts[one.name], _after(one, now)) for one in self._entries]
        reply = call(offer(self._app, self._digest, UNSEEN, entries))
        in_force, others, gone = reply[0] == 1, _names(reply[1]), _names(reply[2])
        for name in gone:
            call(("DEL", keys.history(name), keys.outcomes(name)))
            logger.info("periodic job %s is no more", name)
        if (in_force, others) != self._was:
            self._say(in_force, others)
            self._was = (in_force, others)

    def _say(self, in_force: bool, others: Sequence[str]) -> None:
        if not in_force:
            logger.warning(
                "the periodic jobs of this process are an older release's: they come into force when "
                "no process of the newer one has been seen for %d s",
                UNSEEN,
            )
        for name in others:
            logger.error(
                "periodic job %s is left out: another application, or somebody by kiq.api, has one of that "
                "name; give it another",
                name,
            )


def _after(one: Definition, now: float) -> int | None:
    return one.after(now)


def _names(raws: Sequence[bytes]) -> list[str]:
    return [raw.decode(errors="replace") for raw in raws]
