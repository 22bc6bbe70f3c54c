"""Steps: loads, and what features do before and behind them, as one command."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any

from ..errors import StoreError
from ..sender import Load, Refusal, Step, StepOutcome, outcome
from . import scripts
from .guarded import raws_of, read_refused
from .scripts import Command, Script
from .translation import translated_text

#: A command that runs a script, and what it is in a step.
Act = tuple[str, Command]


def step_command(step: Step, pushes: Sequence[Sequence[Command]]) -> Command:
    """Return the command that does *step*: all of it in one step, or nothing where it is declined.

    *pushes* are the commands that push each of its loads.
    """
    acts = list(_acts(step, pushes))
    texts = list(dict.fromkeys(scripts.text_of(*command[:2]) for _, command in acts))
    plan: list[Any] = [len(acts)]
    names: list[Any] = []
    arguments: list[Any] = []
    for kind, (how, which, count, *rest) in acts:
        number = texts.index(scripts.text_of(how, which)) + 1
        plan += (kind, number, count, len(rest) - count)
        names += rest[:count]
        arguments += rest[count:]
    return _script(tuple(texts))(names, (*plan, *arguments))


def _acts(step: Step, pushes: Sequence[Sequence[Command]]) -> Iterator[Act]:
    for command in step.before:
        yield "before", command
    for (_, after), commands in zip(step.parts, pushes, strict=True):
        for command in commands:
            yield "push", command
        yield "after", after


@functools.lru_cache(maxsize=64)
def _script(texts: tuple[str, ...]) -> Script:
    acts = "".join(
        f"acts[{number}] = function(KEYS, ARGV, PUSHED)\n{text}\nend\n"
        for number, text in enumerate(texts, 1)
    )
    made = Script("together", f"local acts = {{}}\n{acts}{scripts.read('together')}")
    scripts.remember(made)
    return made


def read_step(step: Step, reply: Any, where: str) -> StepOutcome:
    """Return what became of *step*, as Redis has said in *reply*. Raises the StoreError that it is."""
    if isinstance(reply, StoreError):
        raise reply
    replies = iter(reply)
    for _ in step.before:
        answer = next(replies)
        if answer != 1:
            _raise_refused(answer, where)
            return StepOutcome(answer.decode(errors="replace"), ())
    return StepOutcome("", [_read_part(load, replies, where) for load, _ in step.parts])


def _read_part(load: Load, replies: Iterator[Any], where: str) -> Any:
    errors: dict[str | None, StoreError] = {}
    refused: dict[str, Refusal] = {}
    for place in load.places:
        answer, raws = next(replies), raws_of(place, load.queues, load.scheduled)
        if isinstance(answer, bytes):
            errors[place] = translated_text(answer[1:].decode(errors="replace"), where)
        elif isinstance(answer, list):
            refused.update(read_refused(answer, raws, load.extras, where))
    _raise_refused(next(replies), where)
    return outcome(errors, refused)


def _raise_refused(answer: Any, where: str) -> None:
    """Raise the StoreError that *answer* says, if it says one."""
    if isinstance(answer, bytes) and answer[:1] == b"!":
        raise translated_text(answer[1:].decode(errors="replace"), where)
