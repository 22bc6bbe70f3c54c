"""Boot: import the user's application, and install the plugins that are named."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

from . import config_file, features, log, loggers
from .client import configured, use_settings
from .config import Config
from .definition import module_of_file
from .errors import BootError, ConfigError, KiqError, PluginError
from .importing import PushedTooEarly, importing
from .plugin import Host, host

#: What a worker process has unless ``disable_plugins`` names it. By name: the porch imports no wing.
STANDARD_PLUGINS: dict[str, str] = {
    "metrics": "kiq.plugins.metrics.plugin:Metrics",
    "trends": "kiq.plugins.trends.plugin:TrendsPlugin",
    "profiling": "kiq.plugins.profiling.plugin:Profiling",
    "iteration": "kiq.plugins.iteration:IterationPlugin",
    "time_limits": "kiq.plugins.time_limits:TimeLimits",
    "cancelling": "kiq.plugins.cancelling:Cancelling",
    "log_levels": "kiq.plugins.log_levels:LogLevels",
    "asyncio_jobs": "kiq.plugins.asyncio_jobs:AsyncJobs",
    "unique": "kiq.plugins.unique:UniqueJobs",
    "class_names": "kiq.plugins.class_names:ClassNames",
    "history": "kiq.plugins.history:History",
    "expiry": "kiq.plugins.expiry:Expiry",
    "limits": "kiq.plugins.limits:Limits",
    "batches": "kiq.plugins.batches:Batches",
    "results": "kiq.plugins.results:ResultsPlugin",
}


#: What sets a Django project up, and imports its jobs.
DJANGO = "kiq.contrib.django.worker"
_KIQ = os.path.join(os.path.dirname(__file__), "")


def add_working_folder() -> None:
    """Put the working folder first on ``sys.path``, as ``python -m`` does."""
    folder = os.getcwd()
    if folder not in sys.path and "" not in sys.path:
        sys.path.insert(0, folder)


def prepare(path: str | None, flags: Mapping[str, Any], host: Host = host) -> Config:
    """Boot the application, once in a process: read the settings, import it, install the plugins.

    *path* is the configuration file, if one is named, *flags* what the command line says. Returns the
    settings, with what the application configured. Starts no thread and opens no connection, so that
    children may be forked that are workers: :mod:`kiq.forking`. Raises ConfigError, BootError, PluginError.
    """
    use_settings({**configured(), **config_file.started(path, flags)})
    config = config_file.settings(configured(), pending=True)
    log.configure(config.log_level, config.log_format)
    loggers.adopt()
    import_application(modules_of(config))
    load_plugins(config.plugins)
    config = config_file.settings(configured())  # its code, and plugins, may have said more
    install_plugins(host, config.plugins, config.disable_plugins, config)
    return config


def import_application(names: Sequence[str]) -> None:
    """Import each of *names*: a module (``app.jobs``), or its file (``./app/jobs.py``).

    Raises BootError naming the module and the lines that led there; the application's own error is
    the cause. A push at the top of a module is refused. A ConfigError, of ``kiq.configure`` say, stays
    one, and names its line.
    """
    for name in names:
        module = module_name(name)
        try:
            with importing(module):
                importlib.import_module(module)
        except (Exception, SystemExit) as error:
            if isinstance(error, ConfigError) and not isinstance(error, PushedTooEarly):
                raise ConfigError(f"{_place_of_setting(error)}{error}") from error
            raise BootError(_why_not_imported(module, error)) from error


def modules_of(config: Config) -> tuple[str, ...]:
    """Return what is imported for *config*: what it names, or else the project that Django is to set up."""
    django = os.environ.get("DJANGO_SETTINGS_MODULE") and importlib.util.find_spec("django")
    return config.require or ((DJANGO,) if django else ())


def _why_not_imported(module: str, error: BaseException) -> str:
    frames = _frames_of_application(error)
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    if missing is not None and not frames and f"{module}.".startswith(f"{missing}."):
        return (
            f"can't import {module!r} (from -r or require:): there is no module "
            f"{missing!r} in {os.getcwd()} or on PYTHONPATH"
        )
    why = f"importing {module!r} failed: {type(error).__name__}: {error}"
    return "\n".join([why, *(line.rstrip() for line in traceback.format_list(frames))])


def is_there(name: str) -> bool:
    """Tell whether there is anything to be imported as *name*, here and now."""
    if name.endswith(".py") or os.sep in name:
        return Path(name).exists()
    try:
        return importlib.util.find_spec(name.partition(".")[0]) is not None
    except (ImportError, ValueError):
        return False


def _place_of_setting(error: ConfigError) -> str:
    """Return ``jobs.py:3: ``, or nothing where the mistake stands in settings that are read elsewhere."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename.startswith(os.path.join(_KIQ, "contrib")):
            return ""
        if not frame.filename.startswith(_KIQ):
            return f"{frame.filename}:{frame.lineno}: "
    return ""


def _frames_of_application(error: BaseException) -> list[traceback.FrameSummary]:
    """Return where *error* came from, without the import system, through which all of it went."""
    return [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith("<frozen importlib")
        and frame.filename not in (__file__, importlib.__file__)
    ]


def module_name(name: str) -> str:
    """Return the module that *name*, of -r or require:, means; it may name a file. Raises BootError."""
    path = Path(name)
    if path.suffix != ".py" and os.sep not in name:
        return name
    if path.is_dir():
        raise BootError(f"{name} is a folder; name the module that holds the jobs, as in app.jobs")
    if not path.exists():
        raise BootError(f"{name} does not exist; name a module, as in -r app.jobs")
    module = module_of_file(path)
    inside = path.resolve().is_relative_to(Path.cwd())
    if module is None or not inside:
        raise BootError(
            f"{name} can't be imported by a name from {os.getcwd()}: jobs would get another name here "
            "than where they are pushed. Run kiq in the folder from which your program imports it"
        )
    return module


def load_plugins(names: Sequence[str]) -> None:
    """Import what *names* say, as :func:`install_plugins` will: what they declare may then be used."""
    for name in names:
        _found(name)


def install_plugins(
    host: Host, names: Sequence[str], disabled: Sequence[str] = (), config: Config | None = None
) -> None:
    """Install standard plugins, and those that *config* wants, without *disabled*; then what *names* say.

    A name is an entry point of the group ``kiq.plugins``, or ``module:object``. Raises PluginError
    or ConfigError.
    """
    refuse_unknown(disabled)
    standard = {**STANDARD_PLUGINS, **(wanted(config) if config is not None else {})}
    places = [place for name, place in standard.items() if name not in disabled]
    for name in (*places, *names):
        host.install(plugin_of(name))


def wanted(config: Config) -> dict[str, str]:
    """Return the plugins of features that *config*, or the application, makes use of."""
    return {
        each.name: each.plugin
        for each in features.declared()
        if each.plugin and each.settings is not None
        if each.wanted is None or each.wanted(config.of(each.settings))
    }


def problems_of_features(config: Config) -> Iterator[str]:
    """Yield what features find wrong with their settings, now that the application is imported."""
    for each in features.declared():
        if each.problems is not None and each.settings is not None:
            for line, message in each.problems(config.of(each.settings)):
                yield f"{config.file}:{line}: {message}" if line is not None else message


def refuse_unknown(disabled: Sequence[str]) -> None:
    """Raise ConfigError if *disabled* names what is no standard plugin."""
    there = [*STANDARD_PLUGINS, *(each.name for each in features.declared() if each.plugin)]
    for unknown in sorted(set(disabled) - set(there)):
        raise ConfigError(
            f"disable_plugins: kiq has no standard plugin {unknown!r} "
            f"(there are: {', '.join(there) or 'none'})"
        )


def plugin_of(name: str) -> Any:
    """Return the plugin *name*, see :func:`install_plugins`."""
    found = _found(name)
    with _refusing(name):
        return found() if isinstance(found, type) else found


def _found(name: str) -> Any:
    """Return the plugin *name*, or its class."""
    module, colon, attribute = name.partition(":")
    with _refusing(name):
        if colon:
            return getattr(importlib.import_module(module), attribute)
        points = list(metadata.entry_points(group="kiq.plugins", name=name))
        if not points:
            raise ConfigError(
                f"plugins: no plugin named {name!r} is installed; "
                "write module:object for one of your own"
            )
        return points[0].load()


@contextmanager
def _refusing(name: str) -> Iterator[None]:
    try:
        yield
    except KiqError:
        raise
    except Exception as error:
        raise PluginError(
            f"plugin {name!r} can't be loaded: {type(error).__name__}: {error}"
        ) from error
