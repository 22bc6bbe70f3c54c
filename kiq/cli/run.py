"""``kiq run``: a worker process, from its flags to its exit code."""

from __future__ import annotations

import faulthandler
import logging
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import click

from .. import __version__, boot, config_file, log, loggers
from ..client import configured, use_settings
from ..clock import steady
from ..config import Config
from ..errors import BootError, ConfigError, KiqError
from ..health.alone import Alone
from ..health.examining import examine
from ..health.post import address_of
from ..health.systemd import Notifier
from ..health.vitals import Vitals
from ..parent import heritage, pid_file
from ..parent.child import Child
from ..parent.members import Phase
from ..parent.settings import ParentSettings
from ..parent.supervising import supervise
from ..parent.title import of_worker
from ..plugin import host
from ..registry import registry
from ..store.connection import Link
from ..work.launcher import Launcher
from . import coverage, crash_points, needs, no_jobs, restarts, rubys
from .control import CONNECTING, RUNNING, STARTING, STOPPING, Control
from .draining import code_of, draining
from .ending import end_now
from .eviction import eviction
from .exit_codes import SOFTWARE, exit_code
from .reload import reloading
from .streams import complain

logger = logging.getLogger("kiq")

#: Seconds that a thread may keep the GIL from the courier. Python's 5 ms leave Redis idle meanwhile:
#: a fifth of the throughput with no-op jobs (benchmarks/).
_SWITCH_INTERVAL = 0.001
_LOOK = 1.0  # seconds between two looks at kiq's own threads
_WITHOUT_THREAD = 10.0  # seconds in which a new thread may be had for one that has ended


@click.command()
@click.option("-C", "--config", "path", metavar="FILE", help="The file (default config/kiq.yml).")
@click.option("-c", "--concurrency", type=int, metavar="N", help="Threads of the default capsule.")
@click.option(
    "-q", "--queue", "queues", multiple=True, metavar="NAME[,WEIGHT]", help="A queue; repeat it."
)
@click.option("-e", "--environment", metavar="NAME", help="The environment (default development).")
@click.option(
    "-r", "--require", multiple=True, metavar="MODULE", help="What to import: your job classes."
)
@click.option("-g", "--tag", metavar="TAG", help="A name for this process, for people.")
@click.option("-t", "--timeout", type=float, metavar="SECONDS", help="Time for jobs at a shutdown.")
@click.option(
    "--async-concurrency", type=int, metavar="N", help="async def jobs at a time (default 1000)."
)
@click.option(
    "--processes", metavar="N|auto", help="Children that work, under a parent (auto: one per core)."
)
@click.option("--health", metavar="ADDRESS", help="Answer /live and /ready: 127.0.0.1:7433.")
@click.option("--pidfile", metavar="FILE", help="A file for the number of this process.")
@click.option("-v", "--verbose", is_flag=True, help="Log at level debug.")
@reloading
@draining
def run(path: str | None, queues: tuple[str, ...], require: tuple[str, ...], **rest: Any) -> None:
    """Start a worker: it takes jobs from the queues of the configuration until it is stopped.

    TERM or INT (Ctrl-C) stops it in order, a second one at once; TSTP makes it quiet, TTIN logs
    where each thread is.
    """
    verbose, notifier = rest.pop("verbose"), Notifier()
    flags = {"queues": list(queues), "require": list(require), **rest}
    flags["log_level"] = "debug" if verbose else None
    flags = {name: value for name, value in flags.items() if value not in (None, [])}
    boot.add_working_folder()
    if _has_children(path, flags):
        end_now(_parent(path, flags, notifier))
    control = Control()

    def alone(config: Config) -> Alone:
        pid_file.claim_for_life(config.of(ParentSettings).pidfile)
        return Alone(config, notifier, host)

    control.finish(_outcome(control, lambda: _application(path, flags), alone))


def be_worker(config: Config, child: Child | None = None) -> NoReturn:
    """Be a worker of the application that was booted: in this process, up to its end.

    ``boot.prepare`` gave *config*; forked children may each be one, each with its own *child* where a
    parent looks after them. Threads: the main one.
    """
    control = Control()
    control.finish(_outcome(control, lambda: config, lambda _: child))


def _has_children(path: str | None, flags: dict[str, Any]) -> bool:
    """Tell whether a parent is wanted: before anything starts a thread, which a parent must not have."""
    if heritage.present():
        return True
    try:
        use_settings({**configured(), **config_file.started(path, flags)})
        return config_file.settings(configured(), pending=True).of(ParentSettings).processes > 0
    except KiqError:
        return False  # said by who boots


def _parent(path: str | None, flags: dict[str, Any], notifier: Notifier) -> int:
    """Be the parent of workers until it is stopped; return the exit code."""
    try:
        return supervise(host, lambda: _application(path, flags), be_worker, notifier)
    except KiqError as error:
        complain(f"kiq: {error}")
        return exit_code(error)
    except BaseException as error:  # noqa: BLE001 (out of memory, sys.exit in a handler)
        return _broken(error)


def _outcome(
    control: Control,
    application: Callable[[], Config],
    above: Callable[[Config], Child | Alone | None],
) -> int:
    """Be a worker until it is stopped, or can't be one; return the exit code."""
    try:
        sys.setswitchinterval(_SWITCH_INTERVAL)
        faulthandler.enable()  # a crash in C code says where
        control.start()
        loggers.lines.start()
        config = application()
        child = above(config)
        log.write_soon()
    except KiqError as error:
        complain(f"kiq: {error}")
        return exit_code(error)
    except BaseException as error:  # noqa: BLE001 (no thread can be had, out of memory)
        return _broken(error)
    try:
        return _work(control, config, child)
    except KiqError as error:
        # A startup handler's own error: its traceback is what the application's author needs.
        logger.error("%s", error, exc_info=error.__cause__ if type(error) is BootError else None)
        return exit_code(error)
    except BaseException as error:  # noqa: BLE001 (as above)
        return _broken(error)


def _broken(error: BaseException) -> int:
    logger.critical("kiq can't go on: %s: %s", type(error).__name__, error, exc_info=error)
    return SOFTWARE


def _application(path: str | None, flags: dict[str, Any]) -> Config:
    """Boot the application, which must have jobs."""
    config = boot.prepare(path, flags)
    if not registry.all():
        raise ConfigError(no_jobs.why(boot.modules_of(config)))
    for complaint in no_jobs.misnamed(boot.modules_of(config)):
        logger.warning("%s", complaint)
    log.settle(started=False)
    loggers.adopt()
    return config


def _work(control: Control, config: Config, child: Child | Alone | None) -> int:
    launcher = Launcher(
        config,
        host,
        registry,
        version=__version__,
        on_signal=control.signals.put,
        connect=crash_points.connector,
        facts=child.facts if child is not None else {},
    )
    if isinstance(child, Child):
        launcher.worker.state.info["parent"] = child.parent
    if child is not None and address_of(config) is not None:
        launcher.worker.state.keep(child.outlet)
    if child is not None:
        child.begin(host, control.signals.put)
    _enter(control, CONNECTING, child, Phase.CONNECTING, launcher)
    if not isinstance(child, Child):
        _introduce(control, config)
    launcher.prepare(_patience(control, child), lambda link: _check(link, config))
    logger.info("%s; this process is %s", launcher.server, launcher.worker.identity)
    _warn_of_eviction(launcher)
    restarts.excuse(launcher.worker)
    _enter(control, STARTING, child, Phase.STARTING)
    try:
        _start(launcher)
        own = [name for courier in launcher.couriers for name in courier.queues]
        coverage.warn(launcher.worker.connector, own, registry)
        control.take_signals_back()
        log.settle(started=True)
        loggers.adopt()
        _enter(control, RUNNING, child, Phase.READY)
        if not isinstance(child, Child):
            logger.info("ready; stop it with Ctrl-C")
        _watch(launcher, control, child)
    finally:
        _enter(control, STOPPING, child, Phase.STOPPING)
        launcher.stop()
    return code_of(host, launcher.exit_code)


def _introduce(control: Control, config: Config) -> None:
    for line in (
        f"kiq {__version__}, Python {sys.version.split()[0]}",
        *config_file.banner_lines(config),
    ):
        logger.info("%s", line)
    for notice in (*config.notices, *_without_parent(config.of(ParentSettings))):
        logger.warning("%s", notice)
    control.take_signals_back()
    if control.signals.ignored:
        logger.warning("ignored, as when kiq was started: %s", ", ".join(control.signals.ignored))


def _without_parent(settings: ParentSettings) -> list[str]:
    """Return what is set for a parent, and does nothing in a worker without one."""
    named = {"max_memory": settings.max_memory, "max_jobs": settings.max_jobs}
    return [f"{name} does nothing without processes" for name, set_ in named.items() if set_]


def _enter(
    control: Control,
    phase: str,
    child: Child | Alone | None,
    told: Phase,
    launcher: Launcher | None = None,
) -> None:
    """Note what this process does now, for signals and for its parent."""
    control.enter(phase, launcher)
    if child is not None:
        child.enter(told)


def _patience(control: Control, child: Child | Alone | None) -> Callable[[float], bool]:
    """Return what waits for Redis so many seconds, and tells whether a stop is ordered."""

    def wait(seconds: float) -> bool:
        if child is not None:
            child.beat()
        return control.ordered.wait(seconds)

    return wait


def _check(link: Link, config: Config) -> None:
    needs.check(link, [name for capsule in config.capsules for name in capsule.queue_names])
    rubys.check(link, config)


def _start(launcher: Launcher) -> None:
    try:
        launcher.start()
    except KiqError:
        raise
    except BaseException as error:
        what = "a service could not be started" if launcher.started else "a startup handler failed"
        raise BootError(f"{what}: {type(error).__name__}: {error}") from error


def _watch(launcher: Launcher, control: Control, child: Child | Alone | None) -> None:
    """See to it that all threads are there, until a stop is ordered."""
    gone_since: float | None = None
    vitals = Vitals()
    title = of_worker(launcher.worker.config, child.slot if isinstance(child, Child) else 0)
    while not control.ordered.wait(_LOOK):
        title.busy(sum(run.current is not None for run in launcher.runs()))
        if child is not None:
            child.tell(examine(vitals, launcher))
            child.look(launcher)
        if launcher.mend():
            gone_since = None
        elif gone_since is None:
            gone_since = steady()
        elif steady() - gone_since > _WITHOUT_THREAD:
            logger.critical(
                "a thread that kiq needs can't be had: this process stops. Start it again"
            )
            launcher.end(SOFTWARE)


def _warn_of_eviction(launcher: Launcher) -> None:
    server = launcher.server
    found = eviction(server.policy, server.limit) if server is not None else None
    if found is not None:
        level = logging.ERROR if found.serious else logging.WARNING
        logger.log(level, "%s; %s", found.what, found.do)
