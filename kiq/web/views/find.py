"""Find: a page, something to do, a queue, a class, a process, or a job by any part of it."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from werkzeug.exceptions import NotFound

from ...api import Found, Metrics, Slice, search
from ...errors import ConfigError, StoreError
from ...wording import visible
from ..answers import Page
from ..calls import Call
from ..moments import moment_of
from ..routing import Section
from ..rows import rows_of

_MOST = 8  # of a kind
_JOBS, _LOOK_AT = 10, 20_000  # jobs of a page, and how many are looked at for it
_SHORTEST = 3  # characters that jobs are searched for
_LONGEST = 200
_JID = re.compile(r"[\w:.-]{8,100}", re.ASCII)
_PLANS = (
    ("Run all retries now …", "retries", "retry", "retry"),
    ("Run all dead jobs again …", "dead", "retry", "retry"),
    ("Kill all retries …", "retries", "kill", "delete"),
    ("Delete all retries …", "retries", "delete", "delete"),
    ("Delete all scheduled jobs …", "scheduled", "delete", "delete"),
    ("Delete all dead jobs …", "dead", "delete", "delete"),
)


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that was found: where it leads *to*, a route with its query; *more* are other ways."""

    title: str
    to: str
    query: Mapping[str, str] = field(default_factory=dict)
    about: str = ""
    more: Sequence[tuple[str, str, Mapping[str, str]]] = ()


def finder(sections: Sequence[Section]) -> Callable[[Call], Page]:
    """Return the page that finds, also the pages of *sections*."""

    def find_page(call: Call) -> Page:
        """Show what is like what the URL says. Jobs cost a round trip for each thousand."""
        text = " ".join(call.said("q").split())[:_LONGEST]
        low = text.lower()
        groups = {
            "Pages": list(_pages(call, sections, low)) if text else [],
            "Queues": list(_queues(call, low)) if text else [],
            "Classes": list(_classes(call, low)) if text else [],
            "Processes": list(_processes(call, low)) if text else [],
        }
        jobs = _jobs(call, text)
        values = {
            "title": "Find",
            "text": text,
            "groups": {name: hits for name, hits in groups.items() if hits},
            "jid": text if _JID.fullmatch(text) and any(map(str.isdigit, text)) else "",
            "jobs": list(zip(jobs.found, _rows(call, jobs.found), strict=True)),
            "behind": jobs.cursor,
            "looked_at": jobs.looked_at,
            "searched": len(text) >= _SHORTEST,
            "shortest": _SHORTEST,
        }
        return Page("find.html", values)

    return find_page


def _pages(call: Call, sections: Sequence[Section], low: str) -> Iterator[Hit]:
    for each in sections:
        title = call.locale.text(each.title)
        if each.title and (low in title.lower() or low in each.title.lower()):
            yield Hit(title, each.first)
    for words, name, deed, permission in _PLANS:
        title = call.locale.text(words)
        if low in title.lower() and call.visitor.may(permission):
            yield Hit(title, "plan", {"set": name, "deed": deed})


def _queues(call: Call, low: str) -> Iterator[Hit]:
    queues = moment_of(call.fleet).queues
    for each in [one for one in queues if low in one.name.lower()][:_MOST]:
        named = {"name": each.name}
        clear = call.visitor.may("delete")
        more = [(call.locale.text("Clear …"), "queue.confirm", named)] if clear else []
        about = call.locale.count("{n} job", "{n} jobs", each.size)
        yield Hit(visible(each.name), "queue", named, about, more)


def _classes(call: Call, low: str) -> Iterator[Hit]:
    names = call.fleet.look("class-names", functools.partial(_names, call), keep=10.0)
    text = call.locale.text
    for name in [each for each in names if low in each.lower()][:_MOST]:
        wanted = {"q": f'class:"{name}"'}
        sets = (("Retries", "retries"), ("Scheduled", "scheduled"), ("Dead", "dead"))
        more = [(text(words), to, wanted) for words, to in sets]
        yield Hit(visible(name), "metrics.class", {"name": name}, more=more)


def _names(call: Call) -> Sequence[str]:
    try:
        return sorted(Metrics(call.home).top_jobs(minutes=60).jobs)
    except StoreError:
        return ()  # metrics are a nicety: the rest is found without


def _processes(call: Call, low: str) -> Iterator[Hit]:
    found = [one for one in moment_of(call.fleet).processes if low in one.identity.lower()]
    for each in found[:_MOST]:
        about = call.locale.count("{n} job", "{n} jobs", each.busy)
        yield Hit(visible(each.identity), "running", {}, about)


def _jobs(call: Call, text: str) -> Slice:
    if len(text) < _SHORTEST:
        return Slice([], None, 0)
    cursor = call.said("from") or None
    try:
        return search(text=text, cursor=cursor, limit=_JOBS, look_at=_LOOK_AT, client=call.home)
    except ConfigError as error:
        raise NotFound(str(error)) from error


def _rows(call: Call, found: Sequence[Found]) -> Sequence[Any]:
    records = [each.record for each in found if each.record is not None]
    rows = iter(rows_of(records, call.visitor))
    return [next(rows) if each.record is not None else None for each in found]
