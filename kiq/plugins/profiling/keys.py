"""Sidekiq's keys for profiles."""

from __future__ import annotations

PROFILES = "profiles"  # sorted set of profile names, score = when it expires, epoch seconds
TTL = 86_400  # seconds that a profile is kept


def profile(token: str, jid: str) -> str:
    """Return the name of a profile, which is also the key of its hash."""
    return f"{token}-{jid}"
