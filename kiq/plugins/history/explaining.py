"""What history says of a job: its attempts, and how it ended."""

from __future__ import annotations

from collections.abc import Iterator

from ...api import Asked, Explainer, Known
from ...wording import duration
from .entry import WORDS
from .reader import JobAttempt, attempts


def explainer() -> Explainer:
    """Return what ``kiq find`` asks."""
    return Explainer("history", knows=_knows)


def _knows(asked: Asked) -> Iterator[Known]:
    for one in attempts(asked.jid, asked.home):
        yield Known(_told(one), one.at, one.word if WORDS.get(one.word) else "")


def _told(one: JobAttempt) -> str:
    words = []
    if one.ran is not None:
        words.append(f"attempt {one.number} at {one.process} ran {duration(one.ran)}")
        if one.waited is not None:
            words[0] += f", after {duration(one.waited)}"
    elif one.process:
        words.append(f"at {one.process}")
    words.append(one.word)
    if one.said:
        words.append(one.said)
    return ": ".join(words)
