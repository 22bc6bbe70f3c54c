"""Dependencies of FastAPI in jobs: as in a request, less what a request brings."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, Request

from kiq.contrib.fastapi import using

pytestmark = pytest.mark.needs("fastapi")
happened: list[str] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    happened.clear()


def settings() -> dict[str, str]:
    happened.append("settings")
    return {"name": "shop"}


Settings = Annotated[dict[str, str], Depends(settings)]


def session(found: Settings) -> Iterator[str]:
    happened.append("session")
    try:
        yield f"session of {found['name']}"
    except Exception as error:
        happened.append(f"rolled back for {error}")
        raise
    else:
        happened.append("committed")
    finally:
        happened.append("closed")


async def client(found: Settings, of: Annotated[str, Depends(session)]) -> AsyncIterator[str]:
    try:
        yield f"client with {of} and {found['name']}"
    finally:
        happened.append("client closed")


async def user(of: str = Depends(client)) -> str:
    return f"user of {of}"


class Page:
    """A class is a dependency too."""

    def __init__(self, found: Settings, size: int = 10) -> None:
        self.title = f"{found['name']} {size}"


def by_request(request: Request, found: Settings) -> str:
    return "never"


def in_a_loop(dependency: Any, error: Exception | None = None, app: Any = None) -> Any:
    async def job() -> Any:
        async with using(dependency, app=app) as value:
            if error is not None:
                raise error
            return value

    return asyncio.run(job())


def test_each_is_made_once_and_ended_the_last_first() -> None:
    assert in_a_loop(user) == "user of client with session of shop and shop"
    assert happened == ["settings", "session", "client closed", "committed", "closed"]


def test_the_error_of_a_job_is_raised_at_the_yield() -> None:
    with pytest.raises(ValueError, match="half"):
        in_a_loop(user, ValueError("half"))
    assert happened[2:] == ["client closed", "rolled back for half", "closed"]


def test_plain_jobs_use_plain_ones() -> None:
    with using(session) as value:
        assert value == "session of shop"
    assert happened == ["settings", "session", "committed", "closed"]
    with pytest.raises(ValueError, match="half"), using(session):
        raise ValueError("half")
    assert happened[-2:] == ["rolled back for half", "closed"]
    with pytest.raises(TypeError, match="user is async"), using(user):
        pass


def test_plain_ones_of_an_async_job_run_on_a_thread() -> None:
    def where() -> str:
        return threading.current_thread().name

    assert in_a_loop(where) != threading.current_thread().name


def test_classes_and_overrides() -> None:
    assert in_a_loop(Page).title == "shop 10"
    app = FastAPI()
    app.dependency_overrides[settings] = lambda: {"name": "test"}
    assert in_a_loop(Page, app=app).title == "test 10"


def test_what_a_request_brings_is_refused_by_name_and_nothing_is_left_open() -> None:
    def both(of: Annotated[str, Depends(session)], no: Annotated[str, Depends(by_request)]) -> str:
        return "never"

    with pytest.raises(TypeError, match="by_request takes 'request', which a request brings"):
        in_a_loop(both)
    assert happened[-1] == "closed"
