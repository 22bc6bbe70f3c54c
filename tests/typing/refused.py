"""What a type checker must refuse: on each line that says so, and on no other. Never run."""

from __future__ import annotations

from datetime import timedelta

import kiq


class HardWorker(kiq.Job, queue="critical"):
    def perform(self, name: str, count: int, *, loud: bool = False) -> None: ...


class Contract(kiq.Job):
    """No perform yet."""


@kiq.job(queue="mailers")
def welcome(user_id: int) -> str:
    return str(user_id)


HardWorker.perform_async("Bob", "5")  # error: wrong type
HardWorker.perform_async("Bob")  # error: missing argument
HardWorker.perform_async("Bob", 5, 6)  # error: one too many
HardWorker.perform_async("Bob", 5, lout=True)  # error: unknown keyword
HardWorker.perform_async("Bob", 5, loud="yes")  # error: wrong type of keyword
HardWorker.perform_in(60, "Bob")  # error: missing argument
HardWorker.perform_in("60", "Bob", 5)  # error: a delay is a number or timedelta
HardWorker.perform_in(60, 5, "Bob")  # error: arguments swapped
HardWorker.perform_at(timedelta(hours=1), "Bob", 5)  # error: a time is a number or datetime
HardWorker.perform_at(4e9, "Bob", "5")  # error: wrong type
HardWorker.perform_inline("Bob")  # error: missing argument
HardWorker.args("Bob")  # error: missing argument
HardWorker.perform_bulk([1, 2])  # error: a job's arguments are a list or tuple
HardWorker.perform_bulk([welcome.args(1)])  # error: another job's arguments
HardWorker.perform_bulk([("a", 1)], batch_size="10")  # error: wrong type
HardWorker.set(queue="low").perform_async("Bob", "5")  # error: wrong type through set
HardWorker.set(quee="low")  # error: unknown option
HardWorker.set(queue=5)  # error: wrong type of option
HardWorker.set(name="Other")  # error: an option of the class only
Contract.perform_async()  # error: has no perform

welcome("x")  # error: wrong type
welcome.perform_async("x")  # error: wrong type
welcome.perform_async()  # error: missing argument
welcome.perform_in(5, 1, 2)  # error: one too many
welcome.set(retry="no").perform_async(1)  # error: wrong type of option
welcome.nonsense(1)  # error: no such method


class Typo(kiq.Job, quue="x"):  # error: unknown option
    def perform(self) -> None: ...


class Wrong(kiq.Job, retry="yes"):  # error: wrong type of option
    def perform(self) -> None: ...


@kiq.job(retries=3)  # error: unknown option
def typo() -> None: ...


kiq.push("HardWorker")  # error: a job is a dict
kiq.push_bulk({"class": "X"}, [1, 2])  # error: arguments are lists
kiq.configure(codec=5)  # error: wrong type
