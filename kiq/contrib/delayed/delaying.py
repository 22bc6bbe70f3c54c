"""``delay(user).activate(5)``, the mixin that has ``.delay()``, and what lets both call a method."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from types import FunctionType, ModuleType
from typing import Any, TypeVar, overload

from ...errors import ConfigError
from . import admitted, custom, methods
from .enqueuing import Given, When, push_call
from .errors import NotDelayable
from .handling import Handled

T = TypeVar("T", bound=Callable[..., Any])


class _Delayed:
    """Whose methods push instead of running. It has no names of its own, so it hides none."""

    __slots__ = ("__given", "__target")

    def __init__(self, target: Any, given: Given) -> None:
        self.__target, self.__given = target, given

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)  # Python asks: it is no call
        method, before = methods.found(self.__target, name)
        given = self.__given

        def push(*args: Any, **kwargs: Any) -> Any:
            return push_call(method.known(), [*before, *args], kwargs, given)

        return push

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        method = methods.of_function(self.__target)
        if method is None or method.of != "nothing":
            raise NotDelayable(
                f"{self.__target!r} is no function that was opted in: write @delayed.delayable above it, "
                "or name the method: delay(user).activate(...)"
            )
        return push_call(method.known(), args, kwargs, self.__given)


def delay(
    target: Any,
    /,
    *,
    run_at: When = None,
    priority: int | None = None,
    queue: str | None = None,
    **options: Any,
) -> Any:
    """Return what pushes in place of *target*: ``delay(user, priority=5).activate(3)``.

    *target* is an object, a class, a module, or a function, ``delay(welcome)(user)``, that was opted in.
    The call returns its :class:`Job`, or None where it was vetoed, and raises as
    :func:`enqueue` does; options are those. One round trip.
    """
    return _Delayed(target, Given(run_at, priority, queue, options))


class _Delay:
    """``User.delay`` and ``user.delay``. No property: so that tests may put something else in its place."""

    def __get__(self, instance: Any, owner: type) -> Callable[..., Any]:
        return functools.partial(delay, owner if instance is None else instance)


class Delayable:
    """A mixin: ``user.delay().activate(3)``, ``UserMailer.delay().welcome(1)``.

    Jobs may call the public methods that the class defines, and its subclasses; its objects travel as
    references. Options of :func:`delay` go between the brackets. A class that has a ``delay`` of
    its own uses ``delay(user)``.
    """

    delay = _Delay()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        admitted.admit(cls)
        methods.opt_in(cls)


class Mailer:
    """A mixin for classes whose methods make a message: ``Mailer.delay().hello(user)`` delivers it too.

    In the job the message's ``deliver()`` is called, or its ``send()``. Called without ``delay``, a method
    returns the message, as ever.
    """

    delay = _Delay()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        admitted.admit(cls)
        methods.opt_in(cls, deliver=_deliver)


def _deliver(message: Any) -> object:
    for name in ("deliver", "send"):
        send = getattr(message, name, None)
        if callable(send):
            return send()
    raise ConfigError(
        f"a mailer's method must return a message with deliver() or send(), not {message!r}"
    )


@overload
def delayable(target: T, /) -> T: ...


@overload
def delayable(*, show: Sequence[str] = ..., aliases: Sequence[str] = ...) -> Callable[[T], T]: ...


def delayable(
    target: Any = None, /, *, show: Sequence[str] = (), aliases: Sequence[str] = ()
) -> Any:
    """Let jobs call *target*, a function, or the public methods that a class itself defines. A decorator.

    Objects of the class travel as references. *show* names attributes that travel beside the key, for
    people who read the job; *aliases* are names that the class had. Raises ConfigError.
    """
    if target is None:
        return functools.partial(_opted_in, show=_names(show), aliases=_names(aliases))
    return _opted_in(target, (), ())


def register(cls: type, *, show: Sequence[str] = (), aliases: Sequence[str] = ()) -> None:
    """Let objects of *cls* travel as references; its methods stay out. For classes that are not yours."""
    if not isinstance(cls, type):
        raise ConfigError(f"register takes a class, not {cls!r}")
    admitted.admit(cls, _names(show), _names(aliases))


def _opted_in(target: Any, show: Sequence[str], aliases: Sequence[str]) -> Any:
    if isinstance(target, Handled):
        return target
    if isinstance(target, type):
        admitted.admit(target, show, aliases)
        methods.opt_in(target, aliases=aliases)
        if custom.is_one(target):
            custom.of(target)
        return target
    if isinstance(target, ModuleType) or not isinstance(target, FunctionType):
        raise ConfigError(f"@delayed.delayable stands above a class or a function, not {target!r}")
    if "." in target.__qualname__.rpartition("<locals>.")[2]:
        raise ConfigError(
            f"{target.__qualname__}: write @delayed.delayable above the class, or "
            "@delayed.handle_asynchronously above the method"
        )
    methods.opt_in_function(target)
    target.delay = functools.partial(delay, target)  # type: ignore[attr-defined]
    return target


def _names(given: Any) -> tuple[str, ...]:
    if isinstance(given, str) or not all(isinstance(each, str) for each in given):
        raise ConfigError(f"show and aliases are lists of names, not {given!r}")
    return tuple(given)
