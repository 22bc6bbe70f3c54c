"""A worker without job classes says what stands where they should be."""

from __future__ import annotations

import pytest

from tests.helpers.worker_process import Site


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "class Ship(kiq.Job):\n    def run(self, number): ...",
            "nojob.Ship has run(), and no perform(): kiq calls perform, so rename it",
        ),
        (
            "class Ship(kiq.Job):\n    async def __call__(self, number): ...",
            "nojob.Ship has __call__(), and no perform()",
        ),
        (
            "class Ship(kiq.Job):\n    def preform(self, number): ...",
            "nojob.Ship has preform(), and no perform()",
        ),
        ("class Ship(kiq.Job): ...", "nojob.Ship has no perform(): write def perform(self, ...)"),
        (
            "class Ship:\n    def perform(self): ...",
            "nojob.Ship does not derive from kiq.Job: write class Ship(kiq.Job)",
        ),
        (
            "import abc\nclass Ship(kiq.Job):\n    @abc.abstractmethod\n    def perform(self): ...",
            "nojob.Ship leaves perform() to its subclasses, and there are none",
        ),
        (
            "class Items(kiq.IterableJob):\n    def each(self, item): ...",
            "nojob.Items needs both build() and each() to be an iterable job",
        ),
        ("def ship(): ...", "there is no job class to run (./nojob.py has none): name the module"),
    ],
)
def test_it_says_what_is_there_instead(site: Site, text: str, words: str) -> None:
    site.write("nojob.py", f"import kiq\n{text}\n")
    process = site.run("-r", "./nojob.py")
    assert process.wait() == 78
    assert words in process.log
    assert "Traceback" not in process.log


def test_where_other_classes_are_jobs_it_warns_and_starts(site: Site) -> None:
    site.write(
        "somejobs.py",
        "import kiq\n"
        "class Good(kiq.Job):\n    def perform(self): ...\n"
        "class Ship(kiq.Job):\n    def run(self): ...\n"
        "class Base(kiq.Job):\n    def run(self): ...\n"
        "class Heir(Base):\n    def perform(self): self.run()\n",
    )
    worker = site.run("-r", "somejobs").wait_until_ready()
    worker.says("WARN", "somejobs.Ship has run(), and no perform()", "(it is no job now)")
    assert "Base" not in worker.log
    assert "Good" not in worker.log
    assert worker.log.count("(it is no job now)") == 1
    assert worker.stop() == 0


def test_a_job_of_an_unknown_class_is_told_in_one_line_with_what_is_there(site: Site) -> None:
    site.write("app/jobs.py", "import kiq\nclass Ship(kiq.Job):\n    def perform(self): ...\n")
    worker = site.run("-r", "app.jobs").wait_until_ready()
    site.client.push({"class": "jobs.Ship", "args": [], "retry": False})
    worker.says("ERROR: UnknownJobClass", "app.jobs.Ship is registered", "aliases=['jobs.Ship']")
    assert "Traceback" not in worker.log
    assert worker.stop() == 0
    assert site.count("retry") == 1
