"""Pushing by name: a bare dict, as other languages push, or a class that is named by a string."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .client import default_client
from .errors import PayloadError, StoreError
from .options import DEFAULTS
from .payload import UNCANCELLED, Payload, normalized
from .pusher import Route
from .registry import JobSpec, registry


def push(item: Mapping[str, Any]) -> str | None:
    """Push a job given as a dict: ``{"class": "app.HardWorker", "args": ["Bob", 5]}``.

    Takes Sidekiq's fields (``queue``, ``retry``, ``at`` ...), keeps unknown ones. A registered class
    adds its options, and checks the arguments. Returns the jid, or None where client middleware
    vetoed. One round trip, two for a ``jid`` of your own: a cancel of that jid before this push does not
    mean this job. Raises PayloadError or StoreError.
    """
    payload, spec = prepared(item)
    route = default_client()
    return route.here().push(spared(route, payload, item), spec.cls if spec else None)


def spared(route: Route, payload: Payload, item: Mapping[str, Any]) -> Payload:
    """Return *payload*, exempt from a cancel before now where *item* gave its jid."""
    if "jid" in item:
        try:
            mark = route.mark_of(payload["jid"])
        except StoreError:
            return payload  # the push will say what is wrong with Redis, if it is that
        if mark is not None:
            payload[UNCANCELLED] = mark
    return payload


def push_bulk(
    item: Mapping[str, Any], args: Iterable[Sequence[Any]], *, batch_size: int | None = None
) -> list[str | None]:
    """Push one job for each of *args* (a list or tuple each), all else as *item* says.

    One round trip for each *batch_size* (1,000, or 100 with ``at``). Raises BulkPushError, which
    lists what was pushed, when it breaks half-way.
    """
    payloads, spec = prepared_bulk(item, args, batch_size)
    pusher = default_client().here(bulk=True)
    return pusher.push_slices(payloads, spec.cls if spec else None, batch_size)


def prepared_bulk(
    item: Mapping[str, Any], args: Iterable[Sequence[Any]], batch_size: int | None
) -> tuple[Iterator[Payload], JobSpec | None]:
    """Return the payloads of a bulk, and the job class if it is known here. Raises PayloadError."""
    _require_dict(item)
    if "jid" in item:
        raise PayloadError("push_bulk gives each job an id of its own: leave 'jid' out")
    if batch_size is not None and batch_size < 1:
        raise PayloadError(f"batch_size must be 1 or more, not {batch_size!r}")
    _, spec = prepared({**item, "args": []}, arguments=False)
    return _payloads(item, args), spec


def _require_dict(item: object) -> None:
    if not isinstance(item, Mapping):
        raise PayloadError(
            f'a job is a dict such as {{"class": "app.HardWorker", "args": [1]}}, not {item!r}'
        )


def _payloads(item: Mapping[str, Any], args: Iterable[Sequence[Any]]) -> Iterator[Payload]:
    for one in args:
        if type(one) is not list and type(one) is not tuple:
            raise PayloadError(
                f"{item.get('class')}: give each job's arguments as a list or tuple, not {one!r}"
            )
        yield prepared({**item, "args": list(one)})[0]


def prepared(item: Mapping[str, Any], *, arguments: bool = True) -> tuple[Payload, JobSpec | None]:
    """Return the payload of *item*, and the job class if it is known here. Raises PayloadError."""
    _require_dict(item)
    name = item.get("class")
    if isinstance(name, type) or hasattr(name, "_kiq_spec"):
        known: JobSpec | None = getattr(name, "_kiq_spec", None)
        if known is None:
            raise PayloadError(f"{name!r} is no job class: derive it from kiq.Job")
        item = {**item, "class": known.name}
    spec = registry.find(name) if isinstance(name, str) else getattr(name, "_kiq_spec", None)
    payload = normalized(item, spec.options if spec else DEFAULTS)
    if spec is not None and arguments:
        spec.arity.check(spec.name, payload["args"], payload.get("kwargs", {}))
    return payload, spec
