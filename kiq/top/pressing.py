"""The keys: what each does, said once for those who press them and for the help. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """*keys* (as Textual names them) do *action*, which help tells as *what*; it calls them *shown*."""

    keys: Sequence[str]
    action: str
    shown: str
    what: str


#: Those of Sidekiq's terminal UI are kept where it has them.
KEYS: Sequence[Key] = (
    Key(("left", "shift+tab"), "tab_back", "←", "the view before"),
    Key(("right", "tab"), "tab_on", "→", "the next view; 1 to 9 choose one"),
    Key(("down", "j"), "row_on", "j ↓", "the next row"),
    Key(("up", "k"), "row_back", "k ↑", "the row before"),
    Key(("l", "pagedown"), "page_on", "l PgDn", "the next page"),
    Key(("h", "pageup"), "page_back", "h PgUp", "the page before"),
    Key(("home", "g"), "first_row", "g Home", "the first row"),
    Key(("end", "G"), "last_row", "G End", "the last row"),
    Key(
        ("enter",),
        "open",
        "Enter",
        "what is behind the row: jobs of a queue or group, all of a job",
    ),
    Key(("escape", "backspace"), "back", "Esc", "back; without a filter, if there is one"),
    Key(("slash",), "filter", "/", "filter: class:Mail error:timeout age>2h -tag:vip text"),
    Key(("colon",), "command", ":", "command line: a view, with a filter; :fleet NAME; :quit"),
    Key(("x", "space"), "mark", "x Space", "mark the row, or no more"),
    Key(("A",), "all", "A", "mean all that the filter means; where rows are no jobs: mark all"),
    Key(("S",), "stop", "S", "stop what is under way; what was done is done"),
    Key(("y",), "copy", "y", "copy the command that shows this (c: the one that does it)"),
    Key(("u",), "undo", "u", "undo the newest act of the last ten minutes; :undo shows all"),
    Key(("w",), "why", "w", "why the job does not run, and what helps"),
    Key(("o",), "other", "o", "the other set, through the same filter: retries, dead"),
    Key(("f",), "freeze", "f", "freeze the picture, and let it go on"),
    Key(("m",), "unmask", "m", "show secrets among arguments, and hide them"),
    Key(("r", "f5"), "again", "r", "read at once"),
    Key(("question_mark", "f1"), "help", "?", "this help"),
    Key(("q",), "leave", "q", "leave; Ctrl-C too"),
)


def by_key(keys: Sequence[Key] = KEYS) -> Mapping[str, Key]:
    """Return what each key does."""
    return {name: each for each in keys for name in each.keys}
