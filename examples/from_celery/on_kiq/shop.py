"""A small shop's background tasks: twenty of them, of all the kinds that applications have."""

import time
from datetime import timedelta

import settings

from kiq.contrib.celery import Celery, Task, current_task, get_task_logger, shared_task, signature
from kiq.contrib.celery.exceptions import Ignore, MaxRetriesExceededError, SoftTimeLimitExceeded
from kiq.contrib.celery.schedules import crontab
from kiq.contrib.celery.signals import (
    task_failure,
    task_postrun,
    task_prerun,
    task_retry,
    task_success,
)

logger = get_task_logger(__name__)
app = Celery("shop", broker=settings.BROKER, backend=settings.BACKEND)
app.conf.update(
    timezone="Europe/Paris",
    result_expires=3600,
    task_default_queue="default",
    task_routes={"shop.mail_*": {"queue": "mail"}, "shop.nightly_report": "reports"},
    task_annotations={"shop.throttled": {"max_retries": 1}},
    task_track_started=True,
    task_serializer="json",
    accept_content=["json"],
)
app.conf.beat_schedule = {
    "report": {
        "task": "shop.nightly_report",
        "schedule": crontab(minute=30, hour=2),
        "args": ["sales"],
    },
    "sweep": {"task": "shop.sweep", "schedule": timedelta(minutes=10), "options": {"queue": "low"}},
    "ping": {"task": "shop.ping", "schedule": 30.0},
}

#: What ran, for the tests.
notes = []


class Reporting(Task):
    """A base of tasks: notes how each ends."""

    def on_success(self, retval, task_id, args, kwargs):
        notes.append(("on_success", self.name, retval))

    def on_failure(self, exc, task_id, args, kwargs, einfo):
        notes.append(("on_failure", self.name, str(exc)))

    def on_retry(self, exc, task_id, args, kwargs, einfo):
        notes.append(("on_retry", self.name, str(exc)))


@shared_task(name="shop.mail_welcome")
def mail_welcome(address, name="you"):
    notes.append(("mail", address, name))
    return f"welcome {name}"


@shared_task(name="shop.mail_invoice", priority=3, ignore_result=True)
def mail_invoice(number):
    notes.append(("invoice", number))


@app.task(name="shop.add")
def add(x, y):
    return x + y


@app.task(name="shop.nightly_report", queue=None)
def nightly_report(kind):
    notes.append(("report", kind))


@app.task(name="shop.sweep")
def sweep():
    notes.append(("sweep",))


@app.task(name="shop.ping", expires=30)
def ping():
    return "pong"


@app.task(name="shop.fetch", bind=True, max_retries=3, default_retry_delay=1)
def fetch(self, url, fails):
    if self.request.retries < fails:
        try:
            raise ConnectionError(f"{url} is down")
        except ConnectionError as error:
            raise self.retry(exc=error, countdown=0) from error
    return self.request.retries


@app.task(name="shop.sync", autoretry_for=(ConnectionError,), max_retries=2, default_retry_delay=0)
def sync(account):
    notes.append(("sync", account))
    raise ConnectionError("no")


@app.task(
    name="shop.import_rows",
    autoretry_for=(ValueError,),
    dont_autoretry_for=(UnicodeError,),
    retry_backoff=True,
    retry_backoff_max=60,
    retry_jitter=False,
    retry_kwargs={"max_retries": 5},
)
def import_rows(what):
    notes.append(("import", what))
    if what == "bytes":
        raise UnicodeError("never again")
    raise ValueError("again")


@app.task(name="shop.broken", base=Reporting)
def broken(why):
    raise RuntimeError(why)


@app.task(name="shop.counted", base=Reporting, bind=True, max_retries=1, default_retry_delay=0)
def counted(self, fails):
    if fails and not self.request.retries:
        raise self.retry(exc=OSError("once"))
    return "counted"


@app.task(name="shop.gives_up", bind=True, max_retries=0)
def gives_up(self):
    try:
        self.retry()
    except MaxRetriesExceededError:
        return "gave up"


@app.task(name="shop.who", bind=True)
def who(self):
    request = self.request
    return [request.id, self.name, request.retries, request.called_directly, current_task.name]


@app.task(name="shop.then", bind=True)
def then(self, following):
    """Push a task that came as data."""
    signature(following, app=app).delay()
    return "pushed"


@app.task(name="shop.ignored")
def ignored():
    raise Ignore()


@app.task(name="shop.slow", soft_time_limit=1, time_limit=60)
def slow():
    try:
        for _ in range(300):
            time.sleep(0.1)
    except SoftTimeLimitExceeded:
        return "cut"


@app.task(name="shop.progress", bind=True)
def progress(self, rows):
    for row in range(rows):
        self.update_state(state="PROGRESS", meta={"current": row + 1, "total": rows})
    return rows


@app.task(name="shop.throttled", rate_limit="1000/s", bind=True)
def throttled(self):
    return self.max_retries


@app.task(name="shop.late", acks_late=True, reject_on_worker_lost=True)
def late(when):
    notes.append(("late", when))


class Total(app.Task):
    """A task as a class."""

    name = "shop.total"

    def run(self, numbers):
        return sum(numbers)


total = app.register_task(Total())


def _noting(what):
    def note(sender=None, **named):
        notes.append((what, sender.name))

    return note


_receivers = {
    "prerun": task_prerun,
    "postrun": task_postrun,
    "success": task_success,
    "failure": task_failure,
    "retry": task_retry,
}
for _name, _signal in _receivers.items():
    _signal.connect(_noting(_name), weak=False)
