"""Which classes of an application are jobs in the manner of Resque."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType

from ...boot import module_name, modules_of
from ...client import configured
from ...config import Config
from ...config_file import settings
from .job_classes import is_one


def config_in_use() -> Config:
    """Return all settings of this process, as far as they are known yet."""
    return settings(configured(), pending=True)


def classes() -> list[type]:
    """Return those at the top of the modules that a worker imports, and of the modules inside of these."""
    found = (each for module in _modules() for each in list(vars(module).values()))
    return list(dict.fromkeys(each for each in found if is_one(each)))


def _modules() -> Iterator[ModuleType]:
    names = [module_name(name) for name in modules_of(config_in_use())]
    for name, module in sorted(sys.modules.items()):
        if any(name == each or name.startswith(f"{each}.") for each in names):
            yield module
