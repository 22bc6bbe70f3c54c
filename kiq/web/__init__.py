"""The web UI: a WSGI or ASGI application to mount in a program of yours, or to serve by ``kiq web``.

It needs the extra ``kiq[web]``. Nothing is shown to anybody whom the policy does not know.
"""

from __future__ import annotations

from ..errors import ConfigError

try:
    from .answers import Answer, Data, Done, Page
    from .application import Application
    from .calls import Call
    from .fleets import Fleet
    from .masking import masked
    from .moments import moment_of
    from .mounting import wsgi
    from .routing import Route, Section
    from .through_asgi import Asgi, asgi
    from .visitors import PERMISSIONS, ROLES, Policy, Visitor, everyone, visitor
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] not in ("werkzeug", "jinja2", "markupsafe"):
        raise
    raise ConfigError(f"the web UI needs {error.name}: pip install 'kiq[web]'") from error

__all__ = [
    "PERMISSIONS",
    "ROLES",
    "Answer",
    "Application",
    "Asgi",
    "Call",
    "Data",
    "Done",
    "Fleet",
    "Page",
    "Policy",
    "Route",
    "Section",
    "Visitor",
    "asgi",
    "everyone",
    "masked",
    "moment_of",
    "visitor",
    "wsgi",
]
