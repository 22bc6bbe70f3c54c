"""``kiq push CLASS ARGS``: a job from the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import click

from ..api import ProcessSet
from ..cli.exit_codes import NOT_DONE
from ..clock import wall
from ..errors import PayloadError, StoreError
from ..options import DEFAULTS
from ..pushing import push as push_job
from ..registry import registry
from .ground import Ground, grounded
from .naming import did_you_mean
from .screen import document, note, say
from .text import visible
from .values import moment, seconds

_KEYWORD = re.compile(r"[^\W\d]\w*")


@click.command()
@click.argument("job_class", metavar="CLASS")
@click.argument("words", nargs=-1, metavar="[ARG]...")
@click.option(
    *("-k", "--kwarg", "keywords"), multiple=True, metavar="NAME=VALUE", help="A keyword argument."
)
@click.option("-q", "--queue", metavar="NAME", help="The queue, instead of the class's.")
@click.option("--in", "delay", type=seconds, metavar="TIME", help="Not now: in 90s, 10m, 2h, 7d.")
@click.option("--at", type=moment, metavar="WHEN", help="Not now: at 2030-01-31T12:00:00Z.")
@click.option("--retry", metavar="N", help="How many retries; false: none, not even the dead set.")
@click.option("--unknown", is_flag=True, help="Also a class that nothing imported has.")
@grounded(requires=True)
def push(
    ground: Ground,
    job_class: str,
    words: Sequence[str],
    keywords: Sequence[str],
    unknown: bool,
    **options: Any,
) -> None:
    """Push a job of CLASS, as app.jobs.HardWorker; writes its jid.

    An ARG is JSON where it can be read so, else a plain word: Bob 5 '"5"' '{"a": [1]}'. Write -- in
    front of arguments that begin with a dash.
    """
    item: dict[str, Any] = {"class": job_class, "args": [_value(word) for word in words]}
    if keywords:
        item["kwargs"] = _kwargs(keywords)
    item.update(_options(**options))
    if ground.config.require and not unknown:
        _require_known(job_class)
    try:
        jid = push_job(item)
    except PayloadError as error:
        raise click.UsageError(visible(str(error))) from error
    if ground.as_json:
        document({"jid": jid})
    elif jid is not None:
        say(jid)
    if jid is None:
        note("not pushed: client middleware refused it")
        raise click.exceptions.Exit(NOT_DONE)
    if not unknown:
        _remark(ground, item)


def _options(
    queue: str | None, delay: float | None, at: float | None, retry: str | None
) -> dict[str, Any]:
    if delay is not None and at is not None:
        raise click.UsageError("--in and --at: say one of them")
    fields: dict[str, Any] = {}
    if queue is not None:
        fields["queue"] = queue
    if delay is not None:
        fields["at"] = wall() + delay
    if at is not None:
        fields["at"] = at
    if retry is not None:
        fields["retry"] = _retry(retry)
    return fields


def _retry(word: str) -> int | bool:
    if word in ("true", "false"):
        return word == "true"
    if word.isdecimal():
        return int(word)
    raise click.UsageError(f"--retry is a number, true or false, not {visible(word)}")


def _kwargs(keywords: Sequence[str]) -> dict[str, Any]:
    kwargs = {}
    for each in keywords:
        name, equals, word = each.partition("=")
        if not equals or not _KEYWORD.fullmatch(name):
            raise click.UsageError(f"--kwarg {visible(each)}: write NAME=VALUE")
        kwargs[name] = _value(word)
    return kwargs


def _value(word: str) -> Any:
    try:
        return json.loads(word, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return word


def _no_constant(word: str) -> Any:
    # NaN and Infinity are no JSON: they are words.
    raise ValueError(word)


def _require_known(job_class: str) -> None:
    if registry.find(job_class) is not None:
        return
    names = [spec.name for spec in registry.all()]
    raise click.UsageError(
        f"no imported module has a job class {visible(job_class)}{did_you_mean(job_class, names)} "
        "(--unknown pushes it all the same)"
    )


def _remark(ground: Ground, item: Mapping[str, Any]) -> None:
    """Say what nobody checked, and whether no process will take the job; no failure of the push."""
    spec = registry.find(item["class"])
    if spec is None:
        note(
            f"nobody checked that there is a job class {visible(item['class'])}: -r MODULE imports "
            "those of your application"
        )
    queue = str(item.get("queue") or (spec.options if spec else DEFAULTS)["queue"])
    try:
        taken = {name for each in ProcessSet(ground.home) for name in each.queues}
    except StoreError:
        return  # this user may push, and not look
    if taken and queue not in taken:
        note(f"no running process takes queue {visible(queue)}{did_you_mean(queue, taken)}")
