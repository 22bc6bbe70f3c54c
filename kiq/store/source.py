"""What connections are made of: settings, a URL, a client of the user's; looked at before there are any."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, replace
from typing import Any

import redis
from redis import exceptions
from redis.backoff import NoBackoff
from redis.retry import Retry

from .. import embedded
from ..config import Redis as Settings
from ..config import check_namespace
from ..errors import ConfigError
from ..redis_url import RedisUrl, mask, parse, with_database, with_namespace
from . import tls
from .credentials import Rotating, made_rotating
from .keyspace import BARE, Keyspace
from .pools import in_resp2, place
from .sentinel import Sentinels

_TIMEOUTS = {"socket_timeout": 5.0, "socket_connect_timeout": 3.0}  # seconds, where nobody says
_WANTED = "redis is a URL, a kiq.config.Redis or a redis.Redis"
#: Arguments of redis-py that are kiq's to set, whatever a client had: answers are read as bytes in RESP2,
#: and nothing is sent twice.
_OURS: dict[str, Any] = {
    "retry_on_timeout": False,
    "retry_on_error": [],
    "health_check_interval": 0,
    "protocol": 2,
    "decode_responses": False,
    "encoding": "utf-8",
    "encoding_errors": "strict",
    "client_name": None,
}
#: What Sentinels have of their own.
_OF_SENTINELS = ("username", "password", "username_file", "password_file", "tls")
_OF_POOLS = ("max_connections", "timeout")
_UNKNOWN = re.compile(r"unexpected keyword argument '(\w+)'")


@dataclass(frozen=True, slots=True)
class Source:
    """A class of redis-py's connections, and its arguments.

    *where* may be shown. *name* is for CLIENT LIST, if the user chose one. *client* is the user's, which
    keeps what its connections ask: a Sentinel's pool, say. *embedded* is a server that must be started.
    *keyspace* is how keys and channels are called there. *sentinels* say where the master is; *named*: who
    they, or those of the client, name must be looked at whether it is the master.
    """

    cls: Any
    arguments: dict[str, Any]
    where: str
    name: str | None = None
    client: Any = None
    embedded: str | None = None
    keyspace: Keyspace = BARE
    sentinels: Sentinels | None = None
    named: bool = False

    def connection(self, **others: Any) -> Any:
        """Return a connection that is not connected yet. Raises ConfigError for what makes none."""
        try:
            return self.cls(**{**self.arguments, **others})
        except (TypeError, ValueError, exceptions.RedisError) as error:
            unknown = _UNKNOWN.search(str(error))
            why = f"redis.{unknown[1]} is no setting of this connection" if unknown else str(error)
            raise ConfigError(
                f"redis-py {redis.__version__} makes no connection to {self.where}: {why}"
            ) from None

    def advice(self, error: Exception) -> str:
        """Return what to do about an *error* of TLS; "" where it is none."""
        encrypted = issubclass(self.cls, redis.SSLConnection)
        return tls.advice(str(error), self.arguments) if encrypted else ""

    def check_files(self) -> None:
        """Raise ConfigError for a file with a user or a password that can't be read now."""
        of_sentinel = self.sentinels.credentials if self.sentinels is not None else None
        for provider in (self.arguments.get("credential_provider"), of_sentinel):
            if isinstance(provider, Rotating):
                provider.check()


def source_of(given: Any, *, start: bool = True) -> Source:
    """Return what connections are made of that *given* asks for. Touches no network.

    *start*: start an embedded server. Raises ConfigError for what is no Redis, for settings that can't be,
    for files of TLS that are not there.
    """
    if isinstance(given, str):
        given = Settings(url=given)
    if not isinstance(given, Settings):
        given = Settings(client=given)
    source = _of_url(given, start) if given.client is None else _of_client(given.client)
    timeouts = {
        "socket_timeout": given.socket_timeout,
        "socket_connect_timeout": given.connect_timeout,
    }
    chosen = {name: value for name, value in timeouts.items() if value is not None}
    _refuse_ours(given.options, "redis.")
    source.arguments.update(chosen | dict(given.options))
    where = source.where
    if given.client is not None:
        where = with_namespace(with_database(where, given.options.get("db")), given.namespace)
    made = replace(source, where=where, keyspace=_keyspace(source, given))
    own = {name: made.arguments.pop(f"sentinel_{name}", None) for name in _OF_SENTINELS}
    checked = _checked(made)
    said = parse(given.url) if given.client is None else None
    return _by_sentinel(checked, said, own) if said and said.sentinels else checked


def _keyspace(source: Source, given: Settings) -> Keyspace:
    """Return how keys are called by *given*, or else by the URL, which *source* was made of."""
    said = source.arguments.pop("namespace", "")
    namespace = said if given.namespace is None else given.namespace
    if given.namespace is not None or namespace:
        check_namespace(namespace)
    database = str(source.arguments.get("db"))
    return Keyspace(namespace, int(database) if database.isdecimal() else 0)


def _by_sentinel(source: Source, said: RedisUrl, given: dict[str, Any]) -> Source:
    """Return *source* with the Sentinels that *said* names; *given* is what is theirs alone."""
    own = {name: value for name, value in given.items() if value is not None}
    encrypted = str(own.pop("tls", said.scheme == "rediss")).lower() not in (
        "false",
        "0",
        "no",
        "off",
    )
    arguments = source.arguments
    common = {name: arguments[name] for name in (*_TIMEOUTS, *_OURS, "retry", "socket_keepalive")}
    if encrypted:
        common |= {name: it for name, it in arguments.items() if name.startswith("ssl_")}
    made_rotating(own, "sentinel_")
    cls = redis.SSLConnection if encrypted else redis.Connection
    asked = Sentinels(said.sentinels, said.service, cls, common | own)
    return replace(source, sentinels=asked, named=True)


def check_client(client: Any) -> None:
    """Raise ConfigError unless *client* is a ``redis.Redis``: by what it is, whatever it has or says."""
    kind = type(client)
    shown = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
    pool = getattr(client, "connection_pool", None) if isinstance(client, redis.Redis) else None
    cls = getattr(pool, "connection_class", None)
    if inspect.isclass(client):
        raise ConfigError(f"{_WANTED}, not the class {client.__qualname__}: call it")
    if any(".asyncio" in each.__module__ for each in (*kind.__mro__, type(pool))):
        raise ConfigError(
            f"{_WANTED}, not {shown}, whose calls must be awaited: give redis.Redis or the URL, here; "
            "asyncio code pushes by `await HardWorker.aio.perform_async(...)`"
        )
    if issubclass(kind, redis.RedisCluster):
        raise ConfigError(f"{_WANTED}, not {shown}: kiq does not work with Redis Cluster yet")
    # Not by its own word: a mock says that it is whatever it was asked to be.
    if issubclass(type(pool), redis.ConnectionPool) and inspect.isclass(cls):
        return
    raise ConfigError(f"{_WANTED}, not {shown}{_instead(kind)}")


def _instead(kind: type) -> str:
    if issubclass(kind, redis.ConnectionPool):
        return ": give redis.Redis(connection_pool=pool)"
    if kind.__module__.startswith("unittest.mock"):
        return ": for tests there are kiq.testing and fakeredis.FakeRedis()"
    if kind.__name__ == "Sentinel":
        return ': give sentinel.master_for("the name")'
    return (
        ": str() makes a URL of it, if it is one" if kind.__name__.endswith(("Dsn", "Url")) else ""
    )


def _of_url(given: Settings, start: bool) -> Source:
    url = given.url
    try:
        scheme, parameters = (said := parse(url)).scheme, said.parameters
    except ConfigError as error:
        raise ConfigError(f"redis.url {error}") from None
    if said.sentinels:
        user_info, at, _ = url.partition("://")[2].partition("/")[0].rpartition("@")
        query = url.partition("?")[2]
        url = f"{scheme}://{user_info}{at}by-sentinel/{said.says.get('db', 0)}?{query}"
    elif scheme == "embedded":
        url = embedded.ensure(url).url if start else "unix:///not/started"
    else:
        url = scheme + url[len(scheme) :]
    _refuse_ours(parameters, "redis.url: the parameter ")
    try:
        pool = redis.ConnectionPool.from_url(url)
    except ValueError as error:
        # redis-py's words hold the name of a parameter; those of others might quote a password.
        why = str(error) if "Invalid value for" in str(error) else "it can't be read"
        raise ConfigError(f"redis.url, {mask(url)}: {why}") from None
    arguments = in_resp2(pool.connection_kwargs)
    where = given.masked_url
    embedded_url = given.url if scheme == "embedded" else None
    return Source(pool.connection_class, _TIMEOUTS | arguments, where, embedded=embedded_url)


def _of_client(client: Any) -> Source:
    check_client(client)
    pool = client.connection_pool
    arguments = in_resp2(pool.connection_kwargs)
    missing = {name: value for name, value in _TIMEOUTS.items() if arguments.get(name) is None}
    by_sentinel = hasattr(pool, "service_name")
    where = place(pool)
    return Source(
        pool.connection_class, arguments | missing, where, client=client, named=by_sentinel
    )


def _refuse_ours(names: Any, prefix: str) -> None:
    for name in names:
        if name == "retry" or name in _OF_POOLS or (name in _OURS and name != "client_name"):
            raise ConfigError(f"{prefix}{name} is kiq's own to set: leave it out")


def _checked(source: Source) -> Source:
    arguments, name = source.arguments, source.arguments.get("client_name")
    made_rotating(arguments)
    for each in _TIMEOUTS:
        value = arguments[each]
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise ConfigError(f"redis.{each} must be a number of seconds above 0, not {value!r}")
    by_tcp = not issubclass(source.cls, redis.UnixDomainSocketConnection)
    if by_tcp and arguments.get("socket_keepalive") is None:
        arguments["socket_keepalive"] = True
    if issubclass(source.cls, redis.SSLConnection):
        tls.try_tls(arguments)
    arguments.update(_OURS, retry=Retry(NoBackoff(), 0))
    made = replace(source, name=name)
    made.connection()
    return made
