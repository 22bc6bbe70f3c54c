"""The channel by which workers hear of a cancel; the requests are at :data:`kiq.keys.CANCELLED`."""

from __future__ import annotations

CANCEL_BELL = "cancel"  # at kiq:bell: tells workers of new requests
