"""How objects are found again: by a key of their own, a row's, or field by field. Never by pickle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any, Protocol

from ...errors import ConfigError
from .errors import NotDelayable, RefNotFound
from .settings import worker

#: Turns a value into one that travels, and back.
Step = Callable[[Any], Any]


class Kind(Protocol):
    """How objects of some classes travel."""

    def fits(self, cls: type, /) -> bool:
        """Tell whether objects of *cls* travel in this way."""

    def dump(self, found: Any, step: Step, /) -> dict[str, Any]:
        """Return what stands beside the name of its class. Raises NotDelayable."""

    def load(self, cls: Any, kept: dict[str, Any], step: Step, /) -> Any:
        """Return the object again. Raises RefNotFound where its store says that it is not there."""


class OwnKey:
    """Objects with ``__kiq_ref__()``, whose class has ``__kiq_find__(key)``; None is "not there"."""

    def fits(self, cls: type) -> bool:
        """See :class:`Kind`."""
        return callable(getattr(cls, "__kiq_ref__", None))

    def dump(self, found: Any, step: Step) -> dict[str, Any]:
        """See :class:`Kind`."""
        if not callable(getattr(found.__class__, "__kiq_find__", None)):
            raise NotDelayable(
                f"{found.__class__.__qualname__} has __kiq_ref__, and no classmethod __kiq_find__(key) "
                "that finds the object again"
            )
        return {"id": step(found.__kiq_ref__())}

    def load(self, cls: Any, kept: dict[str, Any], step: Step) -> Any:
        """See :class:`Kind`."""
        found = cls.__kiq_find__(step(kept["id"]))
        if found is None:
            raise _missing(cls, kept["id"])
        return found


class DjangoRow:
    """Rows of Django's models, by primary key and database."""

    def fits(self, cls: type) -> bool:
        """See :class:`Kind`."""
        return all(hasattr(cls, name) for name in ("_meta", "_base_manager", "DoesNotExist"))

    def dump(self, found: Any, step: Step) -> dict[str, Any]:
        """See :class:`Kind`."""
        if found.pk is None or found._state.adding:
            raise NotDelayable(f"{_label(found)} was not saved: a job could not find it")
        key = found.pk
        if isinstance(key, tuple):
            key = list(key)  # a composite one
        elif type(key) not in (int, str):
            key = found._meta.pk.value_to_string(found)  # the manager reads it again
        kept: dict[str, Any] = {"id": step(key)}
        if found._state.db not in (None, "default"):
            kept["using"] = found._state.db
        return kept

    def load(self, cls: Any, kept: dict[str, Any], step: Step) -> Any:
        """See :class:`Kind`."""
        key = step(kept["id"])
        key = tuple(key) if isinstance(key, list) else key
        try:
            return cls._base_manager.using(kept.get("using")).get(pk=key)
        except cls.DoesNotExist:
            raise _missing(cls, kept["id"]) from None


class MappedRow:
    """Rows of SQLAlchemy, by primary key, from the session that ``worker.session`` gives."""

    def fits(self, cls: type) -> bool:
        """See :class:`Kind`."""
        return hasattr(cls, "__mapper__") and hasattr(cls, "_sa_class_manager")

    def dump(self, found: Any, step: Step) -> dict[str, Any]:
        """See :class:`Kind`."""
        key = found._sa_instance_state.key
        if key is None:
            raise NotDelayable(
                f"{_label(found)} was not flushed: a job could not find it; commit first, or push "
                "after the commit (docs/databases.md)"
            )
        identity = [step(part) for part in key[1]]
        return {"id": identity[0] if len(identity) == 1 else identity}

    def load(self, cls: Any, kept: dict[str, Any], step: Step) -> Any:
        """See :class:`Kind`."""
        if worker.session is None:
            raise ConfigError(
                f"a reference to {cls.__qualname__} needs a session: set delayed.worker.session to your "
                "scoped_session, or to a function that returns the session of this job"
            )
        key = step(kept["id"])
        found = worker.session().get(cls, tuple(key) if isinstance(key, list) else key)
        if found is None:
            raise _missing(cls, kept["id"])
        return found


class ByValue:
    """Dataclasses, field by field."""

    def fits(self, cls: type) -> bool:
        """See :class:`Kind`."""
        return is_dataclass(cls)

    def dump(self, found: Any, step: Step) -> dict[str, Any]:
        """See :class:`Kind`."""
        return {"value": {name: step(getattr(found, name)) for name in fields_of(found.__class__)}}

    def load(self, cls: Any, kept: dict[str, Any], step: Step) -> Any:
        """See :class:`Kind`."""
        return cls(**{name: step(value) for name, value in kept["value"].items()})


def fields_of(cls: Any) -> list[str]:
    """Return the names of those fields of a dataclass that its constructor takes."""
    return [each.name for each in fields(cls) if each.init]


OWN_KEY = OwnKey()
_KINDS: tuple[Kind, ...] = (OWN_KEY, DjangoRow(), MappedRow(), ByValue())


def kind_of(cls: type) -> Kind | None:
    """Return how objects of *cls* travel; None where nobody knows."""
    return next((each for each in _KINDS if each.fits(cls)), None)


def _label(found: Any) -> str:
    return f"this {found.__class__.__qualname__}"


def _missing(cls: Any, key: Any) -> RefNotFound:
    return RefNotFound(f"there is no {cls.__qualname__} with the key {key!r} (any more, or yet)")
