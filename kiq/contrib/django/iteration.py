"""Enumerators over Django's QuerySets: by primary key, a page at a time, for ``build`` of iterable jobs.

The cursor is the primary key of an object. No database cursor stays open between two pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.db.models.query import ModelIterable

from ...plugins.iteration import Enumerator, keyset, keyset_batches


def rows(
    queryset: QuerySet[Any], *, cursor: Any, page: int = 1000, count: bool = False
) -> Enumerator[Any]:
    """Go through *queryset* in the order of the primary key, *page* objects at once.

    Its own order is given up. With *count* the total is counted first, for a percentage. Raises
    ValueError for a queryset that is sliced or has no objects, and for one that gives an object twice.
    """
    reader = _Reader(queryset)
    pairs = keyset(reader.fetch, cursor=cursor, page=page)
    return Enumerator(pairs, total=reader.count() if count else None)


def batches(
    queryset: QuerySet[Any], *, cursor: Any, size: int = 100, count: bool = False
) -> Enumerator[list[Any]]:
    """As :func:`rows`, in lists of *size*; the cursor is the primary key of the first object.

    An interrupted job goes on with the object that the cursor names: *size* may change in between.
    """
    reader = _Reader(queryset)
    pairs = keyset_batches(reader.fetch, cursor=cursor, size=size)
    return Enumerator(pairs, total=reader.count() if count else None, weight=len)


class _Reader:
    """Reads one page of a queryset at a time."""

    def __init__(self, queryset: QuerySet[Any]) -> None:
        if queryset.query.is_sliced:
            raise ValueError(
                "the queryset is sliced: a slice can't be gone through by key; filter instead"
            )
        if not issubclass(queryset._iterable_class, ModelIterable):
            raise ValueError(
                "the queryset gives values, not objects, and so no key to go by; use only()"
            )
        self._queryset = queryset.order_by("pk")

    def count(self) -> int:
        """Return how many objects there are in all."""
        return int(self._queryset.count())

    def fetch(self, key: Any, inclusive: bool, limit: int) -> Sequence[tuple[Any, Any]]:
        """Return a page of (object, key); see :data:`kiq.plugins.iteration.enumerators.Fetch`."""
        found = self._queryset
        if key is not None:
            found = found.filter(**{"pk__gte" if inclusive else "pk__gt": key})
        return [(each, each.pk) for each in found[:limit]]
