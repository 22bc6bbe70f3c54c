"""What a child tells its parent."""

from __future__ import annotations

from kiq.parent.child import Child
from kiq.parent.members import Phase
from kiq.parent.page import Page
from kiq.parent.traces import Trace


def test_a_child_that_ends_before_it_was_ready_never_says_that_it_stops() -> None:
    page, trace = Page(), Trace()
    child = Child(1, "token", page, trace, -1, 0)
    for phase in (Phase.CONNECTING, Phase.STARTING):
        child.enter(phase)
        assert page.phase == phase
    child.enter(Phase.STOPPING)
    assert page.phase == Phase.STARTING, "its parent counts that as a failure to start"
    for phase in (Phase.READY, Phase.STOPPING):
        child.enter(phase)
        assert page.phase == phase
    page.close()
    trace.close()


class Working:
    """A worker with one job."""

    def __init__(self) -> None:
        self.idle = False
        self.said: list[str] = []

    def quiet(self) -> None:
        self.said.append("quiet")

    def end(self, exit_code: int) -> None:
        self.said.append(f"end {exit_code}")


def test_a_child_that_is_to_finish_ends_when_its_last_job_has() -> None:
    page, trace, worker = Page(), Trace(), Working()
    child = Child(1, "token", page, trace, -1, 0)
    child.look(worker)
    assert worker.said == []
    assert page.beat > 0
    page.finish = True
    child.look(worker)
    assert worker.said == ["quiet"]
    worker.idle = True
    child.look(worker)
    assert worker.said == ["quiet", "quiet", "end 0"]
    page.close()
    trace.close()
