"""Why an application that was imported has no job class: what stands there instead."""

from __future__ import annotations

import difflib
import inspect
import sys
from collections.abc import Iterator, Sequence
from types import ModuleType

from ..boot import module_name
from ..job_class import Job

#: What other job systems call the method that does the work.
_ELSEWHERE = frozenset({"call", "execute", "handle", "process", "run", "work", "__call__"})
_ALIKE = 0.75  # how much a name must be like "perform", of 1
_RENAME = "kiq calls perform, so rename it"
_MOST = 3  # classes that are named


def why(required: Sequence[str]) -> str:
    """Return what to tell who started a worker without a job class; *required* were imported."""
    found = [each for module in _modules(required) for each in _suspects(module)][:_MOST]
    if found:
        return f"there is no job class to run: {'; '.join(found)}"
    where = f"{', '.join(required)} has none" if required else "nothing was imported"
    return (
        f"there is no job class to run ({where}): name the module that defines them, with -r app.jobs or "
        "require: [app.jobs] in the configuration file"
    )


def misnamed(required: Sequence[str]) -> list[str]:
    """Return what to say of classes whose perform has another name, where other classes are jobs."""
    suspects = [each for module in _modules(required) for each in _suspects(module)]
    return [f"{each} (it is no job now)" for each in suspects if _RENAME in each]


def _modules(required: Sequence[str]) -> Iterator[ModuleType]:
    """Yield the modules that were required, and those inside of them."""
    names = [module_name(name) for name in required]
    for name, module in sorted(sys.modules.items()):
        if any(name == each or name.startswith(f"{each}.") for each in names):
            yield module


def _suspects(module: ModuleType) -> Iterator[str]:
    for found in list(vars(module).values()):
        if isinstance(found, type) and found.__module__ == module.__name__:
            complaint = _complaint(found)
            if complaint:
                yield f"{module.__name__}.{found.__qualname__} {complaint}"


def _complaint(cls: type) -> str:
    """Return what keeps *cls* from being a job class, if it looks like one and is none."""
    if "_kiq_spec" in vars(cls):
        return ""
    if not issubclass(cls, Job):
        if not hasattr(cls, "perform"):
            return ""
        return f"does not derive from kiq.Job: write class {cls.__name__}(kiq.Job)"
    if cls.__subclasses__() and getattr(cls, "perform", None) is None:
        return ""  # a base: what it lacks, its subclasses may have
    methods = [name for name, value in vars(cls).items() if inspect.isroutine(value)]
    if "each" in methods or "build" in methods:
        return "needs both build() and each() to be an iterable job"
    if getattr(getattr(cls, "perform", None), "__isabstractmethod__", False):
        return "leaves perform() to its subclasses, and there are none"
    instead = [name for name in methods if name in _ELSEWHERE]
    instead += difflib.get_close_matches("perform", methods, 1, _ALIKE)
    if instead:
        return f"has {instead[0]}(), and no perform(): {_RENAME}"
    return "has no perform(): write def perform(self, ...)"
