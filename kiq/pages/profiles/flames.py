"""What a profile's document says, as boxes of a flame graph and as a list of functions. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

#: Boxes that are narrower than this share of the whole are left out, and what is deeper than so many.
_NARROWEST, _DEEPEST = 0.003, 80
_MOST_FUNCTIONS = 30


@dataclass(slots=True)
class Box:
    """A function, called from the one below it: times in milliseconds, *left* from the beginning."""

    name: str
    file: str
    line: int
    category: int
    depth: int
    total: float = 0.0
    own: float = 0.0
    left: float = 0.0
    calls: dict[int, Box] = field(default_factory=dict)


@dataclass(slots=True)
class Spent:
    """What a function took in all its places: *own* without what it called, *total* with it."""

    name: str
    file: str
    line: int
    own: float = 0.0
    total: float = 0.0


@dataclass(frozen=True, slots=True)
class Flames:
    """A flame graph: boxes from below, and the functions that took most. *whole* is milliseconds."""

    whole: float
    depth: int
    boxes: Sequence[Box]
    functions: Sequence[Spent]


def flames_of(document: Mapping[str, Any]) -> Flames:
    """Return what *document*, of the Firefox Profiler, shows. Raises ValueError if it is no such thing."""
    try:
        root = _tree(document["threads"][0])
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(
            f"it is no document of a profile: {type(error).__name__}: {error}"
        ) from error
    boxes = [box for box in _placed(root) if box.total >= root.total * _NARROWEST]
    depth = max((box.depth for box in boxes), default=0)
    return Flames(root.total, depth, boxes, _functions(root))


def _tree(thread: Mapping[str, Any]) -> Box:
    """Return the root, from which all calls hang; lines of one function are one."""
    stacks, frames, functions = thread["stackTable"], thread["frameTable"], thread["funcTable"]
    texts = thread["stringArray"]
    root = Box("", "", 0, 0, 0)
    nodes: list[Box] = []
    for at, frame in enumerate(stacks["frame"]):
        before = stacks["prefix"][at]
        if before is not None and not 0 <= before < at:
            raise ValueError("it is no document of a profile: a call stands before its caller")
        caller = root if before is None else nodes[before]
        number = frames["func"][frame]
        if number not in caller.calls:
            caller.calls[number] = Box(
                str(texts[functions["name"][number]]),
                str(texts[functions["fileName"][number]]),
                int(functions["lineNumber"][number] or 0),
                int(stacks["category"][at] or 0),
                caller.depth + 1,
            )
        nodes.append(caller.calls[number])
    samples = thread["samples"]
    for node, weight in zip(samples["stack"], samples["weight"], strict=True):
        if node is not None and weight > 0:
            nodes[node].own += float(weight)
    _sum_up(root)
    return root


def _walk(root: Box) -> Iterable[Box]:
    ahead = [root]
    while ahead:
        box = ahead.pop()
        yield box
        ahead.extend(reversed(box.calls.values()))


def _sum_up(root: Box) -> None:
    for box in sorted(_walk(root), key=lambda box: -box.depth):
        box.total = box.own + sum(each.total for each in box.calls.values())


def _placed(root: Box) -> Iterable[Box]:
    """Yield all boxes but the root, each with its place."""
    for box in _walk(root):
        left = box.left
        for each in box.calls.values():
            each.left = left
            left += each.total
        if 0 < box.depth <= _DEEPEST:
            yield box


def _functions(root: Box) -> Sequence[Spent]:
    """Return the functions, those first that took most themselves. One that calls itself counts once."""
    found: dict[tuple[str, str, int], Spent] = {}
    open_now: Counter[tuple[str, str, int]] = Counter()
    ahead = [(each, True) for each in root.calls.values()]
    while ahead:
        box, enters = ahead.pop()
        key = (box.name, box.file, box.line)
        if not enters:
            open_now[key] -= 1
            continue
        spent = found.setdefault(key, Spent(*key))
        spent.own += box.own
        spent.total += 0 if open_now[key] else box.total
        open_now[key] += 1
        ahead.append((box, False))
        ahead.extend((each, True) for each in box.calls.values())
    return sorted(found.values(), key=lambda one: -one.own)[:_MOST_FUNCTIONS]
