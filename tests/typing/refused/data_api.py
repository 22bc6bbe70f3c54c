"""kiq.api, used in ways that fail."""

from __future__ import annotations

from datetime import timedelta

from kiq.api import DeadSet, Queue, RetrySet, ScheduledSet, Stats

# refused: arg-type | reportArgumentType | the name is text
Queue(5)
# refused: arg-type | reportArgumentType | a jid is text
Queue("mailers").find(5)
# refused: misc | reportAttributeAccessIssue | it is read only
Queue("mailers").size = 0
# refused: arg-type | reportArgumentType | days are a number
Stats().history("7")
# refused: arg-type | reportArgumentType | a score is a number, or two
ScheduledSet().fetch("noon")
# refused: union-attr | reportOptionalMemberAccess | there may be none
DeadSet().find("5d1c7a52e6ad1ab1f5a1a0d8").retry()
# refused: arg-type | reportArgumentType | the listener takes a number
RetrySet().retry_all(lambda: None)

for entry in RetrySet():
    # refused: arg-type | reportArgumentType | a time, not a span
    entry.reschedule(timedelta(hours=1))
