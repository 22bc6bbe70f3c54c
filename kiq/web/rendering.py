"""Templates: everything is escaped, and what a template is not given is an error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.resources.abc import Traversable
from typing import Any

import jinja2

from ..wording import brief, duration, megabytes, number, rate, visible
from . import charts
from .clocks import clock_time, iso_time, moved, zone_time
from .fields import field


class Renderer:
    """Jinja2 with the templates of all sections. Threads: any."""

    def __init__(self, folders: Mapping[str, Traversable]) -> None:
        loader = jinja2.FunctionLoader(_finder(folders))
        self._environment = jinja2.Environment(
            loader=loader,
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters.update(
            brief=brief,
            duration=duration,
            megabytes=megabytes,
            number=number,
            rate=rate,
            visible=visible,
        )
        self._environment.filters["field"] = field
        self._environment.filters.update(
            clock=clock_time, iso=iso_time, in_zone=zone_time, moved=moved
        )
        self._environment.globals["spark"] = charts.spark
        self._environment.globals["bars"] = charts.bars

    def names(self) -> Iterable[str]:
        """Return the names of all templates."""
        return self._environment.list_templates()

    def render(self, template: str, values: Mapping[str, Any]) -> str:
        """Return *template* with *values*. Raises jinja2.TemplateError."""
        return self._environment.get_template(template).render(values)


def _finder(folders: Mapping[str, Traversable]) -> Any:
    """Return what finds ``name.html`` in kiq's own templates, ``section/name.html`` in a section's."""

    def find(name: str) -> tuple[str, str | None, Any] | None:
        section, slash, file = name.partition("/")
        folder = folders.get(section if slash else "")
        if folder is None:
            return None
        place = folder / (file if slash else name)
        return (place.read_text("utf-8"), None, lambda: True) if place.is_file() else None

    return find
