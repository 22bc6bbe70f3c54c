"""Function jobs: ``@kiq.job`` above a function."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, NoReturn, ParamSpec, TypeVar, Unpack, overload

from .calls import Calls
from .enqueuing import Enqueuer
from .errors import ConfigError
from .job_class import RetryIn, check_plain_function
from .options import CLASS_ONLY, DEFAULTS, checked
from .payload import Payload
from .registry import HOOKS, JobSpec, registry, wire_name
from .sole import Sole
from .undone import refuse_undone

if TYPE_CHECKING:
    from .plugins.declared import Options

P = ParamSpec("P")
R = TypeVar("R")
H = TypeVar("H", bound=Callable[..., Any])
RetryInHook = TypeVar("RetryInHook", bound=Callable[[int, BaseException, Payload], RetryIn])
ExhaustedHook = TypeVar("ExhaustedHook", bound=Callable[[Payload, BaseException], object])


class FunctionJob(Sole, Enqueuer[P], Generic[P, R]):
    """A function that can also be pushed. Calling it runs it here, as always.

    Threads: any.
    """

    def __init__(self, function: Callable[P, R], options: dict[str, Any]) -> None:
        functools.update_wrapper(self, function)
        name = options.get("name") or wire_name(function.__module__, function.__qualname__)
        travelling = {k: v for k, v in options.items() if k not in CLASS_ONLY}
        self._function = function
        self._kiq_spec = JobSpec(
            name, {**DEFAULTS, **travelling}, options.get("aliases", ()), function, None
        )
        self._kiq_spec.handle = self
        super().__init__(Calls(self._kiq_spec))
        registry.add(self._kiq_spec)

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (self._kiq_spec, "handle")

    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function."""
        return self._function(*args, **kwargs)

    def retry_in(self, hook: RetryInHook) -> RetryInHook:
        """Decorate the function that says when to try again; see docs/retries.md."""
        return self._hooked("retry_in", hook)

    def retries_exhausted(self, hook: ExhaustedHook) -> ExhaustedHook:
        """Decorate the function that is told when no attempt is left; see docs/retries.md."""
        return self._hooked("retries_exhausted", hook)

    def _hooked(self, name: str, hook: H) -> H:
        refuse_undone(f"{name} of {self._kiq_spec.name}", hook, gets=HOOKS[name])
        self._kiq_spec.hooks[name] = hook
        return hook


class _JobDecorator:
    """``kiq.job``: an object, so that ``class X(kiq.job)`` can be told what it meant."""

    @overload
    def __call__(self, function: Callable[P, R], /) -> FunctionJob[P, R]: ...

    @overload
    def __call__(
        self, /, **options: Unpack[Options]
    ) -> Callable[[Callable[P, R]], FunctionJob[P, R]]: ...

    def __call__(self, function: Any = None, /, **options: Any) -> Any:
        """Make *function* a job: ``@kiq.job`` or ``@kiq.job(queue="mailers")``."""
        if function is None:
            return lambda decorated: self._make(decorated, options)
        return self._make(function, options)

    @staticmethod
    def _make(function: Any, options: dict[str, Any]) -> FunctionJob[Any, Any]:
        if isinstance(function, type):
            raise ConfigError(
                f"@kiq.job is for functions; write class {function.__name__}(kiq.Job) instead"
            )
        name = getattr(function, "__qualname__", None)
        if name is None and callable(function) and not options.get("name"):
            raise ConfigError(f"{function!r} has no name of its own: give it one, by name=")
        name = name or repr(function)
        check_plain_function(name, function)
        return FunctionJob(function, checked(name, options))

    def __mro_entries__(self, bases: tuple[Any, ...]) -> NoReturn:
        raise ConfigError(
            "kiq.job is the decorator for functions; for a class write class X(kiq.Job)"
        )


job = _JobDecorator()
