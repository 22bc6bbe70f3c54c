"""Results without a server: what the jobs of tests came to, in the very form that Redis would have."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from ...clock import wall
from ...codec import Codec
from ...errors import Discard, Retry, Snooze
from ...middleware import ServerContext
from ...reporting import REPORT
from ..declared.results import ResultSettings
from .hub import Waiter
from .leaving import about
from .places import Whereabouts
from .progress import Underway
from .reader import Seen
from .record import Outcome, kept, written
from .running import Story
from .terms import attempt_of, ttl_of

Payload = Mapping[str, Any]


class _Ended(NamedTuple):
    record: bytes
    until: float


class Memory:
    """What jobs came to that run one by one, here. Threads: any."""

    hint = "; in tests nothing runs by itself: kiq.testing.drain() runs what waits"

    def __init__(
        self,
        codec: Callable[[], Codec],
        waiting: Callable[[], Sequence[tuple[Payload, float | None]]],
    ) -> None:
        """*waiting* returns the jobs that have not run, with the time when each is due (None: now)."""
        self._codec, self._waiting = codec, waiting
        self._ended: dict[str, _Ended] = {}
        self._underway: dict[str, Callable[[], Underway]] = {}

    @contextmanager
    def running(
        self, payload: Payload, context: ServerContext
    ) -> Iterator[Callable[[Any], object]]:
        """Keep what the job comes to that runs in the block; give what takes its result."""
        jid = str(payload.get("jid"))
        if ttl_of(payload) is None:
            yield lambda _result: None
            return
        story = Story(attempt_of(payload))
        context.enclose(REPORT, story.tell)
        self._underway[jid] = lambda: Underway("running", story.attempt, story.progress)

        def done(result: Any) -> None:
            most = ResultSettings().result_max_bytes
            story.value, story.why = kept(result, self._codec(), most)

        try:
            yield done
        except BaseException as error:
            story.failed(error)
            self._failed(payload, story, error)
            raise
        else:
            self._end(payload, story, "done", why=story.why)
        finally:
            story.end()

    def dropped(self, payload: Payload, why: str) -> None:
        """Keep that the job was not run."""
        if ttl_of(payload) is not None:
            self._end(payload, Story(attempt_of(payload)), "discarded", why=why)

    def _failed(self, payload: Payload, story: Story, error: BaseException) -> None:
        jid = str(payload["jid"])
        if isinstance(error, Retry | Snooze):  # a test runs it no more, and a worker would
            state = "retrying" if isinstance(error, Retry) else "scheduled"
            due, said = wall() + (error.seconds or 0), story.error.brief if story.error else ""
            self._underway[jid] = lambda: Underway(state, story.attempt, story.progress, due, said)
            return
        status = "discarded" if isinstance(error, Discard) else "dead"
        self._end(payload, story, status, error=True)

    def _end(
        self, payload: Payload, story: Story, status: str, *, error: bool = False, why: str = ""
    ) -> None:
        jid, now = str(payload["jid"]), wall()
        said = about(payload, story, status, story.error if error else None, why)
        record = b"%.6f||%s" % (now, written(said, story.value))
        self._underway.pop(jid, None)
        self._ended[jid] = _Ended(record, now + (ttl_of(payload) or 0))

    def seen(self, jids: Sequence[str]) -> list[Seen]:
        """Return what is known of each of *jids*."""
        now = wall()
        return [self._seen(jid, now) for jid in jids]

    def _seen(self, jid: str, now: float) -> Seen:
        ended, underway = self._ended.get(jid), self._underway.get(jid)
        far = underway() if underway is not None else None
        if ended is None:
            return Seen(jid, None, far, None, now)
        return Seen(jid, ended.record if now < ended.until else None, far, ended.until, now)

    def whereabouts(self, jid: str) -> Whereabouts | None:
        """Return where the job is now."""
        for payload, at in self._waiting():
            if payload.get("jid") == jid:
                status = "waiting" if at is None else "scheduled"
                return Whereabouts(status, str(payload.get("queue")), at, attempt_of(payload))
        underway = self._underway.get(jid)
        if underway is None:
            return None
        known = underway()
        return Whereabouts(known.state, "", known.due, known.attempt)

    def is_dead_still(self, outcome: Outcome) -> bool:  # noqa: ARG002
        """Nobody retries by hand here."""
        return True

    def latest(self, what: Seen) -> Seen:
        """Nobody retries by hand here."""
        return what

    def begin(self, waiters: Sequence[Waiter]) -> None:
        """Nothing happens while one waits."""
