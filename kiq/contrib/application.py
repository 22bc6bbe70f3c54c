"""The modules of an application, as a worker imports them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from ..boot import module_name, modules_of
from ..client import configured
from ..config import Config
from ..config_file import settings


def config_in_use() -> Config:
    """Return all settings of this process, as far as they are known yet."""
    return settings(configured(), pending=True)


def found_in_it() -> list[Any]:
    """Return what stands at the top of the modules that a worker imports, and of those inside of these."""
    return [each for module in _modules() for each in list(vars(module).values())]


def _modules() -> Iterator[ModuleType]:
    names = [module_name(name) for name in modules_of(config_in_use())]
    for name, module in sorted(sys.modules.items()):
        if any(name == each or name.startswith(f"{each}.") for each in names):
            yield module
