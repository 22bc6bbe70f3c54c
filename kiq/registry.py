"""The job classes that are known here, by the name that payloads give."""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from .arity import Arity
from .definition import MAIN, Definition, real_module
from .errors import ConfigError, UnknownJobClass
from .sole import Sole
from .undone import is_async


class JobSpec(Sole):
    """What kiq knows of one job class (or function job): its name, its options, how to run it.

    *make* returns the instance of one run (None for a function job), *function* is what is called:
    the unbound ``perform``, or the function itself; *is_async*: that returns a coroutine; *handle* is
    what users push by: the class, or the function job.
    """

    __slots__ = (
        "aliases",
        "arity",
        "cls",
        "definition",
        "function",
        "handle",
        "hooks",
        "is_async",
        "make",
        "name",
        "options",
        "settable",
        "target",
    )

    def __init__(
        self,
        name: str,
        options: Mapping[str, Any],
        aliases: Sequence[str],
        function: Callable[..., Any],
        cls: type | None,
    ) -> None:
        self.name = name
        self.options = dict(options)
        self.aliases = tuple(aliases)
        self.function = function
        self.cls = cls
        self.target: Any = cls if cls is not None else function
        self.make: Callable[[], Any] = cls if cls is not None else _nothing
        self.is_async = is_async(function)
        setter = inspect.getattr_static(cls, "__setattr__")  # that of None is object's, too
        self.settable = cls is not None and setter is object.__setattr__
        # An object that stands for a method, and is no descriptor, is not given the instance.
        raw = function if cls is None else inspect.getattr_static(cls, "perform", function)
        bound = cls is not None and hasattr(type(raw), "__get__")
        self.arity = Arity(function, bound=bound, suffix="" if cls is None else ".perform")
        self.hooks: dict[str, Callable[..., Any]] = {}
        self.handle: Any = cls
        self.definition = Definition(self.target, function)

    def __reduce__(self) -> tuple[Any, ...]:
        return registered, (self.definition.module, self.name)

    @property
    def label(self) -> str:
        """What runs, as errors call it."""
        return f"{self.name}.perform" if self.cls is not None else self.name

    def hook(self, name: str) -> Callable[..., Any] | None:
        """Return the job's own ``retry_in`` or ``retries_exhausted`` (of a new instance), if any."""
        if self.cls is None or not hasattr(self.cls, name):
            return self.hooks.get(name)
        return cast("Callable[..., Any]", getattr(self.make(), name))


#: Methods that a job may have beside ``perform``, and what they are called with.
HOOKS = {"retry_in": ("count", "error", "payload"), "retries_exhausted": ("payload", "error")}


def _nothing() -> None:
    return None


class Registry:
    """Job classes by name.

    Threads: filled while modules are imported, read by everyone afterwards.
    """

    def __init__(self) -> None:
        self._specs: dict[str, JobSpec] = {}

    def add(self, spec: JobSpec, instead_of: JobSpec | None = None) -> None:
        """Register *spec* under its name and aliases, *instead_of* an earlier form of the same class.

        Raises ConfigError when another class has one of them.
        """
        names = (spec.name, *spec.aliases)
        for name in names:
            other = self._specs.get(name, instead_of)
            if other is instead_of or other is None or other.target is spec.target:
                continue
            if spec.definition.clashes(other.definition):
                raise ConfigError(
                    f"two job classes are named {name!r}: {other.definition} and {spec.definition}; "
                    "pushing one would run the other. Give one of them another name="
                )
        self._specs.update(dict.fromkeys(names, spec))

    def get(self, name: str) -> JobSpec:
        """Return the job class that payloads call *name*. Raises UnknownJobClass."""
        spec = self._specs.get(name)
        if spec is None:
            # By name: what is said about a mistake is loaded when there is one.
            advice = importlib.import_module("kiq.advice.names")
            there = advice.what_is_there(name, tuple(self._specs))
            raise UnknownJobClass(
                f"no job class named {name[:200]!r} is registered in this process; {there}"
                f"{'. Otherwise ' if there else ''}add its module to require: (or -r), or give the "
                "class that replaced it aliases=[...]"
            )
        return spec

    def find(self, name: str) -> JobSpec | None:
        """Return the job class that payloads call *name*, or None."""
        return self._specs.get(name)

    def all(self) -> list[JobSpec]:
        """Return every registered job class once."""
        return list(dict.fromkeys(self._specs.values()))


#: The job classes of this process.
registry = Registry()


def registered(module: str, name: str) -> JobSpec:
    """Return the job *name*, for which *module* is imported if need be: how pickle finds it."""
    if registry.find(name) is None:
        importlib.import_module(module)
    return registry.get(name)


def wire_name(module: str, qualname: str) -> str:
    """Return the name under which a class travels: ``module.QualName``.

    A class of ``__main__`` gets the name under which others import that file. When there is none
    (a REPL, ``python -c``), ``__main__`` stays, and pushing it is refused.
    """
    return f"{real_module(module)}.{qualname}"


@functools.cache
def check_importable(name: str) -> None:
    """Raise ConfigError for a job class that no worker could import."""
    if name.partition(".")[0] in MAIN:
        raise ConfigError(
            f"{name}: this class has no module that a worker could import (a REPL or python -c); "
            "put it in a file, or give it a name="
        )
    if "<locals>" in name:
        raise ConfigError(
            f"{name}: a job class inside a function can't be found by a worker; "
            "move it to the top of its module, or give it a name="
        )
