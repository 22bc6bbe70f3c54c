"""One entry of a schedule: which job, when, and what when ticks overlap or were missed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .periodic_rule import Rule, Wrong, rule_of, seconds_of

OVERLAPS = ("allow", "skip", "queue", "cancel")
MISSED = ("once", "skip", "all")
#: Of what is written, what may stand beside the rule.
_KEYS = (
    *("cron", "every", "timezone", "start", "end"),
    *("class", "args", "kwargs", "queue", "retry", "options"),
    *("jitter", "overlap", "missed", "within", "description", "enabled"),
)
_OTHER_NAMES = {"tz": "timezone", "job": "class", "schedule": "cron", "missed_within": "within"}
_DAY = 86_400
_LONGEST_NAME = 200  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What somebody wants to run, and when. *payload* is the job, without what is of one push.

    *jitter* and *within* are seconds. *origin* is "file", "code" or "api", *app* whose file or code.
    """

    name: str
    rule: Rule
    payload: Mapping[str, Any]
    jitter: int = 0
    overlap: str = "allow"
    missed: str = "once"
    within: int = _DAY
    description: str = ""
    enabled: bool = True
    origin: str = "file"
    app: str = ""
    line: int | None = field(default=None, compare=False)

    def text(self) -> str:
        """Return the form in which Redis has it: the same for what is the same."""
        rule = {
            name: value
            for name in ("cron", "every", "timezone", "start", "end")
            if (value := getattr(self.rule, name))
        }
        fields = {
            name: getattr(self, name)
            for name in ("jitter", "overlap", "missed", "within", "description", "enabled")
        }
        whose = {"origin": self.origin, "app": self.app, "identity": self.rule.identity}
        whole = {**rule, **fields, **whose, "payload": dict(self.payload)}
        return json.dumps(whole, sort_keys=True, separators=(",", ":"))

    def after(self, moment: float) -> int | None:
        """Return the next tick behind *moment*; None where there is none, or it is not enabled."""
        return self.rule.after(moment) if self.enabled else None

    def of(self, origin: str, app: str) -> Definition:
        """Return it as one of that origin."""
        return replace(self, origin=origin, app=app)


def read(name: str, text: str | bytes) -> Definition:
    """Return the definition that Redis has as *text*. Raises ValueError for what is none."""
    try:
        found = json.loads(text)
        rule = rule_of(*(found.get(key) for key in ("cron", "every", "timezone", "start", "end")))
        names = ("jitter", "overlap", "missed", "within", "description", "enabled", "origin", "app")
        more = {key: found[key] for key in names if key in found}
        return Definition(name=name, rule=rule, payload=dict(found["payload"]), **more)
    except (TypeError, KeyError, AttributeError, UnicodeDecodeError) as error:
        raise ValueError(f"unreadable: {type(error).__name__}: {error}") from None


def parse(name: str, written: Mapping[str, Any], line: int | None = None) -> Definition:
    """Return the definition that *written* says. Raises Wrong, which names the key that is wrong."""
    check_name(name)
    given = {_OTHER_NAMES.get(key, key): value for key, value in written.items()}
    for key in given:
        if key not in _KEYS:
            raise Wrong(key, f"is no key of a periodic job; there are: {', '.join(_KEYS)}")
    rule = rule_of(*(given.get(key) for key in ("cron", "every", "timezone", "start", "end")))
    return Definition(
        name=name,
        rule=rule,
        payload=_payload(given),
        jitter=_span(given, "jitter", 0),
        overlap=_word(given, "overlap", OVERLAPS),
        missed=_word(given, "missed", MISSED),
        within=_span(given, "within", _DAY),
        description=_text(given, "description"),
        enabled=_truth(given, "enabled"),
        line=line,
    )


def check_name(name: Any) -> None:
    """Raise Wrong where a periodic job can't be called so."""
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        raise Wrong("", f"the name of a periodic job is text on one line, not {name!r}")
    if len(name) > _LONGEST_NAME:
        raise Wrong("", f"the name of a periodic job has at most {_LONGEST_NAME} characters")


def _payload(given: Mapping[str, Any]) -> dict[str, Any]:
    name = given.get("class")
    if not isinstance(name, str) or not name:
        raise Wrong("class" if "class" in given else "", "needs class, the name of a job class")
    args, kwargs = given.get("args", []), given.get("kwargs", {})
    args = [args] if not isinstance(args, list | tuple) else list(args)
    if not isinstance(kwargs, dict):
        raise Wrong("kwargs", f"must be a mapping, not {kwargs!r}")
    options = given.get("options", {})
    if not isinstance(options, dict):
        raise Wrong("options", f"must be a mapping of options, not {options!r}")
    chosen = {key: given[key] for key in ("queue", "retry") if key in given}
    payload = {**options, **chosen, "class": name, "args": args}
    if kwargs:
        payload["kwargs"] = kwargs
    for key in ("args", "kwargs", "options"):
        try:
            same = json.loads(json.dumps(given.get(key)))
        except (TypeError, ValueError):
            same = None
        if key in given and same != _as_lists(given[key]):
            raise Wrong(
                key, "must hold what JSON carries: text, numbers, true, false, lists, mappings"
            )
    return payload


def _as_lists(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _span(given: Mapping[str, Any], key: str, default: int) -> int:
    value = given.get(key, default)
    if value in (0, "0", "0s") and not isinstance(value, bool):
        return 0
    try:
        return seconds_of(value)
    except ValueError as error:
        raise Wrong(key, str(error)) from None


def _word(given: Mapping[str, Any], key: str, allowed: tuple[str, ...]) -> str:
    value = given.get(key, allowed[0])
    if value not in allowed:
        raise Wrong(key, f"must be one of {', '.join(allowed)}, not {value!r}")
    return str(value)


def _text(given: Mapping[str, Any], key: str) -> str:
    value = given.get(key, "")
    if not isinstance(value, str):
        raise Wrong(key, f"must be text, not {value!r}")
    return value


def _truth(given: Mapping[str, Any], key: str) -> bool:
    value = given.get(key, True)
    words = {"yes": True, "on": True, "no": False, "off": False}
    value = words.get(value.lower(), value) if isinstance(value, str) else value
    if not isinstance(value, bool):
        raise Wrong(key, f"must be true or false, not {value!r}")
    return value
