"""The account of a batch: what was fed, and where each of it was found. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.fuzz.identity import both, digest, fingerprint
from tests.fuzz.judge import Fate, Place, allowed, read
from tests.fuzz.samples import Sample


@dataclass(frozen=True, slots=True)
class Fed:
    """A payload that was fed at a place, and the fates that it may have there."""

    raw: bytes
    place: Place
    fates: frozenset[Fate]


@dataclass(slots=True)
class Ledger:
    """Fed payloads that were not found yet, by what they are recognised by.

    A batch never has two that look the same after a failure: so each is found exactly once.
    """

    open: dict[bytes, Fed] = field(default_factory=dict)
    found: Counter[Fate] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    _closed: dict[bytes, Fed] = field(default_factory=dict)

    def feed(self, sample: Sample, place: Place) -> bool:
        """Enter *sample*; False when its like is in this batch already, and it must wait."""
        payload = read(sample.raw)
        if sample.known != "?" and (payload is not None) != (sample.known == "job"):
            took = "refused" if payload is None else "taken for a job"
            self.wrong.append(f"{sample.known!r} by construction, {took}: {shown(sample.raw)}")
        fates = allowed(payload, place)
        if "dead raw" in fates or payload is None:
            key = digest(sample.raw)
        else:
            key = fingerprint(payload, with_jid="jid" in payload)
        if key in self.open:
            return False
        self.open[key] = Fed(sample.raw, place, fates)
        return True

    def found_raw(self, raw: bytes, reason: object) -> None:
        """Note that *raw* is in the dead set as it was fed, for *reason*."""
        if not reason:
            self.wrong.append(f"in the dead set without a reason: {shown(raw)}")
        self.strike("dead raw", digest(raw))

    def found_job(self, fate: Fate, payload: Mapping[str, Any]) -> None:
        """Note that the job *payload* is where *fate* says."""
        self.strike(fate, *both(payload))

    def strike(self, fate: Fate, *names: bytes) -> None:
        """Note *fate* for the payload that has one of these *names*."""
        for name in names:
            fed = self.open.pop(name, None)
            if fed is not None:
                self._closed[name] = fed
                self.found[fate] += 1
                if fate not in fed.fates:
                    wanted = " or ".join(sorted(fed.fates))
                    self.wrong.append(f"{fate}, not {wanted}; fed to {fed.place}: {shown(fed.raw)}")
                return
        again = next((self._closed[name] for name in names if name in self._closed), None)
        what = "nobody fed" if again is None else f"was found before: {shown(again.raw)}"
        self.wrong.append(f"found as {fate} what {what}")

    def missing(self) -> list[Fed]:
        """Return what was fed and not found."""
        return list(self.open.values())


def shown(raw: bytes) -> str:
    """Return the first 200 bytes of *raw* in hex, with its length."""
    return f"{raw[:200].hex()} ({len(raw)} bytes)"
