"""``kiq top`` whole: what can be looked at, and what can be done. Nothing is done before a yes."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from textual.message import Message

from ..errors import KiqError
from .asking import asked_lines, course_line, offers, shown_by
from .deeds import Act, Deed, Scope, act_for, kept, latest
from .doing import Doer
from .fleets import Fleet
from .moving import Moving
from .picture import Line, Row


class Told(Message):
    """A task has ended: a question is ready, or a deed done."""

    def __init__(self, found: Any) -> None:
        super().__init__()
        self.found = found


class Top(Moving):
    """The application; *read_only*: nothing can be done by it."""

    def __init__(
        self, fleets: Sequence[Fleet], *, interval: float = 1.0, read_only: bool = False
    ) -> None:
        super().__init__(fleets, interval=interval)
        self.read_only = read_only
        self.everything = False
        self.question: Deed | None = None
        self.doer = Doer()

    def below(self) -> Sequence[Line]:
        """Return what stands above the keys: a question, or what can be done to the row."""
        if self.question is not None:
            return asked_lines(self.question)
        if self.doer.course is not None:
            return [course_line(self.doer.course)]
        return [offers(self.body.current, len(self.body.marked), self.everything, self.read_only)]

    def arrive(self) -> None:
        """What was marked was of another place."""
        self.everything = False
        super().arrive()

    def press(self, key: str) -> None:
        """Answer a question, or do what the key says."""
        if self.question is not None:
            self._answer(key)
            return
        act = act_for(self._kind(), key)
        if act is not None:
            self.act(act)
        else:
            super().press(key)

    def _kind(self) -> str:
        """Return what sort of things is meant."""
        row = self.body.current
        rows = [*self.body.marked.values(), *([row] if row else [])]
        if not rows and self.everything:
            rows = list(self.body.page.rows)
        return rows[0].kind if rows else ""

    def act(self, act: Act) -> None:
        """Ask before *act* is done, or say why it can't be."""
        row = self.body.current
        rows = list(self.body.marked.values()) or ([row] if row is not None else [])
        self.message = self._refusal(rows, act.word)
        if not self.message and self.picture is not None:
            scope = Scope(
                self.fleet, self.path.here, rows, self.picture.figures.at, self.everything
            )
            prepare = act.many if self.everything and act.many is not None else act.prepare
            self.doer.start(f"looking before {act.word}", lambda: prepare(scope), self._tell)
        self.look()

    def _refusal(self, rows: Sequence[Row] | None, word: str) -> str:
        if self.read_only:
            return f"nothing is done: kiq top runs with --read-only, and {word} changes something"
        if self.weather:
            return f"nothing is done: what is shown may be gone ({self.weather})"
        if rows is not None and not rows and not self.everything:
            return "nothing is done: no row is chosen, or what it showed is gone"
        if self.doer.busy:
            return "one thing at a time: wait until it has ended, or stop it by S"
        return ""

    def _tell(self, found: Any) -> None:
        self.post_message(Told(found))

    def on_told(self, event: Told) -> None:
        """Ask what is ready to be asked; say what a deed came to."""
        found = event.found
        if isinstance(found, Deed):
            self.question = found
            self.message = ""
            if found.typed:
                self.open_line(
                    "number", "", f"type {found.typed} to do it; Esc leaves all as it is"
                )
        else:
            self.message = f"failed: {found}" if isinstance(found, KiqError) else str(found)
            self.body.forget()
            self.everything = False
            self.fleet.forget()
            self.reader.again()
        self.look()

    def _answer(self, key: str) -> None:
        deed = self.question
        if deed is None:
            return
        if key == "c":
            self._copy("; ".join(deed.commands))
        elif key == "y" and not deed.typed:
            self._do(deed)
        elif key in ("n", "escape", "q"):
            self.question, self.message = None, "nothing was done"
            self.close_line()
        self.look()

    def typed(self, what: str, text: str) -> None:
        """A number that was to be typed, beside what else is."""
        deed = self.question
        if what != "number":
            super().typed(what, text)
        elif deed is not None and text.replace(",", "") == deed.typed:
            self._do(deed)
        else:
            self.question, self.message = None, "nothing was done: that was another number"
        self.look()

    def close_line(self) -> None:
        """A question that wanted a number goes with its line."""
        super().close_line()
        if self.typed_for == "number" and self.question is not None:
            self.question, self.message = None, "nothing was done"

    def _do(self, deed: Deed) -> None:
        self.question = None
        task = functools.partial(kept, self.fleet, deed, self.doer.step)
        self.doer.start(deed.question.rstrip("?"), task, self._tell)

    def do_mark(self) -> None:
        """Mark the row, or no more."""
        self.body.mark()

    def do_all(self) -> None:
        """Mean all that the filter means; in other views, mark all rows."""
        row = next(iter(self.body.page.rows), None)
        if row is not None and (act_for(row.kind, "D") or act_for(row.kind, "K")) and row.jid:
            self.everything = not self.everything and self.path.here.view != "queue"
        else:
            self.body.mark_all()

    def do_stop(self) -> None:
        """Stop what is under way."""
        self.doer.stop()

    def do_undo(self) -> None:
        """Ask before the newest act is undone; ``:undo`` shows all."""
        self.message = self._refusal(None, "undo")
        if not self.message:
            task = functools.partial(latest, self.fleet)
            self.doer.start("looking before undo", task, self._tell)

    def do_copy(self) -> None:
        """Copy the command that shows what the row shows."""
        row = self.body.current
        self._copy(shown_by(self.path.here, row))

    def _copy(self, text: str) -> None:
        if text:
            self.copy_to_clipboard(text)
            self.message = f"copied: {text}"
        else:
            self.message = "no command does that"
