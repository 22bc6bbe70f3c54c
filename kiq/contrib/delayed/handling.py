"""``@handle_asynchronously``: a method that is always pushed when it is called."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from typing import Any

from ...errors import ConfigError
from ...registry import wire_name
from . import admitted, hooks
from .enqueuing import Given, push_call
from .methods import Method, Of

_LOCAL = "<locals>."


class Handled:
    """What stands in the place of the method. Calling it pushes; ``now`` runs it here."""

    def __init__(self, function: Any, options: Mapping[str, Any]) -> None:
        plain = getattr(function, "__func__", function)
        if not inspect.isfunction(plain):
            raise ConfigError(f"@handle_asynchronously stands above a function, not {function!r}")
        functools.update_wrapper(self, plain)
        self._raw, self._options = function, dict(options)
        self._path = plain.__qualname__.rpartition(_LOCAL)[2].rpartition(".")[0]
        whole = plain.__qualname__.rpartition(".")[0]
        if self._path:
            admitted.admit_later(plain.__module__, whole)
        self.method = Method(
            plain,
            self._called_of,
            name=wire_name(plain.__module__, plain.__qualname__),
            attribute=plain.__name__,
            direct=True,
        )

    def __set_name__(self, owner: type, name: str) -> None:
        admitted.admit(owner)
        if isinstance(owner, type):
            type.__setattr__(owner, f"{name}_without_delay", self._raw)
            type.__setattr__(owner, f"{name}_with_delay", self)

    def __get__(self, instance: Any, owner: type | None = None) -> Handled | Bound:
        if isinstance(self._raw, staticmethod):
            return self
        if isinstance(self._raw, classmethod):
            return Bound(self, owner or type(instance))
        return self if instance is None else Bound(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        receiver = args[0] if args and self.method.of == "object" else None
        return push_call(self.method.known(), args, kwargs, self._given(receiver))

    def now(self, *args: Any, **kwargs: Any) -> Any:
        """Run it here, as if it were not decorated."""
        return self.method.function(*args, **kwargs)

    def _given(self, receiver: Any) -> Given:
        options = {name: _asked(value, receiver) for name, value in self._options.items()}
        return Given.of(options)

    def _called_of(self, method: Method) -> Of:
        if not self._path or isinstance(self._raw, staticmethod):
            return "nothing"
        if isinstance(self._raw, classmethod):
            return "class"
        owner = admitted.found(method.owner)
        outer = inspect.getattr_static(owner.cls, method.attribute, None) if owner else None
        if isinstance(outer, staticmethod):
            return "nothing"
        return "class" if isinstance(outer, classmethod) else "object"


class Bound:
    """The same, of an object or a class."""

    __slots__ = ("__self__", "_handled")

    def __init__(self, handled: Handled, receiver: Any) -> None:
        self._handled, self.__self__ = handled, receiver

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._handled(self.__self__, *args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._handled, name)  # its name, its docstring

    def now(self, *args: Any, **kwargs: Any) -> Any:
        """Run it here, as if it were not decorated."""
        return self._handled.now(self.__self__, *args, **kwargs)


def _asked(value: Any, receiver: Any) -> Any:
    """Return *value*; what a function says, of the object if it takes it."""
    if not callable(value) or isinstance(value, type):
        return value
    return value(receiver) if hooks.taken(value, 1) else value()


def handle_asynchronously(function: Any = None, /, **options: Any) -> Any:
    """Push a job whenever the method is called: ``@handle_asynchronously(priority=5)``. A decorator.

    *options* are those of :func:`delay`; each may be a function, without arguments or with the object as
    the only one, which is asked at each call. ``user.activate.now(...)`` and
    ``user.activate_without_delay(...)`` run it here. With a class or static method it
    stands above ``@classmethod``. What the call returns and raises: see :func:`enqueue`.
    """
    if function is None:
        return functools.partial(Handled, options=options)
    return Handled(function, options)
