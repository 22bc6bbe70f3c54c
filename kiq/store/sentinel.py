"""Sentinel: where the master is, asked anew for each connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from redis import exceptions

from ..errors import StoreDenied, StoreError, StoreUnavailable

_PATIENCE = 1.0  # seconds for one of several Sentinels
_DENIED = (exceptions.AuthenticationError, exceptions.NoPermissionError)


class _Answer(NamedTuple):
    epoch: int  # the higher, the newer
    place: tuple[str, int]
    down: bool  # a majority says so


class Sentinels:
    """The Sentinels at *places*, which watch the master *service*. *make* opens connections to them.

    Threads: any; nothing stays open between two questions.
    """

    def __init__(
        self,
        places: Sequence[tuple[str, int]],
        service: str,
        cls: Any,
        arguments: Mapping[str, Any],
    ) -> None:
        self._places = list(places)  # who did not answer stands last
        self._service = service
        self._cls, self._arguments = cls, dict(arguments)
        for limit in ("socket_timeout", "socket_connect_timeout"):
            self._arguments[limit] = min(self._arguments[limit], _PATIENCE)

    @property
    def credentials(self) -> Any:
        """What is asked for a user and a password, if something is."""
        return self._arguments.get("credential_provider")

    def master(self) -> tuple[str, int]:
        """Return the master's host and port. Raises StoreUnavailable or StoreDenied.

        More than half of the Sentinels are asked, if so many answer, and the newest answer counts: one that
        was cut off from the others still names the master of before.
        """
        answers: list[_Answer] = []
        troubles: list[tuple[tuple[str, int], Exception]] = []
        for place in tuple(self._places):
            try:
                answers.append(self._ask(*place))
            except (exceptions.RedisError, OSError, ValueError) as error:
                error.__traceback__ = error.__context__ = None
                troubles.append((place, error))
                self._places = [each for each in self._places if each != place] + [place]
            if 2 * len(answers) > len(self._places):
                break
        if not answers:
            raise self._nowhere(troubles)
        newest = max(answers)
        if newest.down:
            raise StoreUnavailable(
                f"Redis can't be reached: Sentinel says that the master {self._service} at "
                f"{newest.place[0]}:{newest.place[1]} is down, and there is no other yet"
            )
        return newest.place

    def _ask(self, host: str, port: int) -> _Answer:
        connection = self._cls(host=host, port=port, **self._arguments)
        try:
            connection.connect()
            connection.send_command("SENTINEL", "MASTER", self._service)
            pairs = [part.decode() for part in connection.read_response(disable_decoding=True)]
        except exceptions.ResponseError as error:
            if "No such master" in str(error):
                raise _Unknown(_watched(connection)) from None
            raise
        finally:
            connection.disconnect()
        said = dict(zip(pairs[::2], pairs[1::2], strict=True))
        down = "o_down" in said.get("flags", "")
        return _Answer(int(said.get("config-epoch", 0)), (said["ip"], int(said["port"])), down)

    def _nowhere(self, troubles: Sequence[tuple[tuple[str, int], Exception]]) -> StoreError:
        causes = [cause for _, cause in troubles]
        places: dict[str, list[str]] = {}
        for (host, port), cause in troubles:
            what = "this is no Sentinel" if "unknown command" in str(cause) else str(cause)
            places.setdefault(what, []).append(f"{host}:{port}")
        why = "; ".join(f"{', '.join(these)}: {what}" for what, these in places.items())
        kind: type[StoreError] = StoreUnavailable
        if any(isinstance(cause, _Unknown) for cause in causes):
            what = f"no Sentinel knows a master named {self._service}"
            advice = "check the name behind the Sentinels in redis.url"
        elif any(isinstance(cause, _DENIED) for cause in causes):
            kind = StoreDenied
            what = "Sentinel refused the user or its password"
            advice = (
                "Sentinels have their own: check redis.sentinel_username, redis.sentinel_password"
            )
        else:
            what, advice = "no Sentinel answers", "do they run, and is redis.url right?"
        error = kind(f"{what}: {why}; {advice}")
        error.__cause__ = causes[0]
        return error


class _Unknown(exceptions.RedisError):
    """A Sentinel watches other masters."""


def _watched(connection: Any) -> str:
    """Return the names of the masters that a Sentinel watches."""
    try:
        connection.send_command("SENTINEL", "MASTERS")
        masters = connection.read_response(disable_decoding=True)
    except (exceptions.RedisError, OSError):
        return "what it watches it does not say"
    names = ", ".join(master[1].decode(errors="replace") for master in masters)
    return f"it watches {names or 'none'}"


def is_master(role: Any) -> bool:
    """Tell whether a server that answered ROLE so is a master; one that does not say may be."""
    return not isinstance(role, list) or role[0] == b"master"
