"""Completion of what is typed: words of commands, parts of filters, names that are seen on the page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from textual.suggester import Suggester

from .picture import Row

#: What a filter may say, as docs/web.md has it.
FILTER_KEYS = (
    *("class:", "queue:", "error:", "tag:", "jid:", "batch:", "group:", "text:"),
    *("age>", "age<", "retries>=", "retries<", "-class:", "-queue:", "-error:", "-tag:"),
)


class Completing(Suggester):
    """Completes the last word of what is typed. *words* returns what there is to choose from."""

    def __init__(self, words: Callable[[], Sequence[str]]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._words = words

    async def get_suggestion(self, value: str) -> str | None:
        """Return *value* with its last word completed; None for nothing that fits."""
        return completed(value, self._words())


def completed(value: str, words: Iterable[str]) -> str | None:
    """Return *value* completed by the first of *words* that begins as it does, or as its last word."""
    before, _, last = value.rpartition(" ")
    for word in words:
        if value and word.startswith(value) and word != value:
            return word
        if last and word.startswith(last) and word != last:
            return f"{before} {word}".lstrip()
    return None


def of_page(rows: Iterable[Row]) -> list[str]:
    """Return parts of filters that name classes and queues of *rows*."""
    found: dict[str, None] = {}
    for row in rows:
        job = getattr(row.subject, "job", row.subject)
        for key, name in (("class", "display_class"), ("class", "class_name"), ("queue", "queue")):
            said = getattr(job, name, None)
            if isinstance(said, str) and said.isprintable() and " " not in said:
                found[f"{key}:{said}"] = None
    return list(found)
