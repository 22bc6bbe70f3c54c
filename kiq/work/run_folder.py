"""The run folder: a lock file for each worker process, as proof of its life and of its death.

Who gets a process's lock knows that it is dead: the kernel drops a lock when its last holder ends.
The holder never unlocks, it only closes. A missing file proves nothing, nor does a pid.
"""

from __future__ import annotations

import fcntl
import logging
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .worker import boot_id

logger = logging.getLogger("kiq.run_folder")

_SUFFIX = ".worker"


def default_folder() -> Path:
    """Return the per-user folder of run files: ``KIQ_RUN_DIR``, or ``/tmp/kiq-UID``.

    Not TMPDIR, which may differ between processes that have to see each other.
    """
    named = os.environ.get("KIQ_RUN_DIR")
    return Path(named).expanduser().absolute() if named else Path(f"/tmp/kiq-{os.getuid()}")


@dataclass(frozen=True, slots=True)
class DeadProcess:
    """A process of this machine that is proven dead: the facts that its owners' records carry."""

    facts: dict[str, str]
    path: Path

    def owns(self, record: dict[str, str]) -> bool:
        """Tell whether an owner with this *record* was of that process."""
        return bool(self.facts["boot_id"]) and all(
            record.get(name) == value for name, value in self.facts.items()
        )


class RunFolder:
    """This process's lock, and a look at those of others.

    Threads: made by the launcher; the reclaimer looks.
    """

    def __init__(self, folder: Path, store_id: str, identity: str) -> None:
        self._folder = folder
        self._prefix = f"{store_id}-"
        self._name = f"{self._prefix}{identity}{_SUFFIX}"
        self._descriptor: int | None = None

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
        self._descriptor = descriptor
        os.register_at_fork(after_in_child=self._close)
        return _facts(descriptor, self._name)

    def _locked_file(self) -> int:
        hidden = self._folder / f".{self._name}"
        descriptor = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            hidden.rename(self._folder / self._name)  # nobody ever sees it unlocked
        except OSError:
            os.close(descriptor)
            hidden.unlink(missing_ok=True)
            raise
        return descriptor

    def unlock(self) -> None:
        """Remove this process's file; after its owners have left."""
        if self._descriptor is not None:
            (self._folder / self._name).unlink(missing_ok=True)
            self._close()

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    @contextmanager
    def dead(self) -> Iterator[list[DeadProcess]]:
        """Yield the processes of this database that are proven dead; their files go afterwards.

        Meanwhile their locks are held, so that two processes don't recover the same one. Raise
        inside to keep the files for another try.
        """
        held: list[tuple[int, DeadProcess]] = []
        try:
            for path in self._others():
                descriptor = _try_lock(path)
                if descriptor is not None:
                    facts = {k: str(v) for k, v in _facts(descriptor, path.name).items()}
                    held.append((descriptor, DeadProcess(facts, path)))
            yield [process for _, process in held]
            for _, process in held:
                process.path.unlink(missing_ok=True)
        finally:
            for descriptor, _ in held:
                os.close(descriptor)

    def _others(self) -> list[Path]:
        try:
            names = os.listdir(self._folder)
        except OSError:
            return []
        return [
            self._folder / name
            for name in names
            if name.startswith(self._prefix) and name.endswith(_SUFFIX) and name != self._name
        ]


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
