"""Jobs in the manner of Resque: what type checkers must refuse. Checked, never run.

What stands above each line that they refuse is explained in this package.
"""

from __future__ import annotations

from kiq.contrib import resque


class MyJob:
    queue = "default"

    @staticmethod
    def perform(name: str, count: int) -> None: ...


class Nothing:
    queue = "default"


# refused: arg-type | reportArgumentType | the count is a number
resque.enqueue(MyJob, "Alice", "three")
# refused: call-arg | reportCallIssue | the count is missing
resque.enqueue(MyJob, "Alice")
# refused: arg-type | reportArgumentType | seconds, or a timedelta
resque.enqueue_in("soon", MyJob, "Alice", 3)
