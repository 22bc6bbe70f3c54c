"""What programs send: acts as JSON, instead of a form."""

from __future__ import annotations

from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest, Forbidden, UnsupportedMediaType
from werkzeug.wrappers import Request

_MOST = 100  # fields, and values of one


def fields_of(request: Request) -> MultiDict[str, str]:
    """Return the fields of a JSON object: texts, numbers, booleans, or lists of such.

    A page of another site can't send this type without asking first, which nobody answers; and where a
    browser says where a request comes from, it must be here. Raises Forbidden, UnsupportedMediaType,
    BadRequest.
    """
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("an act is sent as application/json: {} where it takes nothing")
    if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        raise Forbidden("this was sent from a page of another site")
    sent = request.get_json()
    if not isinstance(sent, dict) or len(sent) > _MOST:
        raise BadRequest("an act takes one JSON object, of at most 100 fields")
    fields: MultiDict[str, str] = MultiDict()
    for name, value in sent.items():
        for each in value[:_MOST] if isinstance(value, list) else [value]:
            fields.add(name, _text(name, each))
    return fields


def _text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise BadRequest(f"{name[:60]!r} is neither a text nor a number, nor a list of such")
