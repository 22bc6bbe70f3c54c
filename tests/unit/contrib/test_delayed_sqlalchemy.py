"""Rows of SQLAlchemy as references, found in the session that the application gives."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, scoped_session, sessionmaker

import kiq
from kiq import testing
from kiq.contrib import delayed
from kiq.contrib.delayed import delay
from kiq.errors import ConfigError

pytestmark = pytest.mark.needs("sqlalchemy")

greeted: list[object] = []


class Base(DeclarativeBase):
    pass


class Row(delayed.Delayable, Base):
    __tablename__ = "rows"
    number: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]

    def greet(self) -> None:
        greeted.append(self.name)


@delayed.delayable
class Pair(Base):
    __tablename__ = "pairs"
    left: Mapped[int] = mapped_column(primary_key=True)
    right: Mapped[str] = mapped_column(primary_key=True)

    def greet(self) -> None:
        greeted.append((self.left, self.right))


@pytest.fixture
def scoped(unconfigured: None, fresh_host: kiq.Host) -> Iterator[scoped_session[sa.orm.Session]]:
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    Base.metadata.create_all(engine)
    scope = scoped_session(sessionmaker(engine))
    greeted.clear()
    with testing.scoped("fake"):
        yield scope
    scope.remove()
    engine.dispose()
    delayed.worker.reset()


def test_a_row_is_found_in_the_session_of_the_job(scoped: scoped_session[sa.orm.Session]) -> None:
    row, pair = Row(number=7, name="Ann"), Pair(left=1, right="b")
    with pytest.raises(delayed.NotDelayable, match="was not flushed"):
        row.delay().greet()
    scoped.add_all([row, pair])
    scoped.commit()
    row.delay().greet()
    delay(pair).greet()
    assert [job.args[0]["id"] for job in testing.jobs()] == [7, [1, "b"]]
    delayed.worker.session = scoped
    testing.drain()
    assert greeted == ["Ann", (1, "b")]
    row.delay().greet()
    scoped.delete(row)
    scoped.commit()
    with pytest.raises(delayed.RefNotFound):
        testing.perform_one()


def test_without_a_session_it_says_what_to_set(scoped: scoped_session[sa.orm.Session]) -> None:
    scoped.add(row := Row(number=7, name="Ann"))
    scoped.commit()
    row.delay().greet()
    with pytest.raises(ConfigError, match=r"set delayed\.worker\.session"):
        testing.perform_one()
