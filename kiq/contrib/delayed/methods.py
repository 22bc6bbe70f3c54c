"""Methods and functions that jobs may call: those that were opted in, each a job of its own name."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

from ...errors import ConfigError
from ...function_job import FunctionJob
from ...function_job import job as function_job
from ...registry import registry, wire_name
from ...undone import check_done, refuse_undone
from . import admitted, retrying
from .errors import NotDelayable
from .references import UnknownReference
from .running import arguments, loaded, note

#: What a method is called of: an object, a class, or nothing.
Of = Literal["object", "class", "nothing"]


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a method, as ``payload_object`` has it."""

    object: Any
    method_name: str
    args: list[Any]
    kwargs: dict[str, Any]


class Method:
    """One method or function that jobs may call, and its job.

    Its job has the receiver, as a reference, before the arguments.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        of: Callable[[Method], Of],
        *,
        name: str,
        attribute: str,
        direct: bool = False,
        deliver: Callable[[Any], object] | None = None,
        aliases: Sequence[str] = (),
    ) -> None:
        """*direct*: call *function* itself, not what has its place in the class; *deliver* gets results."""
        refuse_undone(name, function, "write @kiq.job above an async function")
        self.function, self.attribute, self.name = function, attribute, name
        self.owner = name.rpartition(".")[0]
        self._of, self._direct, self._deliver = of, direct, deliver
        self.job: FunctionJob[..., Any] = function_job(name=name, aliases=aliases)(self._runner())
        self.job.retry_in(retrying.retry_in)
        self.job.retries_exhausted(_given_up)
        _by_name[name] = self

    @functools.cached_property
    def of(self) -> Of:
        """What it is called of; asked when its class is there."""
        return self._of(self)

    def known(self) -> FunctionJob[..., Any]:
        """Return its job, which the registry knows, also where a test had one of its own."""
        if registry.find(self.name) is not self.job._kiq_spec:
            registry.add(self.job._kiq_spec)
        return self.job

    def call(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Call:
        """Return the call that a payload means. Raises what references raise."""
        found, named = arguments(args, kwargs)
        receiver = found.pop(0) if self.of != "nothing" else None
        return Call(receiver, self.attribute, found, named)

    def _runner(self) -> Callable[..., Any]:
        @functools.wraps(self.function)
        def perform(*args: Any, **kwargs: Any) -> Any:
            note()
            call = loaded(lambda: self.call(args, kwargs))
            self._check(call.object)
            result = check_done(self._called(call), self.name)
            return result if self._deliver is None else self._deliver(result)

        vars(perform).pop("_kiq_spec", None)
        return perform

    def _called(self, call: Call) -> Any:
        if self.of == "nothing":
            return self.function(*call.args, **call.kwargs)
        if self._direct:
            return self.function(call.object, *call.args, **call.kwargs)
        return getattr(call.object, self.attribute)(*call.args, **call.kwargs)

    def _check(self, receiver: Any) -> None:
        """Refuse a receiver that another program wrote into the payload: its method may not be opted in."""
        if self.of == "nothing":
            return
        known = admitted.found(self.owner)
        cls = receiver if self.of == "class" else receiver.__class__
        if known is None or not isinstance(cls, type) or not issubclass(cls, known.cls):
            raise UnknownReference(
                f"{self.name} can't be called of {str(cls)[:200]}: it is no {self.owner}"
            )


_by_name: dict[str, Method] = {}


def _given_up(payload: dict[str, Any], error: BaseException) -> Any:
    return retrying.given_up(payload, error, None)


def called(name: str) -> Method | None:
    """Return the method whose jobs are called *name*."""
    return _by_name.get(name)


def any_there() -> bool:
    """Tell whether any method was opted in."""
    return bool(_by_name)


def opt_in(
    cls: type, deliver: Callable[[Any], object] | None = None, aliases: Sequence[str] = ()
) -> None:
    """Let jobs call the public methods that *cls* itself defines; async ones and generators stay out."""
    for attribute, raw in list(vars(cls).items()):
        function = getattr(raw, "__func__", raw)
        if attribute.startswith("_") or attribute == "delay" or not inspect.isfunction(function):
            continue
        name = f"{admitted.name_of(cls)}.{attribute}"
        known = _by_name.get(name)
        if (known is not None and known.function is function) or not _is_plain(function):
            continue  # @dataclass(slots=True) makes a second class of what the first one was
        if attribute.endswith("_without_delay"):
            continue  # what @handle_asynchronously has left there
        of: Of = "object" if raw is function else "class"
        if isinstance(raw, staticmethod):
            of = "nothing"
        Method(
            function,
            functools.partial(_said, of),
            name=name,
            attribute=attribute,
            deliver=deliver,
            aliases=[f"{alias}.{attribute}" for alias in aliases],
        )


def _said(of: Of, _method: Method) -> Of:
    return of


def _is_plain(function: Any) -> bool:
    try:
        refuse_undone("", function)
    except ConfigError:
        return False
    return True


def opt_in_function(function: Callable[..., Any]) -> None:
    """Let jobs call *function*, which stands at the top of a module. Raises ConfigError."""
    name = wire_name(function.__module__, function.__qualname__)
    Method(function, functools.partial(_said, "nothing"), name=name, attribute=function.__name__)


def of_function(function: Any) -> Method | None:
    """Return the method that *function* was made into."""
    module, path = getattr(function, "__module__", None), getattr(function, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(path, str):
        return None
    return _by_name.get(wire_name(module, path))


def found(target: Any, attribute: str) -> tuple[Method, list[Any]]:
    """Return the method *attribute* of *target*, and the arguments that come before those of the caller.

    *target* is an object, a class, or a module. Raises AttributeError where there is no such method,
    NotDelayable where it was not opted in.
    """
    value = getattr(target, attribute)
    if isinstance(target, ModuleType):
        method = of_function(value)
    else:
        cls = target if isinstance(target, type) else target.__class__
        names = (f"{admitted.name_of(each)}.{attribute}" for each in cls.__mro__)
        method = next((_by_name[name] for name in names if name in _by_name), None)
    if method is None:
        raise NotDelayable(_why_not(target, attribute, value))
    if method.of == "nothing":
        return method, []
    if method.of == "class":
        return method, [target if isinstance(target, type) else target.__class__]
    if isinstance(target, type):
        raise NotDelayable(
            f"{target.__qualname__}.{attribute} is a method of its objects: delay(found).{attribute}(...)"
        )
    return method, [target]


def _why_not(target: Any, attribute: str, value: Any) -> str:
    if not callable(value):
        return f"{attribute!r} of {target!r} can't be called"
    if isinstance(target, ModuleType):
        return f"{target.__name__}.{attribute} was not opted in: write @delayed.delayable above it"
    cls = target if isinstance(target, type) else target.__class__
    if callable(getattr(target, "deliver", None)):
        return (
            f"{cls.__qualname__}.{attribute}: this message is made already; delay the mailer, which "
            "makes it in the job: Mailer.delay().hello(user)"
        )
    if not _is_plain(value):
        return f"{cls.__qualname__}.{attribute} is async, or a generator: write @kiq.job above a function"
    if attribute.startswith("_"):
        return f"{cls.__qualname__}.{attribute} is private: jobs call public methods"
    return (
        f"{cls.__qualname__}.{attribute} was not opted in: write @delayed.delayable above the class that "
        "defines it"
    )
