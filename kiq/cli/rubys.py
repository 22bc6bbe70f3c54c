"""Ruby's Sidekiq servers on the same database: whether kiq can share it with them."""

from __future__ import annotations

import logging

from ..config import Config
from ..errors import StoreUnsuitable
from ..store import processes
from ..store.connection import Link

logger = logging.getLogger("kiq")


def check(link: Link, config: Config) -> None:
    """Refuse to share a database with a Ruby Sidekiq server unless the codec is json.

    Warn where kiq writes for another version of it. Two round trips; raises StoreUnsuitable.
    """
    infos = processes.infos(link)
    for identity, info in infos.items():
        if info.get("kiq"):
            continue
        if config.codec == "json":
            version = processes.sidekiq_of(info)
            if version != config.sidekiq:
                logger.warning(
                    "a Ruby Sidekiq of version %s works on this database (%s), and kiq writes for "
                    "%d: its pages would show wrong times, no metrics or no busy jobs. Set "
                    "sidekiq: %d",
                    info.get("version", "6 or before"),
                    identity,
                    config.sidekiq,
                    version,
                )
        elif not config.allow_ruby_server:
            raise StoreUnsuitable(
                f"a Ruby Sidekiq server works on this database ({identity}): its poller pops "
                "scheduled jobs before it can read them, and would lose kiq's in MessagePack. Set "
                "codec: json, or use another database, or set allow_ruby_server: true if it "
                "never polls"
            )
