"""Mutants of what keeps a process under control: threads, signals, the log, users' handlers."""

from __future__ import annotations

from tests.mutants.mutant import Change, Mutant

THREADS = (
    Mutant(
        "what its body raises ends a thread",
        (
            Change(
                "kiq/kept.py",
                "                self._complain(error)\n",
                "                raise\n",
            ),
        ),
        caught_by=("tests/unit/test_kept.py::test_a_body_that_raises_begins_again[error0]",),
    ),
    Mutant(
        "the fetch that was made beforehand is sent whatever has come between",
        (
            Change(
                "kiq/work/exchange.py",
                "        if ready is None or self._busy or self._handover.outbox:",
                "        if ready is None:",
            ),
        ),
        caught_by=(
            "tests/integration/test_answer_to_the_bell.py"
            "::test_whatever_has_come_between_it_is_not_sent",
        ),
    ),
    Mutant(
        "nobody looks for threads that have ended",
        (
            Change(
                "kiq/work/launcher.py",
                "        mended = [self.worker.threads.mend(), ",
                "        mended = [",
            ),
        ),
        by_faults=(
            "tests/chaos/test_threads_that_end.py::test_one_of_kiqs_own_is_replaced[kiq-poller]",
        ),
    ),
    Mutant(
        "nobody looks whether the heartbeat hangs",
        (Change("kiq/work/launcher.py", "self.heartbeat.mend(), ", ""),),
        by_faults=(
            "tests/chaos/test_heartbeat_that_hangs.py"
            "::test_another_thread_takes_its_place_and_what_waited_for_the_lease_runs",
        ),
    ),
    Mutant(
        "handlers and hooks of async jobs run on the event loop",
        (
            Change(
                "kiq/plugins/asyncio_jobs/run.py",
                "        return wait(_outcome(self._aside.call(function)))\n",
                "        return function()\n",
            ),
        ),
        by_faults=(
            "tests/e2e/test_async_handlers_that_hang.py"
            "::test_who_is_told_that_one_failed_holds_up_no_other[error]",
        ),
    ),
    Mutant(
        "a handler of beats runs on the heartbeat's thread",
        (
            Change(
                "kiq/work/worker.py",
                "                self.errands.call(event, handler, failed=failed)\n",
                "                handler() if event == 'beat' else self.errands.call(\n"
                "                    event, handler, failed=failed\n"
                "                )\n",
            ),
        ),
        by_faults=(
            "tests/e2e/test_handlers_that_hang.py::test_a_handler_of_beats_holds_up_no_heartbeat[beat]",
        ),
    ),
    Mutant(
        "error handlers run where an error is met",
        (
            Change(
                "kiq/work/worker.py",
                "        self.host.report(error, context, self.errands.call)\n",
                "        self.host.report(error, context)\n",
            ),
        ),
        by_faults=(
            "tests/e2e/test_handlers_that_hang.py::test_a_slow_error_handler_holds_up_no_queue",
        ),
    ),
)
LOG = (
    Mutant(
        "what a log handler raises goes on",
        (
            Change(
                "kiq/loggers.py",
                "        except BaseException as error:  # noqa: BLE001 (a line must not change",
                "        except ZeroDivisionError as error:  # noqa: BLE001 (a line must not change",
            ),
        ),
        caught_by=(
            "tests/unit/test_loggers.py::test_what_a_handler_raises_goes_nowhere_but_to_standard_error"
            "[kiq.job-error0]",
        ),
        error="OSError",
    ),
    Mutant(
        "kiq's own threads wait for the log",
        (
            Change(
                "kiq/loggers.py",
                "        if lines.open and (",
                "        if not lines.open and (",
            ),
        ),
        by_faults=(
            "tests/chaos/test_broken_logs.py::test_a_full_pipe_does_not_keep_an_idle_worker_from_stopping",
        ),
    ),
    Mutant(
        "logging.config switches kiq off",
        (
            Change(
                "kiq/loggers.py",
                "    disabled = property(",
                "    ignored = property(",
            ),
        ),
        caught_by=("tests/unit/test_loggers.py::test_nothing_switches_it_off",),
    ),
)
SIGNALS = (
    Mutant(
        "each signal is an order",
        (Change("kiq/signals.py", "_ONE_ORDER = 1.0", "_ONE_ORDER = 0.0"),),
        caught_by=(
            "tests/unit/test_signals.py::test_an_order_that_may_be_as_old_as_the_last_one_is_no_new_one",
        ),
    ),
    Mutant(
        "a signal whose reply got lost is forgotten",
        (
            Change(
                "kiq/store/signals.py",
                '            ("DEL", self._forgotten),\n',
                '            ("DEL", self._reading),\n',
            ),
        ),
        caught_by=(
            "tests/integration/test_signals_through_redis.py::"
            "test_a_connection_that_breaks_loses_none_and_repeats_none[1-after the request]",
        ),
    ),
    Mutant(
        "a stop that hangs is not cut off",
        (
            Change(
                "kiq/cli/control.py",
                "            if left <= 0:\n",
                "            if left < -1_000_000:\n",
            ),
        ),
        by_faults=(
            "tests/e2e/test_exit_handlers.py::test_what_no_exception_reaches_is_cut_off_at_the_deadline",
        ),
    ),
    Mutant(
        "signals are heard when the application is imported",
        (
            Change(
                "kiq/cli/control.py",
                "        self.signals.install()\n",
                "",
            ),
            Change(
                "kiq/cli/run.py",
                "    _enter(control, CONNECTING, child, Phase.CONNECTING, launcher)\n",
                "    control.signals.install()\n"
                "    _enter(control, CONNECTING, child, Phase.CONNECTING, launcher)\n",
            ),
        ),
        by_faults=(
            "tests/e2e/test_ended_at_every_moment.py::test_while_the_application_is_imported[sleeps]",
        ),
    ),
)

MUTANTS = (*THREADS, *LOG, *SIGNALS)
