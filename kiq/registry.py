"""The job classes that are known here, by the name that payloads give."""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from .errors import ArgumentError, ConfigError, UnknownJobClass
from .sole import Sole
from .undone import is_async

#: What the program's own file is called in itself, and in processes that multiprocessing spawns.
_MAIN = ("__main__", "__mp_main__")
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_ANY = (("args", _VARIADIC[0]), ("kwargs", _VARIADIC[1]))


class Arity:
    """Which arguments a ``perform`` takes; checked at each push, so the usual case is two compares.

    So many positional arguments as *low* to *high* alone always fit; others may (:meth:`check`).
    """

    __slots__ = ("_signature", "_suffix", "high", "low")

    def __init__(self, perform: Callable[..., Any], *, bound: bool, suffix: str = "") -> None:
        """*bound*: its first argument is ``self``. Raises ConfigError when it takes none."""
        parameters = _parameters(perform, bound)
        # Without annotations: they would bury the names in an error message.
        bare = [p.replace(annotation=inspect.Parameter.empty) for p in parameters]
        self._signature = inspect.Signature(bare)
        self._suffix = suffix
        fixed = [p for p in parameters if p.kind not in _VARIADIC]
        needed = [p for p in fixed if p.default is p.empty]
        keyword_only = inspect.Parameter.KEYWORD_ONLY
        self.low = len(needed)
        if any(p.kind is keyword_only for p in needed):
            self.high = -1  # positional arguments alone never fit
        elif any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters):
            self.high = sys.maxsize
        else:
            self.high = sum(p.kind is not keyword_only for p in fixed)

    def check(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Raise ArgumentError, a TypeError, unless ``perform(*args, **kwargs)`` can be called."""
        if not kwargs and self.low <= len(args) <= self.high:
            return
        try:
            self._signature.bind(*args, **kwargs)
        except TypeError as error:
            raise ArgumentError(f"{name}{self._suffix}{self._signature}: {error}") from None


def _parameters(perform: Callable[..., Any], bound: bool) -> list[inspect.Parameter]:
    try:
        parameters = list(inspect.signature(perform).parameters.values())
    except ValueError:  # code in C that does not say
        return [inspect.Parameter(name, kind) for name, kind in _ANY]
    first = parameters[0].kind if parameters else None
    if bound and first in (None, inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD):
        raise ConfigError(
            f"{getattr(perform, '__qualname__', perform)!s} takes no self: write `def perform(self, ...)`"
        )
    # That of a decorator, (*args, **kwargs), takes self among the others.
    return parameters[1:] if bound and first is not inspect.Parameter.VAR_POSITIONAL else parameters


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
        "function",
        "handle",
        "hooks",
        "is_async",
        "make",
        "name",
        "options",
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
        # An object that stands for a method, and is no descriptor, is not given the instance.
        raw = function if cls is None else inspect.getattr_static(cls, "perform", function)
        bound = cls is not None and hasattr(type(raw), "__get__")
        self.arity = Arity(function, bound=bound, suffix="" if cls is None else ".perform")
        self.hooks: dict[str, Callable[..., Any]] = {}
        self.handle: Any = cls

    def __reduce__(self) -> tuple[Any, ...]:
        return registered, (self.target_module, self.name)

    @property
    def target_module(self) -> str:
        """The module that is to be imported for this job."""
        return _real_module(_innermost(self.target).__module__)

    @property
    def label(self) -> str:
        """What runs, as errors call it."""
        return f"{self.name}.perform" if self.cls is not None else self.name

    def hook(self, name: str) -> Callable[..., Any] | None:
        """Return the job's own ``retry_in`` or ``retries_exhausted`` (of a new instance), if any."""
        if self.cls is None or not hasattr(self.cls, name):
            return self.hooks.get(name)
        return cast(Callable[..., Any], getattr(self.make(), name))


def _nothing() -> None:
    return None


class Registry:
    """Job classes by name.

    Threads: filled while modules are imported, read by everyone afterwards.
    """

    def __init__(self) -> None:
        self._specs: dict[str, JobSpec] = {}

    def add(self, spec: JobSpec) -> None:
        """Register *spec* under its name and aliases.

        Raises ConfigError when another class has one of them.
        """
        names = (spec.name, *spec.aliases)
        for name in names:
            other = self._specs.get(name)
            if other is not None and _home(other) != _home(spec):
                raise ConfigError(
                    f"two job classes are named {name!r}: {_home(other)} and {_home(spec)}; "
                    "give one of them another name="
                )
        self._specs.update(dict.fromkeys(names, spec))

    def get(self, name: str) -> JobSpec:
        """Return the job class that payloads call *name*. Raises UnknownJobClass."""
        spec = self._specs.get(name)
        if spec is None:
            raise UnknownJobClass(
                f"no job class named {name[:200]!r} is registered in this process; add its module to "
                "require: (or -r), or give the class that replaced it aliases=[...]"
            )
        return spec

    def find(self, name: str) -> JobSpec | None:
        """Return the job class that payloads call *name*, or None."""
        return self._specs.get(name)

    def all(self) -> list[JobSpec]:
        """Return every registered job class once."""
        return list(dict.fromkeys(self._specs.values()))


def _home(spec: JobSpec) -> str:
    target = spec.cls or spec.function
    return f"{_real_module(target.__module__)}.{target.__qualname__}"


#: The job classes of this process.
registry = Registry()


def registered(module: str, name: str) -> JobSpec:
    """Return the job *name*, for which *module* is imported if need be: how pickle finds it."""
    if registry.find(name) is None:
        importlib.import_module(module)
    return registry.get(name)


def _innermost(target: Any) -> Any:
    while isinstance(target, functools.partial):
        target = target.func
    return target


def wire_name(module: str, qualname: str) -> str:
    """Return the name under which a class travels: ``module.QualName``.

    A class of ``__main__`` gets the name under which others import that file. When there is none
    (a REPL, ``python -c``), ``__main__`` stays, and pushing it is refused.
    """
    return f"{_real_module(module)}.{qualname}"


@functools.cache
def check_importable(name: str) -> None:
    """Raise ConfigError for a job class that no worker could import."""
    if name.partition(".")[0] in _MAIN:
        raise ConfigError(
            f"{name}: this class has no module that a worker could import (a REPL or python -c); "
            "put it in a file, or give it a name="
        )
    if "<locals>" in name:
        raise ConfigError(
            f"{name}: a job class inside a function can't be found by a worker; "
            "move it to the top of its module, or give it a name="
        )


def _real_module(module: str) -> str:
    if module not in _MAIN:
        return module
    main: ModuleType | None = sys.modules.get(module)
    spec = getattr(main, "__spec__", None)
    if spec is not None and spec.name:
        return str(spec.name).removesuffix(".__main__")
    file = getattr(main, "__file__", None)
    return (file and _module_of(Path(file))) or module


def _module_of(file: Path) -> str | None:
    """Return the name that *file* has for an import from the working folder or the script's."""
    for folder in (Path.cwd(), file.resolve().parent):
        try:
            parts = file.resolve().relative_to(folder).with_suffix("").parts
        except ValueError:
            continue
        if all(part.isidentifier() for part in parts):
            return ".".join(parts)
    return None


def module_of_file(path: str | os.PathLike[str]) -> str | None:
    """Return the module that the file at *path* is, seen from the working folder; None if none."""
    return _module_of(Path(path))
