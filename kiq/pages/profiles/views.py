"""What the pages of profiles show, and what their button does."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass

from werkzeug.exceptions import NotFound

from ...api import Profile, ProfileSet
from ...errors import UndecodablePayload
from ...web import Call, Data, Done, Page
from ...wording import visible
from .flames import Flames, flames_of

_MOST = 100
#: Bytes, compressed, of a document that is sent: it is some thirty times as large then.
_LARGEST = 2_000_000
_ROW = 18  # height of a row of boxes, pixels
_WIDTH = 1000  # of the graph, whatever the page has


@dataclass(frozen=True, slots=True)
class Line:
    """A profile of the list; *began*: epoch seconds."""

    profile: Profile
    began: float


def overview(call: Call) -> Page:
    """Show the profiles that are kept, the newest first; read once a second."""
    found = call.fleet.look("profiles", functools.partial(_read, call))
    return Page("profiles/list.html", {"title": "Profiles", "lines": found})


def _read(call: Call) -> list[Line]:
    return [Line(each, _began(each)) for each in itertools.islice(ProfileSet(call.home), _MOST)]


def _began(profile: Profile) -> float:
    try:
        return profile.started_at.timestamp()
    except (OverflowError, ValueError):
        return 0.0  # anybody may have written it


def one(call: Call) -> Page:
    """Show one as a flame graph, and which functions took most."""
    profile = _found(call)
    flames, problem = _flames(profile)
    values = {
        "title": "Profiles",
        "profile": profile,
        "began": _began(profile),
        "flames": flames,
        "problem": problem,
        "row": _ROW,
        "width": _WIDTH,
        "sent": profile.size <= _LARGEST,
        "python": f"kiq.api.ProfileSet().find({profile.key!r}).data()",
    }
    return Page("profiles/one.html", values)


def document(call: Call) -> Data:
    """Return the document, for a viewer of one's own."""
    profile = _found(call)
    if profile.size > _LARGEST:
        raise NotFound(f"it is larger than {_LARGEST:,} bytes: take it with kiq.api.ProfileSet")
    try:
        return Data(profile.document())
    except UndecodablePayload as error:
        raise NotFound(str(error)) from error


def delete(call: Call) -> Done:
    """Delete one."""
    key = call.said("key")
    found = ProfileSet(call.home).find(key)
    done = found is not None and found.delete()
    words = (
        "deleted the profile {key}" if done else "failed: the profile {key} is not there any more"
    )
    return Done(call.locale.text(words, key=visible(key)), "profiles")


def _found(call: Call) -> Profile:
    found = ProfileSet(call.home).find(call.said("key"))
    if found is None:
        raise NotFound("there is no such profile, or its day is over")
    return found


def _flames(profile: Profile) -> tuple[Flames | None, str]:
    try:
        return flames_of(profile.document() or {}), ""
    except (UndecodablePayload, ValueError) as error:
        return None, str(error)
