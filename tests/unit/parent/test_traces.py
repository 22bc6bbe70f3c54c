"""Where the threads of a child are: of those that don't wait."""

from __future__ import annotations

import os

import pytest

from kiq.parent import traces
from kiq.parent.traces import Trace

WRITTEN = f"""Thread 0x00007f519afa46c0 (most recent call first):
  File "/usr/lib/python3.11/re/__init__.py", line 166 in match
  File "/app/jobs.py", line 7 in perform

Thread 0x00007f519b7a56c0 (most recent call first):
  File "/usr/lib/python3.11/threading.py", line 327 in wait
  File "/app/jobs.py", line 5 in perform

Thread 0x00007f519b7a56c1 (most recent call first):
  File "{traces._KIQ}work/bell.py", line 22 in wait_for

Current thread 0x00007f519c210b80 (most recent call first):
  File "/usr/lib/python3.11/selectors.py", line 468 in select
"""


def test_threads_that_wait_are_left_out_and_each_is_told_once() -> None:
    trace = Trace()
    if trace.file < 0:
        pytest.skip("memory has no descriptors here")
    assert trace.text() == ""
    os.write(trace.file, WRITTEN.encode())
    assert trace.text() == "\n".join(WRITTEN.splitlines()[:3])
    assert trace.text() == ""
    os.write(trace.file, WRITTEN.encode() + WRITTEN.encode())  # no empty line between two
    assert trace.text().count("in match") == 2
    later = Trace(os.dup(trace.file))
    assert later.text() == "", "who takes over has been told"
    for one in (trace, later):
        one.close()
