"""Pushes of function jobs, and of jobs that are named by a string, that would fail."""

from __future__ import annotations

from datetime import timedelta

import kiq


@kiq.job(queue="mailers")
def welcome(user_id: int, *, again: bool = False) -> str:
    return str(user_id)


@kiq.job
def other(text: str) -> None: ...


# refused: arg-type | reportArgumentType | wrong type
welcome("x")
# refused: arg-type | reportArgumentType | wrong type
welcome.perform_async("x")
# refused: call-arg | reportCallIssue | missing argument
welcome.perform_async()
# refused: call-arg | reportCallIssue | unknown keyword
welcome.perform_async(1, agian=True)
# refused: call-arg | reportCallIssue | one too many
welcome.perform_in(5, 1, 2)
# refused: arg-type | reportArgumentType | a delay is a number or timedelta
welcome.perform_in("5", 1)
# refused: arg-type | reportArgumentType | a time is a number or datetime
welcome.perform_at(timedelta(1), 1)
# refused: list-item | reportArgumentType | another job's arguments
welcome.perform_bulk([other.args("x")])
# refused: list-item | reportArgumentType | a job's arguments are a list or tuple
welcome.perform_bulk([1])
# refused: call-arg | reportCallIssue | missing argument
welcome.perform_inline()
# refused: arg-type | reportArgumentType | wrong type
welcome.args("x")
# refused: arg-type | reportArgumentType | wrong type through set
welcome.set(queue="low").perform_async("x")
# refused: attr-defined | reportAttributeAccessIssue | no such method
welcome.nonsense(1)


def later(job: kiq.FunctionJob[[str], None]) -> None:
    job.perform_in(60, "x")


# refused: arg-type | reportArgumentType | a job with other arguments
later(welcome)

# refused: arg-type | reportArgumentType | a job is a dict
kiq.push("HardWorker")
# refused: list-item | reportArgumentType | arguments are lists
kiq.push_bulk({"class": "X"}, [1, 2])
# refused: arg-type | reportArgumentType | wrong type
kiq.configure(codec=5)
# refused: arg-type | reportArgumentType | there are two codecs
kiq.Client(codec="pickle")
