"""A PostgreSQL of the tests' own, where its programs are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg

from tests.helpers.waiting import eventually

_PLACES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)  # Debian's


def program(name: str) -> str | None:
    """Where the program *name* of PostgreSQL is, if it is anywhere."""
    return shutil.which(name, path=os.pathsep.join([os.environ["PATH"], *map(str, _PLACES)]))


class PostgreSQL:
    """A server on a socket in a folder of its own; :meth:`stop` removes both."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="kiq-pg-"))
        # It refuses to run as root; its packages bring a user for that.
        self._as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if self._as_user:
            shutil.chown(self.folder, "postgres")
        data = str(self.folder / "data")
        self._run("initdb", "-D", data, "-A", "trust", "-U", "kiq", "-N")
        options = ("listen_addresses=", "fsync=off", "max_prepared_transactions=5")
        settings = [word for option in options for word in ("-c", option)]
        with (self.folder.parent / f"{self.folder.name}.log").open("wb") as log:
            self._process = subprocess.Popen(
                [*self._as_user, str(program("postgres")), "-D", data, "-k", str(self.folder)]
                + settings,
                stdout=log,
                stderr=log,
                cwd="/",
            )
        self._log = Path(log.name)
        eventually(self._answers, 30)

    @property
    def url(self) -> str:
        """For SQLAlchemy."""
        return f"postgresql+psycopg://kiq@/postgres?host={self.folder}"

    def connect(self) -> psycopg.Connection:
        """Return a connection of its own, which commits each statement."""
        return psycopg.connect(f"host={self.folder} user=kiq dbname=postgres", autocommit=True)

    def count_connections(self) -> int:
        """Return how many connections there are, but for that of this call."""
        with self.connect() as own:
            found = own.execute(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            ).fetchone()
        assert found is not None
        return int(found[0])

    def close_connections(self) -> int:
        """Close every connection but that of this call, as an administrator may; return how many."""
        with self.connect() as own:
            found = own.execute(
                "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            ).fetchone()
        assert found is not None
        return int(found[0])

    def stop(self) -> None:
        """End it, and remove its files."""
        self._run("pg_ctl", "-D", str(self.folder / "data"), "stop", "-m", "immediate")
        self._process.wait(20)
        shutil.rmtree(self.folder)
        self._log.unlink()

    def _answers(self) -> bool:
        try:
            self.connect().close()
        except psycopg.OperationalError:
            assert self._process.poll() is None, self._log.read_text()
            return False
        return True

    def _run(self, name: str, *arguments: str) -> None:
        command = [*self._as_user, str(program(name)), *arguments]
        done = subprocess.run(command, cwd="/", capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
