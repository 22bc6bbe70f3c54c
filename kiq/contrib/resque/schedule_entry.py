"""One entry of a schedule as resque-scheduler writes it, in terms of kiq's periodic jobs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: What is taken as it is, under the name that kiq has for it.
_SAME = {
    **{"cron": "cron", "every": "every", "queue": "queue", "description": "description"},
    **{"timezone": "timezone", "tz": "timezone", "first_at": "start", "last_at": "end"},
    **{"overlap": "overlap", "missed": "missed", "within": "within", "jitter": "jitter"},
    **{"start": "start", "end": "end"},
}
_OTHERS = (
    "class",
    "args",
    "rails_env",
    "env",
    "never",
    "parameters",
    "persist",
    "allow_overlapping",
)
_ELSEWHERE = {
    "first_in": "is refused: an interval stands on the clock, not on the start of a process; leave it "
    "out, or write first_at: 2030-01-31T12:00",
    "custom_job_class": "is refused: let class name the job that is to be pushed",
    "timeout": 'is refused: write kiq_options = {"time_limit": 60} in the class',
    "times": "is refused: write last_at: 2030-01-31T12:00",
    "in": "is refused: use resque.enqueue_in",
    "at": "is refused: use resque.enqueue_at",
}
_DAY_OR_LONGER = {"y": 365, "M": 30}


@dataclass(frozen=True, slots=True)
class Entry:
    """Which class (its name, or the class itself), and what kiq's periodic jobs are to be told of it.

    *environments* are those in which it counts, None: all. *parameters* are a form, for people.
    """

    name: str
    job: Any
    written: Mapping[str, Any]
    environments: frozenset[str] | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def counts_in(self, environment: str) -> bool:
        """Tell whether it is for this *environment*."""
        return self.environments is None or environment in self.environments


class WrongEntry(ValueError):
    """What is wrong with one *key* of an entry."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


def entry_of(name: str, config: Mapping[str, Any], _line: int | None = None) -> Entry:
    """Return what *config*, under *name*, says. Raises WrongEntry."""
    given = {str(key).removeprefix(":"): value for key, value in config.items()}
    for key in given:
        if key in _ELSEWHERE:
            raise WrongEntry(key, _ELSEWHERE[key])
        if key not in _SAME and key not in _OTHERS:
            known = ", ".join(
                ("cron", "every", "class", "queue", "args", "description", "rails_env")
            )
            raise WrongEntry(key, f"is no key of a schedule; there are: {known} and more")
    written = {
        kiqs: given[key]
        for key, kiqs in _SAME.items()
        if given.get(key) is not None and given[key] != ""
    }
    written |= _interval(written.pop("every", None)) | _expression(written)
    written["args"] = _arguments(given.get("args"))
    if given.get("allow_overlapping") is False or written.get("overlap") is False:
        written["overlap"] = "skip"
    if given.get("never") not in (None, False):
        written["enabled"] = False
    return Entry(
        name,
        given.get("class") or name,
        written,
        _environments(given.get("rails_env", given.get("env"))),
        given.get("parameters") or {},
    )


def _interval(every: Any) -> dict[str, Any]:
    """Read ``"30s"``, ``["30s"]``, and ``["30s", {"first_at": "..."}]``."""
    if every is None:
        return {}
    options: Mapping[str, Any] = {}
    if isinstance(every, list | tuple):
        more = every[1] if len(every) > 1 else {}
        if not every or len(every) > 2 or not isinstance(more, Mapping):
            raise WrongEntry(
                "every", f"must be a time, or a list of one and its options, not {every!r}"
            )
        every, options = every[0], {str(key).removeprefix(":"): it for key, it in more.items()}
    found: dict[str, Any] = {"every": _span(every)}
    for key, value in options.items():
        if key in _ELSEWHERE:
            raise WrongEntry("every", f"{key} {_ELSEWHERE[key]}")
        if key in ("allow_overlapping", "overlap") and value is False:
            found["overlap"] = "skip"
        elif key in ("first_at", "last_at"):
            found[_SAME[key]] = value
        elif key not in ("allow_overlapping", "overlap"):
            raise WrongEntry("every", f"kiq knows no option {key!r} of an interval")
    return found


def _span(every: Any) -> Any:
    """Rufus writes years as ``1y`` and months as ``1M``: of 365 and 30 days."""
    if isinstance(every, str) and every[:-1].isdecimal() and every[-1:] in _DAY_OR_LONGER:
        return f"{int(every[:-1]) * _DAY_OR_LONGER[every[-1]]}d"
    return every


def _expression(written: Mapping[str, Any]) -> dict[str, Any]:
    """Take a time zone off the end of ``"0 3 * * * Europe/Paris"``."""
    cron = written.get("cron")
    if isinstance(cron, list | tuple) and cron:
        cron = cron[0]
    if not isinstance(cron, str):
        return {}
    *fields, last = cron.split() or [""]
    if len(fields) >= 5 and (last == "UTC" or "/" in last) and last[:1].isalpha():
        return {"cron": " ".join(fields), "timezone": last}
    return {"cron": cron}


def _arguments(args: Any) -> list[Any]:
    """A mapping is one argument, a list is all of them, and anything else is one."""
    if args is None or args == "":
        return []
    return list(args) if isinstance(args, list | tuple) else [args]


def _environments(names: Any) -> frozenset[str] | None:
    if names is None or names == "":
        return None
    each = names.split(",") if isinstance(names, str) else names
    if not isinstance(each, list | tuple) or not all(isinstance(one, str) for one in each):
        raise WrongEntry("rails_env", f"must be names of environments, not {names!r}")
    return frozenset(one.strip() for one in each)
