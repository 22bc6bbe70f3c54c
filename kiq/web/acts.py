"""What visitors do: checked, noted, done once, and told on the page that follows."""

from __future__ import annotations

import secrets

from werkzeug.wrappers import Response

from ..api import act_of, undoable
from . import keys
from .activity import Activity
from .answers import Data, Done
from .calls import Call
from .forms import FIELD, Forms
from .routing import View

ONCE = "once"
TOLD = "told"  # names, in the URL of the page that follows, the entry of the log to show
_USED = 600  # seconds that a form is remembered for
_NOT_NOTED = {ONCE, FIELD, "fleet"}


def new_form() -> str:
    """Return the key of a form: it is used once."""
    return secrets.token_hex(8)


class Acts:
    """Answers every POST."""

    def __init__(self, forms: Forms) -> None:
        self._forms = forms

    def answer(self, call: Call, view: View) -> Response:
        """Do by *view* what the form says, and lead to a page. Three round trips besides the act's own.

        Raises Forbidden for a foreign form, StoreError where Redis refuses: then, before the act, nothing
        was done.
        """
        self._forms.check(call.request)
        once = call.said(ONCE)
        if once and not self._is_first(call, once):
            return _follow(call, Done("", _back(call)), once)
        done, key = self._done(call, view, once)
        return _follow(call, done, key)

    def answer_program(self, call: Call, view: View) -> Data:
        """Do by *view* what a program sent as JSON, and return what came of it, as that."""
        once = call.said(ONCE)
        if once and not self._is_first(call, once):
            return Data({"ok": True, "outcome": "done before", "to": "activity", "query": {}})
        done, _ = self._done(call, view, once)
        ok = not done.outcome.startswith("failed")
        outcome = {"ok": ok, "outcome": done.outcome, "to": done.to, "query": dict(done.query)}
        return Data(outcome)

    def _done(self, call: Call, view: View, once: str) -> tuple[Done, str]:
        log = Activity(call.home)
        what = {name: call.said(name) for name in call.fields if name not in _NOT_NOTED}
        entry = log.begin(call.visitor.name, call.route, what, key=once)
        try:
            with undoable(call.visitor.name, call.route, client=call.home, act=act_of(entry.key)):
                done = view(call)
        except Exception as error:
            log.end(entry, f"failed: {error}")
            raise
        if not isinstance(done, Done):
            raise TypeError(f"{call.route} is an act, and must return Done")
        if not done.noted:
            log.end(entry, done.outcome)
        call.fleet.forget()
        return done, entry.key

    def _is_first(self, call: Call, once: str) -> bool:
        mark = ("SET", keys.once(once[:64]), "1", "NX", "EX", _USED)
        return call.home.call(mark) is not None


def _back(call: Call) -> str:
    """Return the name of the page that a form says it was on; the first page for none of ours."""
    name = call.said("back")
    try:
        call.url(name)
    except KeyError:
        return "now"
    return name


def _follow(call: Call, done: Done, key: str) -> Response:
    """Lead to a page of our own by 303, so that loading it again repeats nothing."""
    place = call.url(done.to, **done.query, **{TOLD: key})
    return Response(status=303, headers={"Location": place})
