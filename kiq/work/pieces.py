"""What features wrote in Lua, looked at before a worker starts.

A piece is joined to kiq's own scripts: one that Redis can't read would stop what it is joined to, settling
for example, and look like an outage.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import PluginError, StoreDenied, StoreError, StoreUnavailable
from ..plugin import Host
from ..store.connection import Link
from ..store.scripts import Script, load

_GIVEN = "KEYS, ARGV, JOB, DUE, PROMOTING, TOKEN, TOKENS"


def check(link: Link, host: Host) -> None:
    """Have Redis read all pieces of *host*. One round trip, none where there are no pieces.

    Raises PluginError, which names the piece and says what is wrong with it. A Redis that does not take
    SCRIPT LOAD tells nothing: then the first write shows it.
    """
    pieces = list(_pieces(host))
    if not pieces:
        return
    wrapped = [
        Script(what, f"local function piece({_GIVEN})\n{text}\nend") for what, text in pieces
    ]
    for (what, _), reply in zip(
        pieces, link.exchange([load(each) for each in wrapped]), strict=True
    ):
        if isinstance(reply, StoreError) and not isinstance(reply, StoreDenied | StoreUnavailable):
            raise PluginError(f"{what} is no Lua that Redis can read: {reply}") from None


def _pieces(host: Host) -> Iterator[tuple[str, str]]:
    for rider in host.riders:
        yield f"the piece of rider {rider.name}", rider.lua
    for cap in host.fleet_caps:
        for part in ("room", "took", "freed"):
            yield f"{part} of cap {cap.name}", getattr(cap, part)
    for guard in host.guards:
        for part in ("check", "take", "undo"):
            yield f"{part} of guard {guard.name}", getattr(guard, part)
