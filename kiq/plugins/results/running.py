"""One run whose result is wanted: what it returned or raised, and how far it says that it has come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ... import keys as of_kiq
from ...clock import steady, wall
from ...codec import Codec
from ...middleware import Next, ServerContext
from ...process import WorkerProcess
from ...raised import message_of, name_of, traceback_of
from ...reporting import REPORT
from ..declared.results import ResultSettings
from . import keys
from .progress import Progress, Underway, short
from .record import Error, kept, text
from .terms import FIELD, attempt_of, life_of_progress, ttl_of
from .writer import Line, Writer

#: Under which a run's own :class:`Story` is enclosed for the rider.
STORY = "result"
_FRAMES = 8  # of a traceback, the innermost


class Story:
    """What is known of one run. Threads: those of its job; whoever settles reads it when it is over."""

    def __init__(self, attempt: int, note: Callable[[Story], object] | None = None) -> None:
        """*note* is called when there is something new to be written."""
        self.attempt = attempt
        self.progress: Progress | None = None
        self.value: bytes = b""
        self.why = ""
        self.error: Error | None = None
        self.over = False
        self._note = note
        self._begun_at = 0.0

    def tell(self, done: float, total: float | None, note: str | None) -> None:
        """Note how far it has come; nothing once it is over."""
        if self.over:
            return
        last, now = self.progress, steady()
        if last is None:
            self._begun_at = now
        self.progress = Progress(
            done,
            total if total is not None or last is None else last.total,
            short(note) if note is not None else (last.note if last is not None else ""),
            wall(),
            self.attempt,
            done if last is None else last.begun,
            now - self._begun_at,
        )
        write = self._note
        if write is not None:
            write(self)

    def end(self) -> None:
        """Note that it is over: what is told from here on, by threads that it left behind, is not heard."""
        self.over, self._note = True, None

    def failed(self, error: BaseException) -> None:
        """Note what it raised, in words."""
        self.error = Error(text(name_of(error)), text(message_of(error)), _where(error))


class Place(NamedTuple):
    """What the runs of one worker need to know of it."""

    codec: Codec
    most: int
    writer: Writer


class Runs:
    """The layer around runs whose result is wanted. Threads: those of jobs."""

    payload_field = FIELD

    def __call__(self, context: ServerContext, call_next: Next[ServerContext]) -> Any:
        """Run the job; what it comes to is enclosed for the rider."""
        place = context.worker.of(Place) if context.worker is not None else None
        ttl = ttl_of(context.payload)
        if place is None or ttl is None or not context.token:
            return call_next(context)  # inline: the caller has the result
        story = Story(attempt_of(context.payload), _writes(place.writer, context, ttl))
        context.enclose(STORY, story)
        context.enclose(REPORT, story.tell)
        try:
            result = call_next(context)
        except BaseException as error:
            story.failed(error)
            raise
        finally:
            story.end()
        story.value, story.why = kept(result, place.codec, place.most)
        return result


def serve(process: WorkerProcess) -> Writer:
    """Let the runs of *process* keep their results: a service."""
    writer = Writer(process)
    most = process.config.of(ResultSettings).result_max_bytes
    process.state.keep(Place(process.config.codec, most, writer))
    return writer


def _writes(writer: Writer, context: ServerContext, ttl: float) -> Callable[[Story], object]:
    jid = context.jid

    def line(story: Story) -> Line:
        owner, _, delivery = context.token.rpartition(" ")
        flight = of_kiq.inflight(of_kiq.queue(context.queue), owner)
        raw = Underway("running", story.attempt, story.progress).written()
        return Line(flight, keys.progress(jid), delivery, raw, life_of_progress(ttl))

    # Most jobs tell nothing: what it takes to write is made when one does.
    return lambda story: writer.note(context.token, lambda: line(story))


def _where(error: BaseException) -> str:
    """Return the innermost lines of where *error* was raised; no source is read for it."""
    trace, lines = traceback_of(error), list[str]()
    while trace is not None:
        code = trace.tb_frame.f_code
        lines.append(f"{code.co_filename}:{trace.tb_lineno} in {code.co_qualname}")
        trace = trace.tb_next
    return text("\n".join(lines[-_FRAMES:]))
