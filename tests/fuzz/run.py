"""Feed hostile payloads to live workers, and account for each: ``python -m tests.fuzz.run --help``.

Every distinct payload is fed raw to a queue, the retry set or the scheduled set (the special ones to
all three), in batches. When a batch is settled, each of its payloads must be found where it belongs:
what is no job in the dead set, byte for byte and with a reason; a job that fails in the retry or dead
set, or dropped because its options say so; a good one has run, once, as a file outside Redis tells.
No worker may have died, lost a thread, or met an error of its own.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.generate import samples
from tests.fuzz.ground import Ground
from tests.fuzz.identity import digest
from tests.fuzz.judge import PLACES, Fate, Place
from tests.fuzz.ledger import Ledger, shown
from tests.fuzz.samples import Sample

BATCH = 10_000
_BATCH_BYTES = 50_000_000
_SHOWN = 10

Errand = tuple[Sample, Place]


@dataclass(slots=True)
class Result:
    """What a run came to. *wrong* says in words all that is not as it must be; empty is good."""

    seed: int
    payloads: int = 0
    distinct: int = 0
    found: Counter[Fate] = field(default_factory=Counter)
    lost: int = 0
    dead_threads: int = 0
    growth: list[int] = field(default_factory=list)  # bytes of each worker, since the first batch
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        rows: list[tuple[str, object]] = [("payloads", self.payloads), ("distinct", self.distinct)]
        rows += [(fate, self.found[fate]) for fate in _FATES]
        rows += [("lost", self.lost), ("dead threads", self.dead_threads)]
        rows += [("growth of workers", " ".join(f"{each / 1e6:+.1f} MB" for each in self.growth))]
        rows += [("payloads/s", round(self.payloads / max(self.seconds, 0.001)))]
        rows += [("seed", self.seed)]
        lines = [f"{name:18} {figure}" for name, figure in rows]
        lines += [f"WRONG: {each}" for each in self.wrong[:_SHOWN]]
        if len(self.wrong) > _SHOWN:
            lines.append(f"... and {len(self.wrong) - _SHOWN} more")
        return "\n".join(lines)


_FATES: tuple[Fate, ...] = ("dead raw", "dead job", "retry", "run", "dropped", "stray")

Meddle = Callable[[Ground], object]


def fuzz(
    ground: Ground,
    seed: int,
    count: int,
    *,
    stream: Iterator[Sample] | None = None,
    thorough: bool = True,
    timeout: float = 300,
    meddle: Meddle | None = None,
    say: Callable[[str], object] | None = None,
) -> Result:
    """Feed *count* payloads of *seed* to the workers of *ground*; stop at the first batch that is wrong.

    *timeout* is how many seconds a batch may take. *stream* and *meddle* are for tests of the fuzzer
    itself: what to feed instead, and what to do before a settled batch is looked at.
    """
    stream = stream or samples(seed, thorough=thorough)
    result = Result(seed)
    began = time.monotonic()
    before = ground.threads()
    resident: list[int] = []
    for ledger in _batches(errands(stream, result, thorough=thorough), count):
        ground.feed([(fed.raw, fed.place) for fed in ledger.open.values()])
        settled = ground.settle(timeout)
        if meddle is not None:
            meddle(ground)
        result.payloads += len(ledger.open)
        _check(ground, ledger, result, None if settled else ground.unsettled())
        resident = resident or ground.resident()
        if say is not None:
            say(f"{result.payloads:,} payloads")
        if result.wrong:
            break
    result.seconds = time.monotonic() - began
    after = ground.threads()
    result.dead_threads = sum(len(old - new) for old, new in zip(before, after, strict=True))
    result.growth = [new - old for old, new in zip(resident, ground.resident(), strict=True)]
    _check_workers(ground, result, [new - old for old, new in zip(before, after, strict=True)])
    return result


def errands(stream: Iterator[Sample], result: Result, *, thorough: bool) -> Iterator[Errand]:
    """Yield payloads with their places: in turn, or all three for the special ones when *thorough*.

    None comes twice; *result* counts them.
    """
    seen: set[bytes] = set()
    for number, sample in enumerate(stream):
        name = digest(sample.raw)
        if name in seen:
            continue
        seen.add(name)
        result.distinct = len(seen)
        if sample.everywhere and thorough:
            yield from ((sample, place) for place in PLACES)
        else:
            yield sample, PLACES[(number + result.seed) % len(PLACES)]


def _batches(source: Iterator[Errand], count: int) -> Iterator[Ledger]:
    """Yield ledgers of *count* payloads in all; what has its like in a batch waits for the next."""
    postponed: deque[Errand] = deque()
    while count > 0:
        ledger = Ledger()
        size = 0
        waiting, postponed = postponed, deque()
        while len(ledger.open) < min(BATCH, count) and size < _BATCH_BYTES:
            sample, place = waiting.popleft() if waiting else next(source)
            if ledger.feed(sample, place):
                size += len(sample.raw)
            else:
                postponed.append((sample, place))
        postponed.extend(waiting)
        count -= len(ledger.open)
        yield ledger


def _check(
    ground: Ground, ledger: Ledger, result: Result, unsettled: dict[str, int] | None
) -> None:
    ground.gather(ledger)
    result.found.update(ledger.found)
    result.wrong += ledger.wrong
    if unsettled is not None:
        result.wrong.append(f"not settled in time: {unsettled}")
    missing = ledger.missing()
    result.lost += len(missing)
    for fed in missing:
        wanted = " or ".join(sorted(fed.fates))
        result.wrong.append(f"lost; fed to {fed.place}, should be {wanted}: {shown(fed.raw)}")


def _check_workers(ground: Ground, result: Result, new: list[set[str]]) -> None:
    for number, worker in enumerate(ground.workers):
        if not worker.running:
            result.wrong.append(f"worker {number} ended with {worker.wait()}: {worker.log[-2000:]}")
    if result.dead_threads or any(new):
        names = f"{result.dead_threads} threads ended, {sum(map(len, new))} began"
        result.wrong.append(f"the threads of the workers are not what they were: {names}")
    result.wrong += [f"in a log: {line}" for line in ground.complaints()]


def main() -> int:
    """Run from the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--payloads", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--timeout", type=float, default=300, help="seconds that a batch may take")
    parser.add_argument("--part", action="store_true", help="of what is exhaustive, only a part")
    parser.add_argument("--log-every", type=int, default=50, help="log one of so many job errors")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kiq-fuzz-") as folder:
        ground = Ground(Path(folder), options.workers, log_every=options.log_every)
        try:
            result = fuzz(
                ground,
                options.seed,
                options.payloads,
                thorough=not options.part,
                timeout=options.timeout,
                say=_show_progress,
            )
        finally:
            ground.close()
    sys.stderr.write("\n")
    print(result)
    return 1 if result.wrong else 0


def _show_progress(line: str) -> None:
    sys.stderr.write(f"\r{line}")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
