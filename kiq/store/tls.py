"""TLS, tried before anything connects: a file that is missing then is no outage, but a mistake."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from typing import Any

from ..errors import ConfigError

_TRUSTED = ("ssl_ca_certs", "ssl_ca_path", "ssl_ca_data")
#: Words of OpenSSL, and what they mean to who set this up; the first that fits counts.
_MEANINGS = (
    (
        ("mismatch", "not valid for"),
        "the server's certificate is for another name than redis.url has",
    ),
    (
        ("certificate has expired", "not yet valid"),
        "renew the server's certificate, or look at the clock",
    ),
    (("VERIFY_FAILED",), "the server's certificate is not signed by {trusted}"),
    (
        ("CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE"),
        "the server wants a client's certificate: {own}",
    ),
    (("ALERT_CERTIFICATE_EXPIRED",), "the server says that {own} has expired"),
    (("UNKNOWN_CA", "BAD_CERT", "DECRYPT_ERROR"), "the server does not trust {own}"),
    (("WRONG_VERSION_NUMBER",), "no TLS is spoken at this port: is it a redis:// one?"),
    (
        ("EOF occurred", "by server", "reset by peer"),
        "it closed the link: does it want, and trust, {own}?",
    ),
    (("[SSL",), "see {trusted} and {own}"),
)


def try_tls(arguments: Mapping[str, Any]) -> None:
    """Load what redis-py's connection with *arguments* will. Raises ConfigError naming the setting."""
    for name in ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_ca_path"):
        path = arguments.get(name)
        if path and not os.access(path, os.R_OK):
            why = "can't be read by this process" if os.path.exists(path) else "is not there"
            raise ConfigError(f"redis.{name}: {path} {why}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    certificate, key = arguments.get("ssl_certfile"), arguments.get("ssl_keyfile")
    if key and not certificate:
        raise ConfigError("redis.ssl_keyfile is of no use without redis.ssl_certfile")
    if certificate:
        names = "redis.ssl_certfile, redis.ssl_keyfile, redis.ssl_password"
        password = arguments.get("ssl_password") or ""  # "": else OpenSSL would ask at the terminal
        _try(names, lambda: context.load_cert_chain(certificate, key, password))
    trusted = [arguments.get(name) for name in _TRUSTED]
    if any(trusted):
        names = "redis.ssl_ca_certs, redis.ssl_ca_path, redis.ssl_ca_data"
        _try(names, lambda: context.load_verify_locations(*trusted))
    if ciphers := arguments.get("ssl_ciphers"):
        _try("redis.ssl_ciphers", lambda: context.set_ciphers(ciphers))


def advice(text: str, arguments: Mapping[str, Any]) -> str:
    """Return what to do about *text*, an error of a connection with TLS that could not be made; or ""."""
    names = [name for name in _TRUSTED if arguments.get(name)]
    shown = [n if n == "ssl_ca_data" else f"{n} ({arguments[n]})" for n in names]
    trusted = (
        f"redis.{shown[0]}"
        if shown
        else "this system's authorities (redis.ssl_ca_certs is not set)"
    )
    own = f"redis.ssl_certfile ({arguments.get('ssl_certfile') or 'not set'})"
    found = next(
        (what for words, what in _MEANINGS if any(word in text for word in words)), "see {own}"
    )
    return f"; {found.format(trusted=trusted, own=own)}"


def _try(names: str, load: Any) -> None:
    try:
        load()
    except (OSError, ValueError, TypeError) as error:  # OpenSSL's are OSErrors
        raise ConfigError(f"{names}: {error}") from None
