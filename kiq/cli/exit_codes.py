"""Exit codes, after ``sysexits.h``.

0: done, or stopped in order. 1: not done, or not all of it: the answer was no, what was named is not
there, some was refused. 2: wrong use of the command line. 3: ``kiq doctor`` warns. 4: ``kiq doctor``
found what loses jobs, or lets them wait for ever. 69: Redis can't be reached. 70: the application can't
be imported, ``startup`` failed, kiq itself failed, or its stop had to be cut off. 74: what a command
writes could not be written; what it was to do is done. 75: too many jobs were stuck: start it again. 77:
Redis refused the user. 78: a setting is wrong, or this Redis is unsuitable. 128 + n: ended at the third
signal n; 130: Ctrl-C broke off a command.
"""

from __future__ import annotations

from ..errors import (
    BootError,
    ConfigError,
    EmbeddedServerError,
    KiqError,
    PluginError,
    StoreDenied,
    StoreUnavailable,
    StoreUnsuitable,
)

NOT_DONE = 1
WARNING = 3
DANGER = 4
UNAVAILABLE = 69
SOFTWARE = 70
OUTPUT = 74
DENIED = 77
CONFIG = 78
INTERRUPTED = 130

_CODES: tuple[tuple[type[KiqError], int], ...] = (
    (StoreUnavailable, UNAVAILABLE),
    (EmbeddedServerError, UNAVAILABLE),
    (BootError, SOFTWARE),
    (StoreDenied, DENIED),
    (ConfigError, CONFIG),
    (PluginError, CONFIG),
    (StoreUnsuitable, CONFIG),
)


def exit_code(error: KiqError) -> int:
    """Return the exit code of a process that ends by *error*."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), 1)
