"""The settings that exist: names, types, ranges, and the keys of Sidekiq that mean something else."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import get_type_hints

from .. import features
from ..errors import PluginError
from ..features import Feature
from .annotated import reader_of
from .values import (
    Reader,
    boolean,
    changing,
    choice,
    client_name,
    integer,
    namespace,
    queues,
    seconds,
    secret,
    text,
    texts,
    url,
    word,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting: *name* as in a file ("redis.url" is ``url`` under ``redis``), how to read it.

    *variable* is its environment variable, *flag* the option of the command line that origins
    name, *listed* says that its variable holds several values between spaces.
    """

    name: str
    read: Reader
    aliases: tuple[str, ...] = ()
    variable: str = ""
    flag: str = ""
    listed: bool = False
    hidden: bool = False


def _setting(name: str, read: Reader, *aliases: str, variable: str = "", flag: str = "") -> Setting:
    return Setting(
        name=name,
        read=read,
        aliases=aliases,
        variable=variable or "KIQ_" + name.replace(".", "_").upper(),
        flag=flag or "--" + name.replace(".", "-").replace("_", "-"),
        listed=read is texts,
        hidden=getattr(read, "__wrapped__", read) is secret,
    )


_DAY = 86400

_TOP = (
    _setting("concurrency", integer(1, 1000)),
    _setting("queues", queues, "queue", flag="--queue"),
    _setting("environment", word, variable="KIQ_ENV"),
    _setting("codec", choice("msgpack", "json")),
    _setting("sidekiq", integer(6, 8)),
    _setting("shutdown_timeout", seconds(0, _DAY), "timeout", flag="--timeout"),
    _setting("max_retries", integer(0, 1000)),
    _setting("dead_max_jobs", integer(1, 100_000_000)),
    _setting("dead_timeout", seconds(1, 36_500 * _DAY), "dead_timeout_in_seconds"),
    _setting("lease", seconds(5, 3600)),
    _setting("require", texts, "imports"),
    _setting("tag", text),
    _setting("labels", texts),
    _setting(
        "log_level",
        choice("debug", "info", "warning", "error", "critical", warn="warning", fatal="critical"),
    ),
    _setting("log_format", choice("auto", "pretty", "plain", "json")),
    _setting("allow_ruby_server", boolean),
    _setting("skip_default_job_logging", boolean),
    _setting("logged_job_attributes", texts),
    _setting("plugins", texts),
    _setting("disable_plugins", texts),
    _setting("max_payload", integer(1, 512 * 1024 * 1024)),
    _setting("push_buffer", integer(0, 1_000_000)),
)

#: Keyword arguments of redis-py's connection that a file may set.
_REDIS_OPTIONS: dict[str, Reader] = {
    "username": changing(text),
    "password": changing(secret),
    "username_file": text,
    "password_file": text,
    "sentinel_username": text,
    "sentinel_password": changing(secret),
    "sentinel_username_file": text,
    "sentinel_password_file": text,
    "sentinel_tls": boolean,
    "db": integer(0, 1_000_000),
    "client_name": client_name,
    "socket_keepalive": boolean,
    "ssl_ca_certs": text,
    "ssl_ca_path": text,
    "ssl_ca_data": secret,
    "ssl_certfile": text,
    "ssl_keyfile": text,
    "ssl_password": secret,
    "ssl_cert_reqs": choice("none", "optional", "required"),
    "ssl_check_hostname": boolean,
    "ssl_ciphers": text,
}

_REDIS = (
    _setting("redis.url", url, "redis_url", flag="--redis-url"),
    _setting("redis.connect_timeout", seconds(0.01, 600)),
    _setting("redis.socket_timeout", seconds(0.01, 600)),
    _setting("redis.namespace", namespace),
    *(_setting(f"redis.{name}", read) for name, read in _REDIS_OPTIONS.items()),
)

SETTINGS: dict[str, Setting] = {setting.name: setting for setting in (*_TOP, *_REDIS)}
CAPSULE_KEYS = ("concurrency", "queues")
#: Names of environments whose section may stand at the top level, as in Sidekiq.
BARE_ENVIRONMENTS = ("production", "development", "test", "staging")

#: Settings of redis-py that belong to kiq: what a user may write instead.
REDIS_REFUSED = {
    "host": "write it into url: redis://host:port/0",
    "port": "write it into url: redis://host:port/0",
    "path": "write it into url: unix:///run/redis.sock",
    "ssl": "begin url with rediss:// instead",
    "timeout": "write connect_timeout and socket_timeout",
    "network_timeout": "write connect_timeout and socket_timeout",
    "socket_connect_timeout": "write connect_timeout",
    "ssl_params": "write ssl_ca_certs, ssl_certfile, ssl_keyfile, ssl_cert_reqs",
    **dict.fromkeys(
        ("retry", "retry_on_timeout", "retry_on_error", "reconnect_attempts"),
        "leave it out: kiq repeats only what is safe to repeat",
    ),
    **dict.fromkeys(
        ("protocol", "decode_responses", "encoding", "health_check_interval"),
        "leave it out: kiq sets it for every connection",
    ),
    **dict.fromkeys(
        ("size", "pool_size", "max_connections", "pool_timeout"),
        "leave it out: kiq opens as many connections as it needs",
    ),
}

#: Keys that did something in a Sidekiq of old: what to do today.
GONE = {
    "logfile": "logfile is gone: kiq logs to standard output; redirect it, as in kiq >> kiq.log",
    "daemon": "daemon is gone: run kiq under systemd, a container or another supervisor, "
    "which puts it into the background",
}

#: Keys of Sidekiq that are accepted and do nothing: why.
IGNORED = {
    "strict": "strict is ignored: queues without weights are served in strict order",
    "average_scheduled_poll_interval": "average_scheduled_poll_interval is ignored: kiq sleeps "
    "until the next job is due",
    "poll_interval_average": "poll_interval_average is ignored: kiq sleeps until the next job is "
    "due",
    "redis_idle_timeout": "redis_idle_timeout is ignored: kiq keeps few connections, all in use",
    "health_check": "health_check is ignored: write health: 127.0.0.1:7433",
}

#: Keys of the top level that hold more than one setting.
TABLES = ("redis", "capsules", "environments", *BARE_ENVIRONMENTS)


@dataclass(frozen=True, slots=True)
class Known:
    """The settings that exist here, the job path's and those of features.

    *names* maps each spelling to its setting, *sections* are the keys under which features have theirs.
    """

    settings: dict[str, Setting]
    names: dict[str, str]
    sections: tuple[str, ...]

    def under(self, section: str) -> list[str]:
        """Return the names of the settings that stand under the key *section*, without it."""
        return [name.partition(".")[2] for name in self.names if name.startswith(f"{section}.")]

    def keys(self) -> list[str]:
        """Return all keys that may stand at the top level."""
        single = [name for name in self.names if "." not in name]
        return [*single, *TABLES, *self.sections, "verbose", *GONE, *IGNORED]


def known() -> Known:
    """Return the settings that were declared until now; :func:`kiq.features.load` makes it those of kiq."""
    return _known(features.declared())


def section_of(feature: Feature) -> str:
    """Return the key under which the settings of *feature* stand; "" is the top level."""
    return feature.name if feature.section is None else feature.section


def names_of(feature: Feature) -> dict[str, str]:
    """Return the settings of *feature* by the names of their fields; empty where it has none."""
    prefix = f"{section_of(feature)}." if section_of(feature) else ""
    if feature.settings is not None and not is_dataclass(feature.settings):
        raise PluginError(f"{feature.name}: settings must be a dataclass, not {feature.settings!r}")
    declared = fields(feature.settings) if feature.settings is not None else ()
    return {each.name: prefix + each.name for each in declared}


@cache
def _known(declared: tuple[Feature, ...]) -> Known:
    settings = dict(SETTINGS)
    sections: list[str] = []
    for feature in declared:
        section, names = section_of(feature), names_of(feature)
        if feature.settings is None:
            continue
        taken = {*settings, *TABLES, *sections, *GONE, *IGNORED, "verbose"}
        for key in {section} - {""} or names.values():
            if key in taken:
                raise PluginError(f"{feature.name}: the setting {key!r} is taken")
        sections += [section] if section else []
        kinds = get_type_hints(feature.settings, include_extras=True)
        for field, name in names.items():
            settings[name] = _setting(name, reader_of(f"{feature.name}: {field}", kinds[field]))
    names = {
        spelling: setting.name
        for setting in settings.values()
        for spelling in (setting.name, *setting.aliases)
    }
    return Known(settings, names, tuple(sections))


def suggestion(wrong: str, known: Iterable[str]) -> str:
    """Return ``; did you mean concurrency?``, or nothing where no known name is near."""
    near = difflib.get_close_matches(wrong, list(known), n=1, cutoff=0.7)
    return f"; did you mean {near[0]}?" if near else ""
