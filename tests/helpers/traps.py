"""Errors that do harm to whoever looks at them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import kiq


class Trap(Exception):
    """What the attributes of the others raise."""


def snap(*_args: Any, **_kwargs: Any) -> NoReturn:
    """Raise a Trap."""
    raise Trap("sprung")


def exploding(name: str, base: type[BaseException] = Exception) -> type[BaseException]:
    """Return a class of errors whose attribute, or special method, *name* raises when it is used."""
    trap = property(snap) if name in _NOT_CALLED else snap
    return type(f"Explodes{name.strip('_').title()}", (base,), {name: trap})


#: What is looked up, and what is called.
ATTRIBUTES = ("__cause__", "__context__", "__notes__", "__class__", "__traceback__", "args")
METHODS = (
    "__str__",
    "__repr__",
    "__eq__",
    "__hash__",
    "__bool__",
    "__len__",
    "__format__",
    "__getattribute__",
    "__getattr__",
    "__reduce_ex__",
    "__suppress_context__",
)


class _Meta(type):
    """A class that does not answer."""

    __name__ = property(snap)  # type: ignore[assignment]
    __instancecheck__ = __subclasscheck__ = __getattribute__ = snap  # type: ignore[assignment]


def _nameless() -> BaseException:
    # Made when it is wanted: whoever looks through all objects would meet it.
    return _Meta("Nameless", (Exception,), {})("n")  # type: ignore[no-any-return]


_NOT_CALLED = (*ATTRIBUTES, "__suppress_context__")

#: All that can raise does.
Everything = type(
    "Everything",
    (Exception,),
    {name: property(snap) if name in _NOT_CALLED else snap for name in (*ATTRIBUTES, *METHODS)},
)


class LastWords(Exception):
    """Whoever prints it exits."""

    def __str__(self) -> str:
        raise SystemExit(1)

    __repr__ = __str__


class OddText(Exception):
    """Its text is a str that does not let itself be cut or encoded."""

    def __str__(self) -> str:
        class Text(str):
            __getitem__ = encode = snap  # type: ignore[assignment]

        return Text("odd text")


class Sleepy(kiq.Snooze):
    """A snooze that does not say how long."""

    def __init__(self) -> None:
        Exception.__init__(self, "some time")

    @property  # type: ignore[override]
    def seconds(self) -> float:
        snap()


class Notes(list[str]):
    """Notes that can't be read."""

    __iter__ = __len__ = __getitem__ = snap


def _chained() -> BaseException:
    error = ValueError("on top")
    error.__cause__ = exploding("__cause__")("below")
    return error


def _loop() -> BaseException:
    error, other = ValueError("loop"), KeyError("other")
    error.__context__, other.__context__ = other, error
    return error


def _noted() -> BaseException:
    error = ValueError("noted")
    error.__notes__ = Notes(["a"])
    return error


def _long_chain() -> BaseException:
    error = first = ValueError("the last of many")
    for _ in range(20_000):
        error.__context__ = ValueError("earlier")
        error = error.__context__
    return first


#: What makes one error of each kind, by name.
TRAPS: dict[str, Callable[[], BaseException]] = {
    **{name: exploding(name) for name in (*ATTRIBUTES, *METHODS)},
    "seconds": Sleepy,
    "everything": Everything,
    "metaclass": _nameless,
    "exits": LastWords,
    "odd text": OddText,
    "chained": _chained,
    "loop": _loop,
    "noted": _noted,
    "in a group": lambda: ExceptionGroup("several", [exploding("__class__")("one")]),
    "long chain": _long_chain,
    "long name": type("y" * 100_000, (Exception,), {"__module__": "m"}),
    "no module": type("NoModule", (Exception,), {"__module__": 5}),
}


def traps() -> list[BaseException]:
    """Return one error of each kind."""
    return [make() for make in TRAPS.values()]
