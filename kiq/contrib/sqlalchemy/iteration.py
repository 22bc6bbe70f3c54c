"""Enumerators over SQLAlchemy queries: by key, a page at a time, for ``build`` of iterable jobs.

The cursor is the key of a row (a list where the key has several columns). No transaction and no
database cursor stays open between two pages, but what the caller's own session holds.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Select, and_, func, inspect, or_, select
from sqlalchemy.orm import Session, scoped_session
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.expression import GenerativeSelect
from sqlalchemy.sql.operators import desc_op

from ...plugins.iteration import Enumerator, keyset, keyset_batches

Source = Engine | Connection | Session | scoped_session[Any]


def rows(
    source: Source,
    query: GenerativeSelect,
    *,
    cursor: Any,
    key: Sequence[Any] | None = None,
    page: int = 1000,
    count: bool = False,
) -> Enumerator[Any]:
    """Go through *query* in the order of *key*; an item is an entity, a value, or a row of several.

    *key* is columns that together are unique and never NULL, ``.desc()`` where wanted; without it the
    primary key of the entity that is selected. *page* rows are read at once. With *count* the total is
    counted first, for a percentage. An engine lends a connection for each page; a session is used as
    it is. Raises ValueError for a key that can't be one.
    """
    reader = _Reader(source, query, key)
    pairs = keyset(reader.fetch, cursor=reader.checked(cursor), page=page)
    return Enumerator(pairs, total=reader.count() if count else None)


def batches(
    source: Source,
    query: GenerativeSelect,
    *,
    cursor: Any,
    size: int = 100,
    key: Sequence[Any] | None = None,
    count: bool = False,
) -> Enumerator[list[Any]]:
    """As :func:`rows`, in lists of *size*; the cursor is the key of the first row.

    An interrupted job goes on with the row that the cursor names: *size* may change in between.
    """
    reader = _Reader(source, query, key)
    pairs = keyset_batches(reader.fetch, cursor=reader.checked(cursor), size=size)
    return Enumerator(pairs, total=reader.count() if count else None, weight=len)


class _Reader:
    """Reads one page of a query at a time."""

    def __init__(self, source: Source, query: GenerativeSelect, key: Sequence[Any] | None) -> None:
        if not isinstance(source, Engine | Connection | Session | scoped_session):
            raise TypeError(f"give an Engine, a Connection or a Session, not {source!r:.100}")
        if not isinstance(query, Select):
            raise TypeError(
                f"give a select(), not {type(query).__name__}; a union goes into a subquery"
            )
        if query._limit_clause is not None or query._offset_clause is not None:
            raise ValueError(
                "the query has a limit or an offset: it would apply to each page; leave it out"
            )
        self._source = source
        self._query: Any = query.order_by(None)
        columns = _primary_key(query) if key is None else list(key)
        if not columns:
            raise ValueError("the key has no column")
        self._descends = [_is_descending(column) for column in columns]
        self._columns = [_plain(column) for column in columns]
        for column in self._columns:
            if getattr(column, "nullable", False):
                raise ValueError(
                    f"{column} may be NULL, and such rows would be left out: choose a key of columns "
                    "that are not nullable"
                )

    def checked(self, cursor: Any) -> Any:
        """Return *cursor*. Raises ValueError if it can't be a cursor of this key."""
        many = len(self._columns) > 1
        if (
            cursor is None
            or (isinstance(cursor, list) and len(cursor) == len(self._columns)) == many
        ):
            return cursor
        raise ValueError(
            f"{cursor!r:.100} is no cursor of a key of {len(self._columns)} columns: it may be from a run "
            "with other code; to begin anew, delete the job's iteration state"
        )

    def count(self) -> int:
        """Return how many rows there are in all."""
        counted = select(func.count()).select_from(self._query.subquery())
        with _executing(self._source) as execute:
            return int(execute(counted).scalar_one())

    def fetch(self, key: Any, inclusive: bool, limit: int) -> Sequence[tuple[Any, Any]]:
        """Return a page of (item, key); see :data:`kiq.plugins.iteration.enumerators.Fetch`."""
        query = self._query.add_columns(*self._columns).limit(limit)
        pairs = zip(self._columns, self._descends, strict=True)
        query = query.order_by(*(c.desc() if down else c.asc() for c, down in pairs))
        if key is not None:
            query = query.where(self._after(key if isinstance(key, list) else [key], inclusive))
        with _executing(self._source) as execute:
            found = execute(query).all()
        width = len(found[0]) - len(self._columns) if found else 0
        return [(_item(row, width), self._key(list(row[width:]))) for row in found]

    def _after(self, key: Sequence[Any], inclusive: bool) -> ColumnElement[bool]:
        """Return the condition for what comes after *key*, in words that every database knows."""
        ways: list[Any] = []
        same: list[Any] = []
        for column, value, down in zip(self._columns, key, self._descends, strict=True):
            ways.append(and_(*same, column < value if down else column > value))
            same.append(column == value)
        return or_(*ways, and_(*same)) if inclusive else or_(*ways)

    def _key(self, key: list[Any]) -> Any:
        if None in key:
            raise ValueError(f"a row has the key {key}: rows without a key would be left out")
        return key if len(key) > 1 else key[0]


def _item(row: Any, width: int) -> Any:
    """Return what the query asked for: a row without the columns of the key, or its only value."""
    return row[0] if width == 1 else _row_of(row._fields[:width])._make(row[:width])


@lru_cache(maxsize=100)
def _row_of(names: tuple[str, ...]) -> Any:
    return namedtuple("Row", names, rename=True)


@contextmanager
def _executing(source: Source) -> Iterator[Callable[[Any], Any]]:
    """Lend what executes queries: an engine's connection is given back at once."""
    if isinstance(source, Engine):
        with source.connect() as connection:
            yield connection.execute
    else:
        yield source.execute


def _primary_key(query: Any) -> list[Any]:
    entities = [each.get("entity") for each in query.column_descriptions]
    mapper = inspect(entities[0], raiseerr=False) if len(set(entities)) == 1 else None
    if mapper is None or not hasattr(mapper, "mapper"):
        raise ValueError("say by which columns to go, as in key=[orders.c.id]")
    entity = entities[0]
    return [_attribute(entity, column) for column in mapper.mapper.primary_key]


def _attribute(entity: Any, column: Any) -> Any:
    """Return the attribute of *entity* (which may be an alias) for *column* of its table."""
    return getattr(entity, inspect(entity).mapper.get_property_by_column(column).key)


def _is_descending(column: Any) -> bool:
    return isinstance(column, UnaryExpression) and column.modifier is desc_op


def _plain(column: Any) -> Any:
    inner = column.element if isinstance(column, UnaryExpression) else column
    return inner.__clause_element__() if hasattr(inner, "__clause_element__") else inner
