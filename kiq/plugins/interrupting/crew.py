"""The crew of a worker process: its watchdog, and what becomes of threads that don't come back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from ...kept import stack_of
from ...process import RunningThread, WorkerProcess
from ...verdict import Taken
from ..declared import TimeLimitSettings
from .watchdog import Watchdog

logger = logging.getLogger("kiq.interrupting")

#: The exit code of a process that stopped since too many jobs were stuck: EX_TEMPFAIL.
TOO_MANY_STUCK = 75
_FEWEST = 2  # stuck jobs that end a process, however few threads it has


class Crew:
    """What the plugins of one process share that interrupt jobs.

    Threads: :meth:`stuck` is called by the watchdog only.
    """

    def __init__(self, process: WorkerProcess) -> None:
        config, settings = process.config, process.config.of(TimeLimitSettings)
        self.watchdog = Watchdog(process.report)
        self.grace = settings.time_limit_grace
        threads = sum(capsule.concurrency for capsule in config.capsules)
        self.most_stuck = settings.max_stuck or max(_FEWEST, threads // 2)
        self._process = process
        self._stuck: list[tuple[RunningThread, Taken]] = []
        self._ending = False

    def threads(self) -> Sequence[RunningThread]:
        """Return the threads of the process that run jobs."""
        return self._process.threads()

    def stuck(self, ident: int, job: str, runs: Callable[[], bool]) -> None:
        """Log where the thread *ident* is, and let another one do its work; *runs*: the job still does."""
        processor = next((one for one in self.threads() if one.thread.ident == ident), None)
        taken = processor.current if processor is not None else None
        stack = stack_of(ident)
        if not runs():  # asked last: what was read before is of this job
            return
        logger.error(
            "%s did not end within %g s after it was told to; it is stuck here:\n%s",
            job,
            self.grace,
            stack,
        )
        if processor is None or taken is None:
            return
        if self._process.replace(processor, taken):
            self._stuck.append((processor, taken))
            logger.warning("%s: another thread takes its place", processor.thread.name)
        self._stuck = [(one, of) for one, of in self._stuck if one.current is of]
        if len(self._stuck) >= self.most_stuck and not self._ending:
            self._ending = True
            logger.critical(
                "%d jobs are stuck (max_stuck is %d): this process stops, and ends with exit code %d; "
                "what is stuck goes back to its queue. Start it again",
                len(self._stuck),
                self.most_stuck,
                TOO_MANY_STUCK,
            )
            self._process.end(TOO_MANY_STUCK)


def crew_of(process: WorkerProcess) -> Crew:
    """Return the crew of *process*: the same one for each plugin that asks. Made before jobs run."""
    return process.state.of(Crew) or process.state.keep(Crew(process))
