"""What is carried, and pushes that wait for a commit."""

from __future__ import annotations

from contextlib import nullcontext
from contextvars import ContextVar
from typing import assert_type

from sqlalchemy.orm import Session

import kiq

tenant: ContextVar[str] = ContextVar("tenant")
number: ContextVar[int] = ContextVar("number")


class Ship(kiq.Job, name="typing.Ship"):
    def perform(self, order: int, *, by: str = "sea") -> None: ...


@kiq.job(name="typing.pack")
def pack(order: int) -> None: ...


def carry() -> None:
    kiq.carry(tenant, number, log=True)
    kiq.carry(number, name="n", dump=str, load=int)
    kiq.carry_locale(lambda: None, nullcontext)
    kiq.carry_trace(tenant.get)


def push(session: Session) -> None:
    client = kiq.after_commit(session)
    assert_type(Ship.via(client).perform_async(1, by="air"), str | None)
    pack.via(kiq.after_commit(using="default")).set(queue="low").perform_in(5, 1)
    with client:
        Ship.perform_bulk([Ship.args(1)])
    kiq.after_commit.always(session)
    kiq.after_commit.always(None)
