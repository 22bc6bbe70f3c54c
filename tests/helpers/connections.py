"""What kiq hands to a connection of redis-py, as that keeps it."""

from __future__ import annotations

from typing import Any

from kiq.store.connection import Connector


def arguments(source: Any) -> dict[str, Any]:
    """What a connection to *source* is made with, by the names that redis-py's arguments have.

    Newer ones keep some of them under a name with an underscore in front.
    """
    connection = Connector(source).open()._connection
    found = {name.removeprefix("_"): value for name, value in vars(connection).items()}
    return {**found, "retries": connection.retry.get_retries()}
