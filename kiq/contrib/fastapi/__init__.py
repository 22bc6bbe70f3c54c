"""FastAPI: dependencies in jobs, and what the event loop of a worker shares.

The web UI in an application: :mod:`kiq.contrib.fastapi.web`. See docs/fastapi.md.
"""

from __future__ import annotations

from ...errors import ConfigError

try:
    from .dependencies import using
    from .lifespan import Lifespan
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] != "fastapi":
        raise
    raise ConfigError("kiq.contrib.fastapi needs fastapi: pip install 'kiq[fastapi]'") from error

__all__ = ["Lifespan", "using"]
