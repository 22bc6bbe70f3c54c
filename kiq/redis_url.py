"""The URL of a Redis: what it may say, and how much of it may be shown."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, unquote, unquote_plus

from .errors import ConfigError

_PARAMETER = re.compile(r"([?&])([^=&?]*)=([^&]*)")
_PLAIN_ADDRESS = r"(\[[^\]]*\]|[^:\[\],]*)(:[0-9]*)?"
_PLAIN_AUTHORITY = re.compile(_PLAIN_ADDRESS)
_PLAIN_ADDRESSES = re.compile(f"{_PLAIN_ADDRESS}(,{_PLAIN_ADDRESS})*")
_BY_SENTINEL = "+sentinel"
_SENTINEL_PORT = 26379
_SECRET_WORDS = ("pass", "pwd", "secret", "token")
_EMBEDDED = re.compile(r"embedded(:(?!//).+)?")
_ADDRESS = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%]+\]|[^:\[\]]+)(:(?P<port>[0-9]{1,5}))?")
_MARKS = dict.fromkeys(map(ord, "@:#?"))
_ENCODE = "in a user, a password or a value, write / as %2F, ? as %3F, # as %23, @ as %40, [ as %5B"


@dataclass(frozen=True, slots=True)
class RedisUrl:
    """What a URL says besides where: *says* holds settings as text, such as db, username, password.

    *scheme* is redis, rediss, unix or embedded; *parameters* is what follows the question mark, of which
    each is in *says*. *sentinels* are the hosts and ports of those that know where the master *service* is.
    """

    scheme: str
    says: dict[str, str] = field(default_factory=dict)
    parameters: tuple[str, ...] = ()
    sentinels: tuple[tuple[str, int], ...] = ()
    service: str = ""


def parse(url: object) -> RedisUrl:
    """Return what *url* says. Raises ConfigError, which shows nothing of it but its scheme.

    What stands unencoded in a password would else be taken for a host, and shown as one.
    """
    if not isinstance(url, str):
        raise ConfigError("must be a URL such as redis://localhost:6379/0")
    if _EMBEDDED.fullmatch(url):
        return RedisUrl("embedded")
    scheme, separator, rest = url.partition("://")
    scheme, by_sentinel, none = scheme.lower().partition(_BY_SENTINEL)
    known_schemes = ("redis", "rediss") if by_sentinel else ("redis", "rediss", "unix")
    if not separator or none or scheme not in known_schemes:
        known = (
            "redis://, rediss://, unix:// or redis+sentinel://, or be embedded or embedded:FOLDER"
        )
        raise ConfigError(f"must begin with {known}")
    if not rest.isprintable() or " " in rest:
        raise ConfigError("must have no spaces and no control characters in it")
    place, _, query = rest.partition("?")
    authority, _, path = place.partition("/")
    if any(mark in unicodedata.normalize("NFKC", authority.translate(_MARKS)) for mark in "/?#@:"):
        raise ConfigError(f"has a character in it that reads as / ? # @ or a colon: {_ENCODE}")
    user_info, at, address = authority.rpartition("@")
    socket_alone = scheme == "unix" and not authority
    stray = "#" in rest or "@" in query or ("@" in path and not socket_alone)
    if stray or any(character in user_info for character in "@[]"):
        raise ConfigError(f"has a / ? # or @ where none may be: {_ENCODE}")
    says = _user(user_info) if at else {}
    if scheme == "unix":
        if address or not path:
            raise ConfigError(f"must name a socket, as in unix:///run/redis.sock; {_ENCODE}")
    else:
        service, path = _service(path) if by_sentinel else ("", path)
        for each in address.split(",") if by_sentinel else (address,):
            _check_address(each)
        says |= _database(path)
    parameters = _parameters(query, says)
    found = RedisUrl(scheme, says | parameters, tuple(parameters))
    return replace(found, sentinels=_places(address), service=service) if by_sentinel else found


def _service(path: str) -> tuple[str, str]:
    """Return the name of a master, and what follows it."""
    service, _, rest = path.partition("/")
    if not service or service.isdecimal():
        raise ConfigError(
            "must name the master behind the Sentinels, as in redis+sentinel://h1,h2/mymaster/0"
        )
    return unquote(service), rest


def _places(addresses: str) -> tuple[tuple[str, int], ...]:
    found = []
    for each in addresses.split(","):
        address = _ADDRESS.fullmatch(each)
        if address is None:
            raise ConfigError(
                "must name each Sentinel, as in redis+sentinel://h1:26379,h2:26379/mymaster/0"
            )
        found.append((address["host"].strip("[]"), int(address["port"] or _SENTINEL_PORT)))
    return tuple(found)


def _user(user_info: str) -> dict[str, str]:
    user, _, password = user_info.partition(":")
    found = {"username": unquote(user), "password": unquote(password)}
    return {name: value for name, value in found.items() if value}


def _check_address(address: str) -> None:
    if not address:
        return  # redis:///0 is this machine
    found = _ADDRESS.fullmatch(address)
    if found is None or (found["port"] and not 0 < int(found["port"]) < 65536):
        raise ConfigError(f"has no usable host and port; {_ENCODE}")


def _database(path: str) -> dict[str, str]:
    if not path:
        return {}
    if not re.fullmatch(r"[0-9]{1,9}", path):
        raise ConfigError(f"must end in the number of a database, as in /0; {_ENCODE}")
    return {"db": path}


def _parameters(query: str, said: dict[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in parse_qsl(query):
        if not re.fullmatch(r"[A-Za-z_]{1,40}", name):
            raise ConfigError(f"has parameters that can't be read; {_ENCODE}")
        if found.get(name, said.get(name, value)) != value:
            raise ConfigError(f"has {name} twice, in two ways")
        found[name] = value
    return found


def mask(url: str) -> str:
    """Return *url* with every password in it replaced by ``***``; when in doubt, with more."""
    shown = _PARAMETER.sub(_mask_parameter, url)
    scheme, separator, rest = shown.partition("://")
    if not separator:
        scheme, rest = "", shown
    user_info, at, place = rest.rpartition("@")
    if at:
        user, colon, _ = user_info.partition(":")
        return f"{scheme}{separator}{user if colon else ''}{colon}***@{place}"
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    plain = _PLAIN_ADDRESSES if scheme.lower().endswith(_BY_SENTINEL) else _PLAIN_AUTHORITY
    if separator and not plain.fullmatch(authority):
        # A password without its "@host": part of it may stand on either side of the slash.
        return f"{scheme}{separator}***"
    return shown


def with_database(shown: str, number: object) -> str:
    """Return *shown*, a masked URL, with *number* as its database; None leaves it as it is."""
    if number is None or "://" not in shown:
        return shown if number is None else f"{shown}, database {number}"
    place, _, query = shown.partition("?")
    others = [each for each in query.split("&") if each and not each.startswith("db=")]
    if place.startswith("unix:"):
        others.insert(0, f"db={number}")
    else:
        parts = 4 if _BY_SENTINEL in place.partition("://")[0].lower() else 3
        place = f"{'/'.join(place.split('/')[:parts])}/{number}"
    return place + ("?" + "&".join(others) if others else "")


def with_namespace(shown: str, namespace: str | None) -> str:
    """Return *shown*, a masked URL, with *namespace* in it; None leaves it as it is."""
    if namespace is None or "://" not in shown:
        return shown if namespace is None else f"{shown}, namespace {namespace}"
    place, _, query = shown.partition("?")
    others = [each for each in query.split("&") if each and not each.startswith("namespace=")]
    return f"{place}?{'&'.join([*others, f'namespace={namespace}'])}"


def _mask_parameter(found: re.Match[str]) -> str:
    key = unquote_plus(found[2]).lower()
    value = "***" if any(word in key for word in _SECRET_WORDS) else found[3]
    return f"{found[1]}{found[2]}={value}"
