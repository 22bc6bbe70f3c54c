"""Interrupting a job that runs: by an exception in its thread, and by replacing a thread that stays.

``watchdog``: one thread that sleeps until the next deadline. ``span``: a stretch of a thread's code in
which an exception may be raised, and after which none can arrive. ``moment``: whether a thread is in the
user's code now. ``crew``: what is done about a thread that does not come back. ``elsewhere``: jobs that
no thread of their own runs (coroutines): whoever runs them registers a callable, which is called instead:

    with elsewhere_in(worker).running(jid, interrupt):   # around the layers of the job, in its context
        ...

``interrupt(kind)`` is called on the watchdog's thread, with the exception class that the job is to end
with: :class:`kiq.TimeLimitExceeded` or :class:`kiq.Cancelled`.
"""
