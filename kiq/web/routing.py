"""Routes and the sections that they stand in: what pages of kiq's own and of plugins are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from typing import Any, Literal

from .answers import Answer
from .calls import Call
from .fleets import Fleet

View = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """A path below the mount, and the function that answers it.

    *permission* is asked before *view* is called, for pages and acts alike. A POST is an act: it is
    checked for its origin, noted in the activity log before it is called, and returns
    :class:`~kiq.web.answers.Done`.
    Names of queues, classes and processes belong in the query, never in the *path*: proxies decode it.

    *takes* are the parameters of the query, or the fields of the form, each with what it means; *answers*
    is the type of a :class:`~kiq.web.answers.Data`'s value. Both stand in the OpenAPI document: every act
    can be called by programs, too.
    """

    name: str
    path: str
    view: View
    permission: str = "look"
    method: Literal["GET", "POST"] = "GET"
    takes: Mapping[str, str] = field(default_factory=dict)
    answers: Any = None


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the UI: an entry of the navigation, its routes, templates and assets.

    What plugins add is one of these, under the entry point group ``kiq.web``. *title* is a key of the
    locales ("": it stands in no navigation), *first* the name of the route that the navigation leads to.
    *count* returns the number beside it; what it asks must be asked by ``fleet.look``.
    *locales* are folders with ``<language>.toml``.
    """

    name: str
    title: str
    routes: Sequence[Route]
    first: str
    count: Callable[[Fleet], int | None] | None = None
    templates: Traversable | None = None
    assets: Traversable | None = None
    locales: Traversable | None = None
