"""Flask: an application context around each job, settings from its config, and ``flask kiq``.

The web UI in an application: :mod:`kiq.contrib.flask.web`. See docs/flask.md.
"""

from __future__ import annotations

from ...errors import ConfigError

try:
    from .extension import Kiq
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] != "flask":
        raise
    raise ConfigError("kiq.contrib.flask needs flask: pip install 'kiq[flask]'") from error

__all__ = ["Kiq"]
