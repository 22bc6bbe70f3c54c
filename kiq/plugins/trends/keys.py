"""The keys that trends are kept in."""

from __future__ import annotations

TAKEN = "kiq:taken"  # hash: queue -> jobs that workers have taken of it, TTL
TREND = "kiq:trend"  # list of moments, the newest first, TTL

MOMENTS = 40  # that are kept
STEP = 15  # seconds from one to the next
LIFE = 3600  # seconds that both are kept when nobody writes
