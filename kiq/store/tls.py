"""TLS, tried before anything connects: a file that is missing then is no outage, but a mistake."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from typing import Any

from ..errors import ConfigError


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
    trusted = [arguments.get(name) for name in ("ssl_ca_certs", "ssl_ca_path", "ssl_ca_data")]
    if any(trusted):
        names = "redis.ssl_ca_certs, redis.ssl_ca_path, redis.ssl_ca_data"
        _try(names, lambda: context.load_verify_locations(*trusted))
    if ciphers := arguments.get("ssl_ciphers"):
        _try("redis.ssl_ciphers", lambda: context.set_ciphers(ciphers))


def _try(names: str, load: Any) -> None:
    try:
        load()
    except (OSError, ValueError, TypeError) as error:  # OpenSSL's are OSErrors
        raise ConfigError(f"{names}: {error}") from None
