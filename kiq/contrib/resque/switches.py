"""What the package's attributes say that others set: ``resque.inline = True``."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import Any

from ...config import Redis
from ...configure import configure
from ...errors import ConfigError

#: The worker's own lines, and those of its jobs. Give it handlers and a level, as any logger.
logger = logging.getLogger("kiq")

_ADDRESS = re.compile(r"(?P<host>[^:/]+):(?P<port>\d+)(:(?P<db>\d+))?(/(?P<namespace>.+))?")


@dataclass(slots=True)
class Switches:
    """*inline*: enqueueing runs the job here and now."""

    inline: bool = False


switches = Switches()


def use_redis(given: Any) -> None:
    """Push to another Redis from now on: ``host:port``, ``host:port:db``, ``host:port/namespace``, a URL,
    or what else ``kiq.configure(redis=...)`` takes. Raises ConfigError.
    """
    match = _ADDRESS.fullmatch(given) if isinstance(given, str) else None
    if match is None:
        configure(redis=given)
        return
    host, port, db, namespace = match["host"], match["port"], match["db"] or "0", match["namespace"]
    configure(redis=Redis(url=f"redis://{host}:{port}/{db}", namespace=namespace))


def set_inline(value: object) -> None:
    """Run what is enqueued at once from now on, or not. Raises ConfigError for what is no bool."""
    if not isinstance(value, bool):
        raise ConfigError(f"resque.inline is True or False, not {value!r}")
    switches.inline = value


def refuse_logger(_value: object) -> None:
    """Raise ConfigError: there is one logger."""
    raise ConfigError(
        'resque.logger is logging.getLogger("kiq"): give that handlers and a level, instead of '
        "putting another in its place"
    )
