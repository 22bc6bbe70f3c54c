"""How people say which jobs they mean: ``class:Mail error:timeout age>2h -tag:vip text``. Pure.

One language for commands, pages and programs. Words stand for text that the payload holds; what has a key
is compared with that. What is said of different things must all be true, of one thing one of it; a minus
in front means: not so. Quotes hold blanks: ``error:"no route"``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..errors import ConfigError
from .fingerprint import fingerprint
from .job_record import JobRecord

_UNITS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_TERM = re.compile(r"""(-?)(?:([a-z]+)(:|>=|<=|>|<|=))?("(?:[^"\\]|\\.)*"|[^\s"]+)""")
_PLAIN = frozenset(map(chr, range(32, 127))) - set('"\\')
_MOST = 20

Compare = Callable[[JobRecord, str], bool]


def _error(job: JobRecord, wanted: str) -> bool:
    said = f"{job.error_class or ''}: {job.error_message or ''}"
    return wanted.lower() in said.lower()


#: What a key with a colon is compared with.
_TEXTS: Mapping[str, Compare] = {
    "class": lambda job, wanted: (
        wanted in (job.class_name, job.display_class)
        or job.display_class.rpartition(".")[2] == wanted
    ),
    "queue": lambda job, wanted: job.queue == wanted,
    "jid": lambda job, wanted: job.jid == wanted,
    "tag": lambda job, wanted: wanted in job.tags,
    "batch": lambda job, wanted: job.bid == wanted,
    "error": _error,
    "group": lambda job, wanted: fingerprint(job) == wanted,
    "text": lambda job, wanted: wanted.encode("utf-8", "surrogateescape") in job.raw,
}
_NUMBERS = ("age", "retries")


@dataclass(frozen=True, slots=True)
class Term:
    """One part of a filter: *key*, how it is compared (``:``, ``>``, ``<=``), and with what."""

    key: str
    how: str
    wanted: str
    number: float = 0.0
    negated: bool = False

    def fits(self, job: JobRecord, now: float) -> bool:
        """Tell whether *job* is like that; *now* is epoch seconds."""
        if self.how == ":":
            return _TEXTS[self.key](job, self.wanted)
        if self.key == "age":
            since = job.failed_at or job.enqueued_at or job.created_at
            value = None if since is None else now - since
        else:
            # Of one that never failed: none.
            value = 0.0 if job.retry_count is None else float(job.retry_count + 1)
        return value is not None and _compared(value, self.how, self.number)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which jobs are meant. *text* is what was said, *terms* what it means."""

    text: str
    terms: Sequence[Term]

    def __bool__(self) -> bool:
        """Tell whether anything is asked for at all."""
        return bool(self.terms)

    def takes(self, job: JobRecord, now: float) -> bool:
        """Tell whether *job* is meant; *now* is epoch seconds."""
        by_key: dict[str, bool] = {}
        for term in self.terms:
            fits = term.fits(job, now)
            if term.negated or term.how != ":" or term.key == "text":
                if fits == term.negated:
                    return False
            else:
                by_key[term.key] = by_key.get(term.key, False) or fits
        return all(by_key.values())

    @property
    def needle(self) -> bytes:
        """What the bytes of every job that is meant hold, so that Redis need not send others."""
        texts = [term for term in self.terms if term.how == ":" and not term.negated]
        for key in ("text", "jid", "tag", "queue", "batch", "class"):
            of_key = [term.wanted for term in texts if term.key == key]
            # Of several one is enough, except for text: there all must be in it.
            if of_key and (len(of_key) == 1 or key == "text"):
                wanted = max(of_key, key=len)
                if key == "text" or _PLAIN.issuperset(wanted):
                    return wanted.encode("utf-8", "surrogateescape")
        return b""


def parse_filter(text: str) -> Filter:
    """Return the filter that *text* says. Raises ConfigError, with the part that can't be meant."""
    terms: list[Term] = []
    at = 0
    stripped = text.strip()
    while at < len(stripped):
        if stripped[at].isspace():
            at += 1
            continue
        found = _TERM.match(stripped, at)
        if found is None:
            raise ConfigError(f"a quote is not closed in the filter: {stripped[at : at + 60]!r}")
        terms.append(_term(*found.groups(), whole=found[0]))
        at = found.end()
    if len(terms) > _MOST:
        raise ConfigError(f"a filter has at most {_MOST} parts, not {len(terms)}")
    return Filter(stripped, tuple(terms))


def _term(minus: str, key: str | None, how: str | None, value: str, *, whole: str) -> Term:
    wanted = _unquoted(value)
    negated = minus == "-"
    if key is None or how is None:
        return Term("text", ":", wanted, negated=negated)
    if how in (":", "=") and key in _TEXTS:
        return Term(key, ":", wanted, negated=negated)
    if how != ":" and key in _NUMBERS:
        number = _seconds(wanted, whole) if key == "age" else _count(wanted, whole)
        return Term(key, how, wanted, number, negated)
    if key in _TEXTS or key in _NUMBERS:
        form = f"{key}:..." if key in _TEXTS else f"{key}>..."
        raise ConfigError(f"{whole!r} can't be meant: write {form}")
    known = ", ".join([*(f"{each}:" for each in _TEXTS), *(f"{each}>" for each in _NUMBERS)])
    raise ConfigError(
        f'a filter does not know {key!r} in {whole!r}; it knows {known} (put text in quotes: "{whole}")'
    )


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    return re.sub(r"\\(.)", r"\1", value[1:-1])


def _seconds(text: str, whole: str) -> float:
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,3})?)(s|m|min|h|d|w)", text)
    if found is None:
        raise ConfigError(f"{whole!r} says no duration: write age>30s, age>10m, age>2h, age<7d")
    return float(found[1]) * _UNITS[found[2]]


def _count(text: str, whole: str) -> float:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise ConfigError(f"{whole!r} says no number: write retries>=5")
    return float(text)


def _compared(value: float, how: str, number: float) -> bool:
    match how:
        case ">":
            return value > number
        case ">=":
            return value >= number
        case "<":
            return value < number
        case "<=":
            return value <= number
        case _:
            return value == number
