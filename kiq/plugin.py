"""The door through which features attach: plugins, and the host that they get."""

from __future__ import annotations

import inspect
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from . import raised
from .capping import FleetCap as FleetCap
from .checking import Check as Check
from .checking import Doubt as Doubt
from .checking import Survey as Survey
from .error_log import log_error as log_error
from .errors import PluginError
from .events import Events, Handler
from .features import Between as Between
from .features import Feature as Feature
from .features import Named as Named
from .features import Secret as Secret
from .features import Written as Written
from .features import declare as declare
from .guarding import Guard as Guard
from .kept import is_own
from .middleware import Chain, ClientContext, ClientLayers, Layer, Next, ServerContext
from .raised import message_of, name_of
from .riding import Ride as Ride
from .riding import Rider as Rider
from .riding import in_flight as in_flight
from .riding import queue_keys as queue_keys
from .seal import Attachments, Seal
from .undone import check_done, refuse_undone
from .verdict import Taken, Verdict
from .worker_state import WorkerState

if TYPE_CHECKING:
    from .settled import Settled

logger = logging.getLogger("kiq.errors")

ErrorHandler = Callable[[BaseException, dict[str, Any]], Any]
DeathHandler = Callable[[dict[str, Any], BaseException], Any]
LogFields = Callable[[dict[str, Any]], dict[str, Any]]
#: ``layer(payload, queue, attempt)`` returns the verdict of ``attempt()``.
AttemptLayer = Callable[[dict[str, Any], str, Callable[[], Verdict]], Verdict]
#: Gets jobs that are settled, in batches.
SettledHandler = Callable[["Sequence[Settled]"], Any]
#: ``cap(capsule, held)``: how many jobs of a queue may be taken now, by its name.
FetchCap = Callable[[str, Mapping[str, int]], Mapping[str, int]]
QueueFilter = Callable[[Sequence[str]], Sequence[str]]


class Service(Protocol):
    """A background part of a worker: started after ``startup``, stopped at ``shutdown``.

    Each worker has its own. Methods that are named after events (``beat``, ``exit``) are called at those.
    """

    def start(self) -> None:
        """Begin, and return at once."""

    def stop(self) -> None:
        """End within a second or two."""


class AsyncRunner(Protocol):
    """What runs jobs that are ``async def``, in a worker process."""

    def awaiting(self, perform: Next[ServerContext]) -> Next[ServerContext]:
        """Return what calls *perform*, and waits for the coroutine that it returns."""

    def take(
        self, taken: Taken, run: Any, attempt: Callable[[], Verdict], handover: Any
    ) -> Verdict | None:
        """See to it that *attempt* is called, and its verdict delivered by *handover*; then None."""


class JobLog(Protocol):
    """The quick way to the log for the two lines of each job."""

    def start(self, run: ServerContext) -> Any:
        """Say that *run* starts, and return what :meth:`end` gets; None: it takes a record."""

    def end(self, told: Any, outcome: str, elapsed: float) -> bool:
        """Say how a run ended that took *elapsed* seconds; False: it takes a record."""

    def gave_up(self, fields: Mapping[str, Any], said: str) -> bool:
        """Say that a job with jid, class, queue and attempt is given up; False: it takes a record."""


@runtime_checkable
class Plugin(Protocol):
    """A feature: a name, and what it attaches to the host."""

    name: str

    def install(self, host: Host) -> None:
        """Attach middleware, events, handlers and services to *host*."""


class Host:
    """Everything that users and plugins attach to kiq.

    Threads: filled at boot by the thread that imports the application. While a worker runs, what would be
    attached raises PluginError.
    """

    def __init__(self) -> None:
        self.seal = seal = Seal()
        self.client_middleware: Chain[ClientContext] = Chain(seal)
        #: The same, folded: for what is pushed or promoted; for the call of a push that waits.
        self.push_layers = ClientLayers(self.client_middleware)
        self.call_layers = ClientLayers(self.client_middleware, at_call=True)
        self.server_middleware: Chain[ServerContext] = Chain(seal)
        self.events = Events(seal)
        self.error_handlers: list[ErrorHandler] = Attachments(seal, [log_error])
        self.death_handlers: list[DeathHandler] = Attachments(seal)
        self.settled_handlers: list[SettledHandler] = Attachments(seal)
        self.services: list[Callable[[Any], Service | None]] = Attachments(seal)  # get a worker
        self.riders: list[Rider] = Attachments(seal)
        self.guards: list[Guard] = Attachments(seal)
        self.fetch_caps: list[FetchCap] = Attachments(seal)
        self.fleet_caps: list[FleetCap] = Attachments(seal)
        self.queue_filters: list[QueueFilter] = Attachments(seal)
        self.checks: list[Check] = Attachments(seal)
        self.explainers: list[Any] = Attachments(seal)  # kiq.api.Explainer: of single jobs
        self.log_fields: list[LogFields] = Attachments(seal)
        self.job_lines: JobLog | None = None  # set by who made the handler of kiq's log
        self.attempt_layers: list[AttemptLayer] = Attachments(seal)
        self.info: dict[str, Any] = {}  # what each process shows, in its entry among the processes
        #: Makes what runs ``async def`` jobs when a worker starts; None where there are none.
        self.async_runner: Callable[[Any, Any, WorkerState], AsyncRunner | None] | None = None
        self.loop_parts: list[Callable[[], Any]] = Attachments(seal)  # entered on its event loop
        self.plugins: dict[str, Plugin] = {}

    def install(self, plugin: Plugin) -> Plugin:
        """Install *plugin* (once per name). Raises PluginError when it can't be."""
        name = getattr(plugin, "name", "")
        if isinstance(plugin, type):
            raise PluginError(f"pass a plugin, not its class: install({plugin.__name__}())")
        if not isinstance(plugin, Plugin) or not isinstance(name, str) or not name:
            raise PluginError(f"{plugin!r} is no plugin: it needs a name and install(host)")
        known = self.plugins.get(name)
        if known is not None:
            if known is plugin or type(known) is type(plugin):
                return known
            raise PluginError(f"two plugins are named {name!r}: {known!r} and {plugin!r}")
        self.seal.check(plugin)
        refuse_undone(f"install of the plugin {name}", plugin.install)
        plugin.install(self)
        self.plugins[name] = plugin
        return plugin

    def on(self, event: str) -> Callable[[Handler], Handler]:
        """Decorate a function to be called at *event* (see :data:`kiq.events.EVENTS`)."""
        return lambda handler: self.events.on(event, handler)

    def around_push(
        self, layer: Layer[ClientContext], *, before: object = None, after: object = None
    ) -> Layer[ClientContext]:
        """Add client middleware: ``layer(context, call_next)`` returns the payload, or None to veto."""
        return self.client_middleware.add(layer, before=before, after=after)

    def around_perform(
        self, layer: Layer[ServerContext], *, before: object = None, after: object = None
    ) -> Layer[ServerContext]:
        """Add server middleware; a layer that does not call ``call_next`` skips the job."""
        return self.server_middleware.add(layer, before=before, after=after)

    def around_attempt(self, layer: AttemptLayer) -> AttemptLayer:
        """Call *layer* around each attempt of a worker, from a payload to its verdict; it must not raise.

        The last one added is the innermost. Outside of server middleware, which has no verdict.
        """
        self.attempt_layers.append(layer)
        return layer

    def attempt(self, payload: dict[str, Any], queue: str, call: Callable[[], Verdict]) -> Verdict:
        """Return the verdict of *call*, called within the layers of attempts."""
        for layer in reversed(self.attempt_layers):
            call = partial(layer, payload, queue, call)
        return call()

    def on_error(self, handler: ErrorHandler) -> ErrorHandler:
        """Call ``handler(error, context)`` for every error of a job or of kiq itself."""
        refuse_undone("an error handler", handler, gets=("error", "context"))
        self.error_handlers.append(handler)
        return handler

    def on_death(self, handler: DeathHandler) -> DeathHandler:
        """Call ``handler(payload, error)`` for each job that kiq gives up."""
        refuse_undone("a death handler", handler, gets=("payload", "error"))
        self.death_handlers.append(handler)
        return handler

    def on_settled(self, handler: SettledHandler) -> SettledHandler:
        """Call ``handler(batch)`` with jobs (:class:`kiq.settled.Settled`) whose fate Redis has confirmed.

        In a worker on a thread of handlers, soon after; for what ``kiq.api`` deletes or kills on the
        thread that does. Never before the confirmation, and never for what did nothing as somebody had
        declared the process dead. A process that dies in between tells nobody.
        """
        refuse_undone("a handler of settled jobs", handler, gets=("batch",))
        self.settled_handlers.append(handler)
        return handler

    def cap_fetches(self, cap: FetchCap) -> FetchCap:
        """Ask ``cap(capsule, held)`` before each fetch how many jobs of a queue may be taken now.

        *held* says how many this capsule has taken of each queue, and not settled yet. The result names
        those queues that have a limit; 0 leaves one out, of several caps the least counts. Called on kiq's
        own threads, often: it must not wait, nor ask Redis.
        """
        refuse_undone("a cap", cap)
        self.fetch_caps.append(cap)
        return cap

    def cap_fleet(self, cap: FleetCap) -> FleetCap:
        """Let *cap* say, in the fetch script, how many jobs may be taken of a queue. It is a rider too.

        Exact over all processes that have it. Raises PluginError for another cap or rider of its name.
        """
        if cap not in self.fleet_caps:
            self.ride(cap.rider())
            self.fleet_caps.append(cap)
        return cap

    def ride(self, rider: Rider) -> Rider:
        """Let *rider* add to the writes that settle jobs. Raises PluginError for a second of its name."""
        if any(one.name == rider.name and one != rider for one in self.riders):
            raise PluginError(f"two riders are named {rider.name!r}")
        if rider not in self.riders:
            self.riders.append(rider)
        return rider

    def guard(self, guard: Guard) -> Guard:
        """Let *guard* decide in Redis what may be pushed. Raises PluginError for a second of its name."""
        if any(one.name == guard.name and one != guard for one in self.guards):
            raise PluginError(f"two guards are named {guard.name!r}")
        if guard not in self.guards:
            self.guards.append(guard)
        return guard

    def report(
        self,
        error: BaseException,
        context: dict[str, Any],
        later: Callable[..., object] | None = None,
    ) -> None:
        """Tell every error handler; one that raises is logged, and the next still runs.

        *later* calls them on another thread: ``later("error", handler, error, context, failed=...)``.
        """
        for handler in self.error_handlers or [log_error]:

            def failed(problem: BaseException, handler: ErrorHandler = handler) -> None:
                _last_words(handler, problem)

            # On a thread of kiq's own the log waits for nobody.
            if later is not None and not (handler is log_error and is_own()):
                later("error", handler, error, context, failed=failed)
                continue
            try:
                check_done(handler(error, context), "an error handler")
            except BaseException as problem:  # noqa: BLE001 (sys.exit in a handler, too)
                failed(problem)

    def tell_death(self, payload: dict[str, Any], error: BaseException) -> None:
        """Tell every death handler; one that raises is reported, and the next still runs."""
        for handler in self.death_handlers:
            try:
                check_done(handler(payload, error), "a death handler")
            except BaseException as problem:  # noqa: BLE001 (the job's fate is decided already)
                self.report(problem, {"context": "death handler", "jid": payload.get("jid")})

    def tell_settled(self, batch: Sequence[Settled]) -> None:
        """Tell every handler of settled jobs, here and now; one that raises is reported."""
        for handler in self.settled_handlers if batch else ():
            try:
                check_done(handler(batch), "a handler of settled jobs")
            except BaseException as problem:  # noqa: BLE001 (what is settled stays so)
                self.report(problem, {"event": "settled"})


def _last_words(handler: ErrorHandler, problem: BaseException) -> None:
    """Say that *handler* failed, by the log if that works, by stderr if not."""
    named = handler if inspect.isroutine(handler) else type(handler)
    what = f"an error handler failed: {named.__qualname__}"
    said = f"{name_of(problem)}: {message_of(problem)}"
    try:
        raised.log(logger, problem, "%s: %s", what, said)
    except Exception as worse:  # noqa: BLE001
        sys.stderr.write(f"kiq: {what}: {said}; and the log failed: {name_of(worse)}\n")


#: The host of this process. Users reach it as ``kiq.host``.
host = Host()
