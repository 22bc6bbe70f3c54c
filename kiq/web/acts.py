"""What visitors do: checked, noted, done once, and told on the page that follows."""

from __future__ import annotations

import secrets

from werkzeug.wrappers import Response

from . import keys
from .activity import Activity
from .answers import Done
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
        log = Activity(call.home)
        once = call.said(ONCE)
        if once and not self._is_first(call, once):
            return _follow(call, Done("", call.said("back") or "now"), once)
        what = {name: call.said(name) for name in call.request.form if name not in _NOT_NOTED}
        entry = log.begin(call.visitor.name, call.route, what, key=once)
        try:
            done = view(call)
        except Exception as error:
            log.end(entry, f"failed: {error}")
            raise
        if not isinstance(done, Done):
            raise TypeError(f"{call.route} is an act, and must return Done")
        log.end(entry, done.outcome)
        call.fleet.forget()
        return _follow(call, done, entry.key)

    def _is_first(self, call: Call, once: str) -> bool:
        mark = ("SET", keys.once(once[:64]), "1", "NX", "EX", _USED)
        return call.home.call(mark) is not None


def _follow(call: Call, done: Done, key: str) -> Response:
    """Lead to a page of our own by 303, so that loading it again repeats nothing."""
    place = call.url(done.to, **done.query, **{TOLD: key})
    return Response(status=303, headers={"Location": place})
