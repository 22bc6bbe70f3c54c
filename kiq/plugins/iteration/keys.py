"""The keys of iterable jobs: the state of each is in Sidekiq's ``it-JID`` (:func:`kiq.keys.iteration`)."""

from __future__ import annotations

#: Sorted set of the keys of states; score = until when they are kept, epoch seconds.
ENDS = "kiq:iterations"
#: Seconds that a state is kept after it was written last.
STATE_TTL = 30 * 86_400
#: Seconds that a state is kept after the job's end: one whose verdict a crash swallowed comes again,
#: and is not to begin anew. (Sidekiq deletes it.)
FINISHED_TTL = 86_400
