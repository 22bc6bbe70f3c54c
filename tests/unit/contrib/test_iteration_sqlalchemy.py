"""Enumerators over SQLAlchemy: each row once and in order, whatever interrupts them."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, ForeignKey, create_engine, event, func, select, union
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, aliased, mapped_column
from sqlalchemy.pool import StaticPool

from kiq.contrib.sqlalchemy.iteration import batches, rows
from tests.helpers.resumed import interrupted

pytestmark = pytest.mark.needs("sqlalchemy")

limits = st.lists(st.integers(0, 7), max_size=6)
few = settings(max_examples=30, deadline=None)


class Base(DeclarativeBase):
    """The tables of these tests."""


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    joined: Mapped[datetime.datetime]
    nick: Mapped[str | None]


class Seat(Base):
    __tablename__ = "seats"
    row: Mapped[int] = mapped_column(primary_key=True)
    place: Mapped[str] = mapped_column(primary_key=True)
    token: Mapped[uuid.UUID]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))


NOON = datetime.datetime(2026, 1, 1, 12)
IDS = [*range(1, 12), 20, 21, 22, 40]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    made = create_engine("sqlite://", poolclass=StaticPool)
    Base.metadata.create_all(made)
    with Session(made) as session:
        for number in IDS:
            joined = NOON + datetime.timedelta(days=number % 3)
            session.add(User(id=number, name=f"u{number}", joined=joined, nick=None))
        for row, place in ((r, p) for r in range(1, 4) for p in "abc"):
            token = uuid.UUID(int=row * 10 + ord(place))
            session.add(Seat(row=row, place=place, token=token, user_id=row))
        session.commit()
    yield made
    made.dispose()


@few
@given(page=st.integers(1, 6), after=limits)
def test_entities_are_done_once_and_in_order(engine: Engine, page: int, after: list[int]) -> None:
    with Session(engine) as session:
        done = interrupted(lambda c: rows(session, select(User), cursor=c, page=page), after)
    assert [user.id for user in done] == IDS


@few
@given(page=st.integers(1, 6), after=limits)
def test_a_key_of_several_columns_may_descend_and_hold_dates(
    engine: Engine, page: int, after: list[int]
) -> None:
    key = [User.joined.desc(), User.id]
    query = select(User.id, User.joined)
    done = interrupted(lambda c: rows(engine, query, cursor=c, key=key, page=page), after)
    found = [(joined, number) for number, joined in done]
    assert found == sorted(found, key=lambda pair: (-pair[0].timestamp(), pair[1]))
    assert sorted(number for _, number in found) == IDS


@few
@given(page=st.integers(1, 6), after=limits)
def test_a_primary_key_of_two_columns_works_by_itself(
    engine: Engine, page: int, after: list[int]
) -> None:
    with Session(engine) as session:
        done = interrupted(lambda c: rows(session, select(Seat), cursor=c, page=page), after)
    assert [(seat.row, seat.place) for seat in done] == [(r, p) for r in (1, 2, 3) for p in "abc"]


@few
@given(sizes=st.lists(st.integers(1, 5), min_size=7, max_size=7), after=limits)
def test_batches_lose_and_double_nothing_even_if_their_size_changes(
    engine: Engine, sizes: list[int], after: list[int]
) -> None:
    size = iter(sizes)
    with Session(engine) as session:
        done = interrupted(
            lambda c: batches(session, select(User), cursor=c, size=next(size)), after
        )
    assert [user.id for batch in done for user in batch] == IDS


def test_a_uuid_is_a_key(engine: Engine) -> None:
    query = select(Seat.token)
    done = interrupted(lambda c: rows(engine, query, cursor=c, key=[Seat.token], page=2), [1, 1, 2])
    assert done == sorted(done)
    assert len(done) == 9


def test_an_alias_and_a_table_can_be_gone_through(engine: Engine) -> None:
    other, table = aliased(User), User.__table__
    with Session(engine) as session:
        entities = [each for each, _ in rows(session, select(other), cursor=20, page=2)]
    assert [user.id for user in entities] == [20, 21, 22, 40]
    query = select(table.c.id, table.c.name).order_by(table.c.name)
    found = [each for each, _ in rows(engine, query, cursor=22, key=[table.c.id])]
    assert [tuple(row) for row in found] == [(22, "u22"), (40, "u40")]
    assert found[0].name == "u22"
    assert found[0]._fields == ("id", "name")


def test_the_conditions_of_the_query_hold(engine: Engine) -> None:
    query = select(User).where(User.id > 10).order_by(User.name)
    with Session(engine) as session:
        source = rows(session, query, cursor=None, page=2, count=True)
        assert source.total == 5
        assert [user.id for user, _ in source] == [11, 20, 21, 22, 40]


def test_a_join_that_doubles_rows_is_noticed(engine: Engine) -> None:
    query = select(User).join(Seat, Seat.user_id == User.id)
    with Session(engine) as session, pytest.raises(ValueError, match="two rows have the key"):
        list(rows(session, query, cursor=None, page=2))


def test_one_page_is_one_query_and_no_transaction_stays_open(engine: Engine) -> None:
    said: list[str] = []

    def listen(*event: Any) -> None:
        said.append(event[2])

    event.listen(engine, "before_cursor_execute", listen)
    try:
        found = list(rows(engine, select(User.id), cursor=None, key=[User.id], page=5))
    finally:
        event.remove(engine, "before_cursor_execute", listen)
    assert len(found) == 15
    assert len(said) == 3
    assert all("LIMIT" in each for each in said)


@pytest.mark.parametrize(
    ("query", "key", "words"),
    [
        (select(User).limit(5), None, "limit or an offset"),
        (select(User), [User.nick], "may be NULL"),
        (select(User), [], "no column"),
        (select(func.count()), None, "say by which columns"),
        (select(User, Seat), None, "say by which columns"),
    ],
)
def test_a_query_that_can_not_be_gone_through_is_refused(
    engine: Engine, query: Any, key: Any, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        rows(engine, query, cursor=None, key=key)


def test_a_null_in_the_key_is_an_error_and_is_not_left_out(engine: Engine) -> None:
    query = select(User.id)
    with pytest.raises(ValueError, match="without a key"):
        list(rows(engine, query, cursor=None, key=[func.nullif(User.id, 1)]))


@pytest.mark.parametrize(("query", "cursor"), [(select(User), [1]), (select(Seat), 1)])
def test_a_cursor_of_another_key_is_refused(engine: Engine, query: Any, cursor: Any) -> None:
    with pytest.raises(ValueError, match="no cursor of a key"):
        rows(engine, query, cursor=cursor)


def test_what_is_no_source_is_refused() -> None:
    with pytest.raises(TypeError, match="Engine"):
        rows("sqlite://", select(User), cursor=None)  # type: ignore[arg-type]


def test_a_union_is_refused(engine: Engine) -> None:
    with pytest.raises(TypeError, match="goes into a subquery"):
        rows(engine, union(select(User.id), select(Seat.row)), key=[User.id], cursor=None)
