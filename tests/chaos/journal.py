"""What ran, as the journal outside Redis tells it, against what was promised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path


class Journal:
    """The file to which the jobs append their starts ("S") and ends ("X")."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()

    def lines(self) -> list[list[str]]:
        """Return the lines so far: word, jid, pid."""
        return [line.split() for line in self.path.read_text().splitlines()]

    def counts(self, word: str) -> Counter[str]:
        """Return how often each job noted *word*."""
        return Counter(line[1] for line in self.lines() if line[0] == word)

    def ended(self) -> set[str]:
        """Return the jobs that ran to their end."""
        return set(self.counts("X"))


@dataclass(frozen=True)
class Account:
    """The account of a run, in Jepsen's words. All are numbers of jobs, but for *duplicated*.

    *duplicated* counts runs beyond the first (beyond the second, of a job that failed once and said
    so by "F"). A job is *stuck* when Redis has it and it never ends,
    *lost* when nobody has it, *unexpected* when it ran though nobody asked.
    """

    attempts: int
    acknowledged: int
    ok: int
    dead: int
    stuck: int
    lost: int
    unexpected: int
    duplicated: int

    def __str__(self) -> str:
        return ", ".join(f"{name} {number}" for name, number in vars(self).items())


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
    ended, asked = journal.ended(), set(acknowledged)
    missing = asked - ended - set(dead)
    return Account(
        attempts=len(attempted),
        acknowledged=len(asked),
        ok=len(asked & ended),
        dead=len(asked & set(dead)),
        stuck=len(missing & set(held)),
        lost=len(missing - set(held)),
        unexpected=len(ended - set(attempted)),
        duplicated=sum(count - 1 - min(1, failed[jid]) for jid, count in starts.items()),
    )
