"""Signatures: a task and its arguments as data. Chains, groups and chords say what to write instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from .exceptions import CanvasError

_BATCH = (
    "with kiq.Batch(on_success=Done.args(7)): and push the tasks in it; its callback runs when all have "
    "ended (docs/batches.md)"
)
_NEXT = f"let the first task push the second when it is done, or {_BATCH}"
_INSTEAD = {
    "chain": _NEXT,
    "group": _BATCH,
    "chord": _BATCH,
    "chunks": "a task that takes a list, pushed for each slice of it",
    "xmap": "a task that takes a list, pushed for each slice of it",
    "xstarmap": "a task that takes a list, pushed for each slice of it",
    "map": "a task that takes a list, pushed for each slice of it",
    "starmap": "a task that takes a list, pushed for each slice of it",
    "link": _NEXT,
    "link_error": "the task's on_failure, or kiq.host.on_death",
    "on_error": "the task's on_failure, or kiq.host.on_death",
    "replace": "push the other task, and return",
    "add_to_chord": _BATCH,
    "stamp": "tags=[...], an option of kiq's own jobs",
    "freeze": "the id comes with the push",
}


def refuse(name: str) -> NoReturn:
    """Raise CanvasError for *name*."""
    raise CanvasError(f"{name} is not in kiq.contrib.celery; {_INSTEAD[name]}")


def refusing(name: str) -> Callable[..., NoReturn]:
    """Return what stands for *name*, and raises CanvasError when called."""

    def call(*_args: Any, **_kwargs: Any) -> NoReturn:
        refuse(name)

    call.__name__ = name
    return call


chain, group, chord = refusing("chain"), refusing("group"), refusing("chord")
chunks, xmap, xstarmap = refusing("chunks"), refusing("xmap"), refusing("xstarmap")


class Signature(dict[str, Any]):
    """A task, its arguments and options; a dict, so that it can travel as an argument.

    *find* returns the task of a name.
    """

    def __init__(self, given: Mapping[str, Any], find: Callable[[str], Any]) -> None:
        super().__init__(
            task=given["task"],
            args=list(given.get("args") or ()),
            kwargs=dict(given.get("kwargs") or {}),
            options=dict(given.get("options") or {}),
            immutable=bool(given.get("immutable")),
            subtask_type=None,
        )
        self._find = find

    def __getattr__(self, name: str) -> Any:
        if name in _INSTEAD:
            return refusing(name)
        if name in self:
            return self[name]
        raise AttributeError(f"a signature has no {name!r}")

    def __or__(self, other: Any) -> NoReturn:
        refuse("chain")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the task here and now."""
        args_, kwargs_ = self._merged(args, kwargs)
        return self.type(*args_, **kwargs_)

    @property
    def type(self) -> Any:
        """The task."""
        return self._find(self["task"])

    def delay(self, *args: Any, **kwargs: Any) -> Any:
        """Push it; *args* come before its own, unless it is immutable."""
        return self.apply_async(args, kwargs)

    def apply_async(
        self, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None, **options: Any
    ) -> Any:
        """Push it, with *options* on top of its own."""
        args_, kwargs_ = self._merged(args, kwargs or {})
        return self.type.apply_async(args_, kwargs_, **{**self["options"], **options})

    def apply(
        self, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None, **options: Any
    ) -> Any:
        """Run it here and now; returns an EagerResult."""
        args_, kwargs_ = self._merged(args, kwargs or {})
        return self.type.apply(args_, kwargs_, **options)

    def clone(
        self, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None, **options: Any
    ) -> Signature:
        """Return another one with more arguments and options."""
        args_, kwargs_ = self._merged(args, kwargs or {})
        given = {**self, "args": args_, "kwargs": kwargs_}
        return Signature({**given, "options": {**self["options"], **options}}, self._find)

    def set(self, immutable: bool | None = None, **options: Any) -> Signature:
        """Set options; return this one."""
        if immutable is not None:
            self["immutable"] = immutable
        self["options"].update(options)
        return self

    def _merged(
        self, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        if self["immutable"]:
            return self["args"], self["kwargs"]
        return [*args, *self["args"]], {**self["kwargs"], **kwargs}


def plain(value: Any) -> Any:
    """Return *value* with plain dicts in place of signatures: as it travels."""
    if isinstance(value, Signature):
        return plain(dict(value))
    if type(value) is list:
        return [plain(each) for each in value]
    if type(value) is dict:
        return {key: plain(each) for key, each in value.items()}
    return value
