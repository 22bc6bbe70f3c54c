"""A database that kiq and a Ruby Sidekiq share: a worker of kiq's, a server of Ruby's, one that asks."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.helpers.rubies import Ruby
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import ROOT, Site, WorkerProcess

PROGRAMS = ROOT / "tests" / "contract" / "ruby"
#: Names that Sidekiq takes as any other.
ODD_QUEUES = ("mailers/high", "a b", "ünï", "{tag} q", "}")

#: What workers of kiq run here.
JOBS = "tests.helpers.jobs_beside_ruby"


class Land:
    """What a test has: *site* (the database, workers of kiq), :meth:`ask` and :meth:`serve` (Ruby)."""

    def __init__(self, ruby: Ruby, server: TestServer, folder: Path) -> None:
        self.site = Site(server, folder, codec="json")
        self._ruby = ruby
        self._url = f"redis://127.0.0.1:{server.port}/{self.site.database}"
        self._errors = (folder / "ask-errors").open("w")
        self._asker = subprocess.Popen(
            ruby.program("ruby", str(PROGRAMS / "ask.rb")),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=self._environment(),
            text=True,
            encoding="utf-8",
        )
        self.version = str(self.ask("version"))
        self.major = int(self.version.partition(".")[0])
        self.site.client.sidekiq = self.major

    def _environment(self) -> dict[str, str]:
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return {"REDIS_URL": self._url, "PATH": path, "LANG": "C.UTF-8", "APP_ENV": "test"}

    def ask(self, name: str, *arguments: Any) -> Any:
        """Let the Ruby program ask.rb do *name*; return its answer."""
        assert self._asker.stdin is not None
        assert self._asker.stdout is not None
        self._asker.stdin.write(json.dumps([name, *arguments]) + "\n")
        self._asker.stdin.flush()
        line = self._asker.stdout.readline()
        assert line, f"ask.rb has ended:\n{Path(self._errors.name).read_text()}"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer["answer"]

    def work(self, *queues: str, concurrency: int = 3) -> WorkerProcess:
        """Start a worker of kiq's for *queues*, with the jobs above; return it when it is ready."""
        listed = json.dumps([[name] for name in queues or ("default",)])
        self.site.write(
            "config/kiq.yml",
            f"codec: json\nsidekiq: {self.major}\nlease: 6\nconcurrency: {concurrency}\n"
            f"require: [{JOBS}]\nqueues: {listed}\ntag: kq\nlabels: [py]\n",
        )
        return self.site.run().wait_until_ready()

    def serve(self, *queues: str) -> WorkerProcess:
        """Start a Sidekiq server of Ruby's for *queues*; return it when it has shown itself."""
        flags = [part for name in queues or ("rubys",) for part in ("-q", name)]
        server = self.site.run(
            *("-r", str(PROGRAMS / "app.rb"), "-c", "2", "-t", "2", *flags),
            command=self._ruby.program("sidekiq"),
            **self._environment(),
        )
        eventually(
            lambda: (
                f":{server.pid}:" in str(self.site.store.smembers("processes"))
                or not server.running
            ),
            30,
            message=f"Sidekiq shows itself; its log:\n{server.log}",
        )
        assert server.running, server.log
        return server

    def noted(self, *texts: str, timeout: float = 15) -> None:
        """Wait until jobs, of either side, have noted *texts*."""
        self.site.noted(*texts, timeout=timeout)

    def close(self) -> None:
        """End all of it."""
        self.site.close()
        assert self._asker.stdin is not None
        self._asker.stdin.close()
        try:
            self._asker.wait(10)
        except subprocess.TimeoutExpired:
            self._asker.kill()
            self._asker.wait()
        if self._asker.stdout is not None:
            self._asker.stdout.close()
        self._errors.close()
