"""Mistakes in what is carried, and in pushes that wait for a commit."""

from __future__ import annotations

from contextlib import nullcontext

from sqlalchemy.orm import Session

import kiq
from tests.typing.accepted.carrying import Ship, pack


def carry() -> None:
    # refused: arg-type | reportArgumentType | a name is no variable
    kiq.carry("tenant")
    # refused: arg-type | reportArgumentType | the language is not a function
    kiq.carry_locale("de", nullcontext)


def push(session: Session) -> None:
    # refused: arg-type | reportArgumentType | a session is no client
    Ship.via(session)
    # refused: arg-type | reportArgumentType | the arguments are those of perform
    pack.via(kiq.after_commit(session)).perform_async("1")
    # refused: attr-defined | reportAttributeAccessIssue | no name of kiq
    kiq.after_comit(session)
