"""Join the server of a folder, or start it: whoever comes first."""

from __future__ import annotations

import os
import time
from io import FileIO
from pathlib import Path

from ..errors import EmbeddedServerError
from .file_lock import locked
from .lease import Lease
from .locate import find_binary
from .ping import Answer, ping
from .place import Place
from .supervisor import supervise
from .version import stamp, version_of

# Long, because a server reads its data back first; one that dies meanwhile is noticed at once.
_READY_SECONDS = 60.0
_LOCK_SECONDS = 75.0
# More than the supervisor gives a server to leave.
_LEAVE_SECONDS = 15.0
_LARGEST_LOG = 1_000_000


def join_or_start(place: Place) -> tuple[Lease, bool]:
    """Return a share in the server of *place*, and whether it was started for it.

    The server answered just now. Raises EmbeddedServerError when it can't be reached or started.
    """
    complaint = f"another process has been starting the server of {place.folder} all the time"
    try:
        with locked(place.start_lock, timeout=_LOCK_SECONDS, complaint=complaint):
            lease = _join(place)
            if lease is not None:
                return lease, False
            return _start(place), True
    except OSError as error:
        raise EmbeddedServerError(
            f"the embedded server can't use {place.folder} or {place.run}: {error}. "
            "Name another folder in REDIS_URL=embedded:FOLDER, or another KIQ_RUN_DIR"
        ) from error


def _join(place: Place) -> Lease | None:
    lease = Lease.join(place.fifo)
    if lease is None:
        return None
    # Nobody else is starting one while we hold the lock: a server that does not listen is on its
    # way out, or has lost its socket. Without our lease it can end, and another one can start.
    if _answers(place, lease, may_be_late=False):
        return lease
    return None


def _start(place: Place) -> Lease:
    binary = find_binary()
    version = version_of(binary)
    with (
        locked(
            place.data_lock,
            timeout=_LEAVE_SECONDS,
            complaint=f"a server that can't be reached at {place.socket} still owns the data in "
            f"{place.folder}: end the processes that use it (another container, perhaps)",
        ) as lock,
        _open_log(place.log) as log,
    ):
        stamp(place.folder, version, binary)
        place.socket.unlink(missing_ok=True)
        beginning = os.fstat(log.fileno()).st_size
        lease, reader = Lease.create(place.fifo)
        try:
            supervise(_command(binary, place), lease=reader, lock=lock, log=log.fileno())
        except BaseException:
            lease.close()
            raise
        finally:
            os.close(reader)
    if not _answers(place, lease, may_be_late=True):
        said = place.log.read_bytes()[beginning:].decode(errors="replace").strip()
        raise EmbeddedServerError(
            f"{version} ({binary}) ended while it started on the data in {place.folder}. It said:\n"
            + "\n".join(said.splitlines()[-8:])
        )
    return lease


def _answers(place: Place, lease: Lease, *, may_be_late: bool) -> bool:
    """Wait for the server to serve; close *lease* and return False if it is not (or no more) there.

    With *may_be_late* it may take its time to listen, otherwise only to answer.
    """
    deadline = time.monotonic() + _READY_SECONDS
    try:
        while lease.alive:
            answer = ping(place.socket, timeout=1.0)
            if answer is Answer.READY and lease.alive:
                return True
            if answer is Answer.ABSENT and not may_be_late:
                break
            if time.monotonic() > deadline:
                raise EmbeddedServerError(
                    f"the embedded server of {place.folder} is there but has not served for "
                    f"{_READY_SECONDS:.0f} s: see {place.log}, or end the processes that use it"
                )
            time.sleep(0.003)
    except BaseException:
        lease.close()
        raise
    lease.close()
    return False


def _open_log(path: Path) -> FileIO:
    # Starts anew when it has grown large: nobody rotates it.
    keep = path.exists() and path.stat().st_size < _LARGEST_LOG
    return path.open("ab" if keep else "wb", buffering=0)


def _command(binary: Path, place: Place) -> list[str]:
    # All of it as arguments: in a configuration file, a folder with a space would need quoting.
    return [
        *(str(binary), "--dir", str(place.folder), "--daemonize", "no"),
        *("--port", "0", "--unixsocket", str(place.socket), "--unixsocketperm", "700"),
        *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
        *("--maxmemory-policy", "noeviction", "--loglevel", "notice"),
    ]
