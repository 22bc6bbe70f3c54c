"""What ran, as the journal outside Redis tells it, against what was promised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path


class Journal:
    """The file to which the jobs append their starts ("S"), failures ("F") and ends ("X").

    Read a piece at a time, so that a long run can be watched.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()
        self._file = path.open("rb")
        self._rest = b""
        self._lines: list[list[str]] = []
        self._counts: dict[str, Counter[str]] = {}

    def lines(self) -> list[list[str]]:
        """Return the lines so far: word, jid, pid."""
        self._read()
        return self._lines

    def counts(self, word: str) -> Counter[str]:
        """Return how often each job noted *word*."""
        self._read()
        return self._counts.setdefault(word, Counter())

    def ended(self) -> set[str]:
        """Return the jobs that ran to their end."""
        return set(self.counts("X"))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _read(self) -> None:
        whole, _, self._rest = (self._rest + self._file.read()).rpartition(b"\n")
        for line in whole.decode().splitlines():
            word, jid, pid = line.split()
            self._lines.append([word, jid, pid])
            self._counts.setdefault(word, Counter())[jid] += 1


@dataclass(frozen=True)
class Account:
    """The account of a run, in Jepsen's words. All are numbers of jobs, but for *duplicated*.

    *duplicated* counts runs beyond the first (beyond the second, of a job that failed once and said
    so by "F"). A job is *stuck* when Redis has it and it never ends, *lost* when nobody has it,
    *unexpected* when it ran though nobody asked, *recovered* when its push raised an error and it
    was there all the same.
    """

    attempts: int
    acknowledged: int
    ok: int
    dead: int
    stuck: int
    lost: int
    unexpected: int
    recovered: int
    duplicated: int

    def __str__(self) -> str:
        return ", ".join(f"{name} {number:,}" for name, number in vars(self).items())


def account(
    journal: Journal,
    attempted: Collection[str],
    acknowledged: Iterable[str],
    *,
    dead: Collection[str] = (),
    held: Collection[str] = (),
) -> Account:
    """Compare what ended with what was *acknowledged*; *dead* and *held* are what Redis has."""
    starts, failed = journal.counts("S"), journal.counts("F")
    ended, asked, tried = journal.ended(), set(acknowledged), set(attempted)
    missing = asked - ended - set(dead)
    return Account(
        attempts=len(tried),
        acknowledged=len(asked),
        ok=len(asked & ended),
        dead=len(asked & set(dead)),
        stuck=len(missing & set(held)),
        lost=len(missing - set(held)),
        unexpected=len(ended - tried),
        recovered=len((ended & tried) - asked),
        duplicated=sum(count - 1 - min(1, failed[jid]) for jid, count in starts.items()),
    )
