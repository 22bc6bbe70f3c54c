"""The run folder: a lock file for each worker process, as proof of its life and of its death.

Who gets a process's lock knows that it is dead: the kernel drops a lock when its last holder ends.
The holder never unlocks, it only closes. A missing file proves nothing, nor does a pid.
"""

from __future__ import annotations

import fcntl
import logging
import os
import stat
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..clock import steady, wall
from ..machine import boot_id

logger = logging.getLogger("kiq.run_folder")

_SUFFIX = ".worker"
_TOUCH = 3600.0  # seconds after which the file is touched: what ages in /tmp is removed there
_OLD = 86_400.0  # seconds: a file that was not touched for so long, and is not locked, is of no use
_AGAIN = 60.0  # seconds between two attempts to have a lock again


@dataclass(frozen=True, slots=True)
class DeadProcess:
    """A process of this machine that is proven dead: the facts that its owners' records carry.

    *ours* says that it was of this database, as long as that was not emptied.
    """

    facts: dict[str, str]
    ours: bool = True

    def may_own(self, owner: str) -> bool:
        """Tell by its name whether *owner* may have been of that process.

        Hosts go by several names: that it is this machine's is for :meth:`owns` to say.
        """
        _, _, identity = self.facts["lock"].partition("-")
        return owner.startswith(identity.rpartition(":")[0] + ":")

    def owns(self, record: dict[str, str]) -> bool:
        """Tell whether an owner with this *record* was of that process."""
        return bool(self.facts["boot_id"]) and all(
            record.get(name) == value for name, value in self.facts.items()
        )


class RunFolder:
    """This process's lock, and a look at those of others.

    Threads: made by the launcher; the reclaimer does the rest. *clock* is the steady one.
    """

    def __init__(
        self, folder: Path, store_id: str, identity: str, clock: Callable[[], float] = steady
    ) -> None:
        self._folder = folder
        self._prefix = f"{store_id}-"
        self._name = f"{self._prefix}{identity}{_SUFFIX}"
        self._clock = clock
        self._descriptor: int | None = None
        self._next_touch = clock() + _TOUCH
        self._next_lock = clock()

    def lock(self) -> dict[str, Any]:
        """Take this process's lock; return the facts for its owners' records ({} when it can't).

        Without it recovery works by the lease alone, so a read-only disk is no reason to fail.
        """
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            status = self._folder.stat()
            if status.st_uid != os.getuid() or status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise PermissionError(f"{self._folder} is not this user's alone")
            descriptor = self._locked_file()
        except OSError as error:
            logger.warning("no run-folder lock (%s): a crash is noticed by the lease only", error)
            return {}
        if self._descriptor is None:
            os.register_at_fork(after_in_child=self._close)
        self._close()
        self._descriptor = descriptor
        self._tidy()
        return _facts(descriptor, self._name)

    def _locked_file(self) -> int:
        hidden = self._folder / f".{self._name}"
        hidden.unlink(missing_ok=True)
        descriptor = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            hidden.rename(self._folder / self._name)  # nobody ever sees it unlocked
        except OSError:
            os.close(descriptor)
            hidden.unlink(missing_ok=True)
            raise
        return descriptor

    def keep(self) -> dict[str, Any]:
        """Keep the lock where others find it; return new facts where it had to be taken anew, else {}.

        Some remove what is old in /tmp, locked or not, and people remove what they don't know.
        """
        if self._descriptor is None:
            return {}
        try:
            if os.stat(self._folder / self._name).st_ino == os.fstat(self._descriptor).st_ino:
                if self._clock() >= self._next_touch:
                    self._next_touch = self._clock() + _TOUCH
                    os.utime(self._descriptor)
                return {}
        except OSError:
            pass  # it is gone
        if self._clock() < self._next_lock:
            return {}
        self._next_lock = self._clock() + _AGAIN
        return self.lock()

    def unlock(self) -> None:
        """Remove this process's file; after its owners have left."""
        if self._descriptor is not None:
            (self._folder / self._name).unlink(missing_ok=True)
            self._close()

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def free(self, but: Container[str] = ()) -> list[str]:
        """Return the names of the files whose locks nobody has: their processes are dead.

        Of processes of all databases: one that was emptied has another name since then.
        """
        names = [name for name in self._names() if name != self._name and name not in but]
        return [name for name in names if name[0] != "." and self._is_free(name)]

    @contextmanager
    def proof(self, name: str) -> Iterator[DeadProcess | None]:
        """Hold the lock that proves a death, so that no other process recovers the same one.

        Yields None when another has it.
        """
        descriptor = _try_lock(self._folder / name)
        if descriptor is None:
            yield None
            return
        try:
            facts = {key: str(value) for key, value in _facts(descriptor, name).items()}
            yield DeadProcess(facts, name.startswith(self._prefix))
        finally:
            os.close(descriptor)

    def remove(self, name: str) -> None:
        """Remove the file of a dead process of which nothing is left."""
        (self._folder / name).unlink(missing_ok=True)

    def _is_free(self, name: str) -> bool:
        with self.proof(name) as process:
            return process is not None

    def _names(self) -> list[str]:
        try:
            return [name for name in os.listdir(self._folder) if name.endswith(_SUFFIX)]
        except OSError:
            return []

    def _tidy(self) -> None:
        """Remove files of processes that are long dead, of whatever database."""
        for name in self._names():
            try:
                is_old = wall() - (self._folder / name).stat().st_mtime > _OLD
            except OSError:
                continue  # gone meanwhile
            if is_old and name != self._name and self._is_free(name):
                self.remove(name)


def _try_lock(path: Path) -> int | None:
    """Return a descriptor that holds the lock of *path*, or None. Never creates the file."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_ino == path.stat().st_ino:
            return descriptor
    except OSError:
        pass  # held by a live process, or gone meanwhile: no proof
    os.close(descriptor)
    return None


def _facts(descriptor: int, name: str) -> dict[str, Any]:
    status = os.fstat(descriptor)
    return {
        "lock": name,
        "lock_device": status.st_dev,
        "lock_inode": status.st_ino,
        "boot_id": boot_id(),
    }
