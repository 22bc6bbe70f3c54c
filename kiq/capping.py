"""Limits of the whole fleet: how many jobs of a queue may be in flight, as features keep count of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import keys
from .riding import Ride, Rider

if TYPE_CHECKING:
    from .settled import Settled

#: What frees a slot wakes somebody for the next job, if there is one.
_FREED = """local idle = table.remove(KEYS)
local lists = {{table.remove(KEYS), table.remove(KEYS), table.remove(KEYS)}}
local TOKEN = table.remove(ARGV)
local function freed(KEYS, ARGV)
{piece}
end
freed(KEYS, ARGV)
for _, list in ipairs(lists) do
  local waiting = redis.pcall('LLEN', list)
  if type(waiting) == 'number' and waiting > 0 then ring(idle, 1) break end
end"""


@dataclass(frozen=True, slots=True)
class FleetCap:
    """How many jobs of some queues may be in flight in the whole fleet, exact in the step of a fetch.

    *asked* returns for a queue what all pieces get as ``KEYS`` and ``ARGV``, or None where it has no limit;
    the keys are the same whenever it is asked. It is called by kiq's own threads, often, and must not wait.

    Each piece is the body of a function in Lua. *room* returns how many jobs may be taken now, nil for any
    number; it has nothing to write. *took* notes ``TOKENS``, a list: the names of the deliveries
    (:attr:`kiq.settled.Settled.token`) that were taken. *freed* forgets ``TOKEN``, whose delivery is over,
    and does no harm if it was not noted. Both run in the step that takes jobs, or lets one go.
    """

    name: str
    asked: Callable[[str], Ride | None]
    room: str
    took: str
    freed: str

    def rider(self) -> Rider:
        """Return what frees slots. Raises PluginError for a name that can't be."""
        return Rider(self.name, lua=_FREED.format(piece=self.freed), releasing=self._over)

    def _over(self, job: Settled) -> Ride | None:
        queue = keys.queue_name(job.source)
        ride = self.asked(queue) if queue and job.token else None
        if queue is None or ride is None:
            return None
        lists = map(keys.queue, keys.bands(queue))
        return Ride([*ride.keys, *lists, keys.idle(queue)], [*ride.args, job.token])
