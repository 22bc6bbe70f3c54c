"""kiq.api, used in ways that fail."""

from __future__ import annotations

from datetime import timedelta

from kiq.api import DeadSet, ProcessSet, Queue, RetrySet, ScheduledSet, Stats, WorkSet


def deaf(done: int) -> None: ...


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
# refused: arg-type | reportArgumentType | the listener takes two
RetrySet().retry_all(progress=deaf)
# refused: arg-type | reportArgumentType | an age, not a date
DeadSet().delete_all(older_than="1d")
# refused: call-arg | reportCallIssue | by keyword only
RetrySet().retry_all("ConnectionError")
# refused: union-attr | reportOptionalMemberAccess | there may be none
ProcessSet().get("app-1:4711:0123456789ab").quiet()
# refused: arg-type | reportArgumentType | a jid is text
WorkSet().find(5)

for entry in RetrySet():
    # refused: arg-type | reportArgumentType | a time, not a span
    entry.reschedule(timedelta(hours=1))
