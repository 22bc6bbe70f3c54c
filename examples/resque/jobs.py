"""Jobs in the manner of Resque: plain classes, each with a queue and a static perform."""

from __future__ import annotations

import time
from collections.abc import Iterator

from models import User

from kiq.contrib import resque


class MyJob:
    queue = "default"

    @staticmethod
    def perform(name: str, count: int) -> None:
        print(f"Processing {name} {count} times!", flush=True)


class Foo:
    queue = "foo"

    @staticmethod
    def perform(user_id: int) -> None:
        user = User.find(user_id)
        print(f"Foo for {user.name}", flush=True)


class Welcome:
    queue = "email"

    @staticmethod
    def perform(user_id: int) -> None:
        print(f"Welcome, {User.find(user_id).name}!", flush=True)

    @staticmethod
    def before_enqueue_known(user_id: int) -> bool:
        return user_id in (1, 2)

    @staticmethod
    def around_perform_timed(user_id: int) -> Iterator[None]:
        began = time.monotonic()
        yield
        resque.logger.info("user %d is welcome after %.3f s", user_id, time.monotonic() - began)


class Report:
    queue = "low"

    @staticmethod
    def perform(kind: str) -> None:
        print(f"the {kind} report", flush=True)
