"""Where a job was defined: two of one name are told from one that is defined again."""

from __future__ import annotations

import functools
import inspect
import os
import sys
import weakref
from pathlib import Path
from types import CodeType
from typing import Any

#: What the program's own file is called in itself, and in processes that multiprocessing spawns.
MAIN = ("__main__", "__mp_main__")


class Definition:
    """The module and the line of a job, and which execution of that module made it."""

    __slots__ = ("_code", "_execution", "home", "module")

    def __init__(self, target: Any, function: Any) -> None:
        """*target* is the class or function as users know it, *function* what it runs."""
        named = _named(target)
        self.module = real_module(named.__module__)
        self.home = f"{self.module}.{named.__qualname__}"
        self._code: CodeType | None = getattr(inspect.unwrap(function), "__code__", None)
        self._execution = _execution_of(named.__module__)

    def __str__(self) -> str:
        return f"{self.home} (line {self._code.co_firstlineno})" if self._code else self.home

    def clashes(self, other: Definition) -> bool:
        """Tell whether *other* is another thing, and not this one made again.

        A module that is executed again (``importlib.reload``, a cell of a notebook) defines its jobs
        again, and so does a function that is called again, such as a factory of applications.
        """
        if self.home != other.home:
            return True
        if self._execution and other._execution:
            (mine, where), (its, there) = self._execution, other._execution
            return mine() is not None and mine() is its() and where == there
        if self._execution or other._execution or not self._code or not other._code:
            return False
        return self._code.co_filename == other._code.co_filename and self._code != other._code


def _named(target: Any) -> Any:
    while isinstance(target, functools.partial):
        target = target.func
    return target if hasattr(target, "__qualname__") else type(target)


def _execution_of(module: str) -> tuple[weakref.ref[CodeType], int] | None:
    """Return what stands for the execution of *module* that goes on; None if it was loaded before."""
    frame = sys._getframe()
    while frame is not None:
        code = frame.f_code
        if (
            not code.co_flags & inspect.CO_OPTIMIZED
            and frame.f_globals.get("__name__") == module
            # From Python 3.12 on its f_locals are others while a comprehension runs.
            and code.co_name == "<module>"
        ):
            return weakref.ref(code), id(frame.f_globals)
        frame = frame.f_back  # type: ignore[assignment]
    return None


def real_module(module: str) -> str:
    """Return the name under which others import *module*; ``__main__`` stays where there is none."""
    if module not in MAIN:
        return module
    main = sys.modules.get(module)
    spec = getattr(main, "__spec__", None)
    if spec is not None and spec.name:
        return str(spec.name).removesuffix(".__main__")
    file = getattr(main, "__file__", None)
    return (file and module_of_file(file)) or module


def module_of_file(path: str | os.PathLike[str]) -> str | None:
    """Return the module that the file at *path* is, seen from the working folder or from its own."""
    file = Path(path).resolve()
    for folder in (Path.cwd(), file.parent):
        try:
            parts = file.relative_to(folder).with_suffix("").parts
        except ValueError:
            continue
        if all(part.isidentifier() for part in parts):
            return ".".join(parts)
    return None
