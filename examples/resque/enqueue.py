"""Puts jobs into their queues; python enqueue.py"""

from __future__ import annotations

from jobs import Foo, MyJob, Report, Welcome
from models import User

from kiq.contrib import resque

if __name__ == "__main__":
    user = User.find(1)
    resque.enqueue(MyJob, "Alice", 3)
    resque.enqueue(Foo, user.id)  # the id, not the user
    resque.enqueue(Welcome, user.id)
    assert resque.enqueue(Welcome, 99) is None  # a hook said no
    resque.enqueue_in(1, Report, "delayed")
    print("waiting:", resque.queue_sizes())
