"""Mutants of expiry: until when a job may start, and who hears that it was too late."""

from __future__ import annotations

from tests.mutants.mutant import Change, Mutant, Nodes

TERMS = "kiq/plugins/expiry/terms.py"
PLUGIN = "kiq/plugins/expiry/plugin.py"


def expiry(name: str) -> Nodes:
    """Return the test *name* of expiry."""
    return (f"tests/integration/test_expiry.py::test_{name}",)


WRITTEN = expiry("until_when_is_written_down_at_the_push")
TOO_LATE = expiry("what_comes_too_late_is_dropped_told_and_counted")

MUTANTS = (
    Mutant(
        "the time of a scheduled job begins at its push",
        (
            Change(
                TERMS,
                "due = max(wall(), at) if isinstance(at, int | float) else wall()",
                "due = wall()",
            ),
        ),
        WRITTEN,
    ),
    Mutant(
        "until when is written down again and again",
        (Change(TERMS, "if UNTIL in payload or ", "if "),),
        expiry("it_is_written_down_once"),
    ),
    Mutant("nothing is ever too late", (Change(TERMS, "if late > 0", "if late > 1e9"),), TOO_LATE),
    Mutant("all is too late", (Change(TERMS, "if late > 0", "if True"),), TOO_LATE),
    Mutant(
        "what is too late runs all the same",
        (
            Change(
                PLUGIN,
                "        return None\n\n    def _counted",
                "        return call_next(context)\n\n    def _counted",
            ),
        ),
        TOO_LATE,
    ),
    Mutant(
        "whatever is dropped has expired",
        (Change(PLUGIN, "or job.jid not in self._late", ""),),
        expiry("what_is_discarded_has_not_expired"),
    ),
    Mutant(
        "its reason is not told",
        (Change(PLUGIN, "context.skipped = ", "_ = "),),
        TOO_LATE,
    ),
)
