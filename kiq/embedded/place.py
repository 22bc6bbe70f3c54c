"""Where one embedded server keeps its things: data in its folder, socket in the run folder."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from ..errors import EmbeddedServerError

# The shortest limit of our platforms (macOS) for the path of a socket, without the final zero.
_LONGEST_SOCKET_PATH = 103


@dataclass(frozen=True, slots=True)
class Place:
    """The paths of the server whose data are in *folder*; *run* is the user's run folder."""

    folder: Path
    run: Path

    @property
    def _name(self) -> str:
        return hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]

    @property
    def socket(self) -> Path:
        """The unix socket; short, however deep the folder is."""
        return self.run / f"{self._name}.sock"

    @property
    def fifo(self) -> Path:
        """The lease: who has it open for writing keeps the server."""
        return self.run / f"{self._name}.lease"

    @property
    def start_lock(self) -> Path:
        """Held while somebody looks for the server or starts it."""
        return self.folder / "start.lock"

    @property
    def data_lock(self) -> Path:
        """Held by the server while it runs."""
        return self.folder / "server.lock"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.folder / "server.log"


def prepare(folder: Path) -> Place:
    """Make *folder* and the run folder if they are not there; return the server's place.

    The run folder is ``/tmp/kiq-UID`` (not TMPDIR, which may differ between the terminals that have
    to meet), or what ``KIQ_RUN_DIR`` says. Raises EmbeddedServerError when one of the two can't be
    made, when others could write in the run folder, or when a socket's path there is too long.
    """
    named = os.environ.get("KIQ_RUN_DIR")
    run = Path(named).expanduser().absolute() if named else Path(f"/tmp/kiq-{os.getuid()}")
    place = Place(folder, run)
    if len(os.fsencode(place.socket)) > _LONGEST_SOCKET_PATH:
        raise EmbeddedServerError(
            f"the socket of the embedded server can't be at {place.socket}: a socket's path may "
            f"have {_LONGEST_SOCKET_PATH} bytes. Set KIQ_RUN_DIR to a shorter path, or unset it"
        )
    try:
        run.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        ignore = folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text("# data of kiq's development server: never commit them\n*\n")
    except OSError as error:
        raise EmbeddedServerError(
            f"the embedded server needs the folders {folder} and {run}: {error}. "
            "Name another folder in REDIS_URL=embedded:FOLDER, or another KIQ_RUN_DIR"
        ) from error
    _refuse_if_unsafe(run)
    return place


def _refuse_if_unsafe(run: Path) -> None:
    # lstat: in /tmp somebody else may have put a link before us.
    state = run.lstat()
    if not stat.S_ISDIR(state.st_mode):
        complaint = "is not a folder (links are not followed)"
    elif state.st_uid != os.getuid():
        complaint = f"belongs to user {state.st_uid}"
    elif state.st_mode & 0o077:
        complaint = f"is open to other users (mode {stat.S_IMODE(state.st_mode):o})"
    else:
        return
    raise EmbeddedServerError(
        f"{run}, where the socket of the embedded server should be, {complaint}: whoever can write "
        f"there can run jobs as you. Remove it, 'chmod 700 {run}', or set KIQ_RUN_DIR to another one"
    )
