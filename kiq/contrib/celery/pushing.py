"""One push of a task, by kiq's own call, or with an id that the caller chose."""

from __future__ import annotations

from typing import Any, NamedTuple

from ...function_job import FunctionJob
from ...pushing import push as push_payload


class Pushed(NamedTuple):
    """The id ("" where a layer vetoed), and whether a result is kept."""

    jid: str
    keeps: bool


def push(
    job: FunctionJob[..., Any],
    args: list[Any],
    kwargs: dict[str, Any],
    options: dict[str, Any],
    jid: str | None,
) -> Pushed:
    """Push a job of *job* with *options*, and ``at`` among them. Raises as ``perform_async`` does."""
    due = options.pop("at", None)
    chosen = job.set(**options) if options else job
    keeps = {**job._kiq_spec.options, **options}.get("result_ttl") is not None
    if jid is not None:
        chosen.args(*args, **kwargs)  # checks them
        fields = {**chosen._calls.options, **({} if due is None else {"at": due})}
        return push_by_name(job._kiq_spec.name, args, kwargs, fields, jid)
    if due is not None:
        return Pushed(chosen.perform_at(due, *args, **kwargs) or "", keeps)
    return Pushed(chosen.perform_async(*args, **kwargs) or "", keeps)


def push_by_name(
    name: str, args: list[Any], kwargs: dict[str, Any], fields: dict[str, Any], jid: str | None
) -> Pushed:
    """Push a job of the class that payloads call *name*, with all of its *fields*."""
    payload = {**fields, "class": name, "args": args}
    payload |= {"kwargs": kwargs} if kwargs else {}
    payload |= {"jid": jid} if jid is not None else {}
    return Pushed(push_payload(payload) or "", fields.get("result_ttl") is not None)
