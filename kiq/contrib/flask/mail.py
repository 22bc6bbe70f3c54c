"""Messages of Flask-Mail that jobs send: whole, or refused where they are pushed."""

from __future__ import annotations

import base64
import time
from typing import Any

from flask import current_app

from ... import function_job
from ...errors import ConfigError
from ..mail.refusals import refusals_are_final

try:
    from flask_mail import Attachment, Message
except ModuleNotFoundError as error:
    if error.name != "flask_mail":
        raise
    raise ConfigError("kiq.contrib.flask.mail needs Flask-Mail: pip install Flask-Mail") from error

_PLAIN = ("subject", "body", "date", "msgId", "charset")
_MAPPINGS = ("alts", "extra_headers")
_OPTIONS = ("mail_options", "rcpt_options")
_ADDRESSES = ("recipients", "cc", "bcc")
_ONE = ("sender", "reply_to")
_KNOWN = {*_PLAIN, *_MAPPINGS, *_OPTIONS, *_ADDRESSES, *_ONE, "attachments"}


@function_job.job
def deliver(message: dict[str, Any]) -> None:
    """Send one message by the Flask-Mail of the application.

    What the server refuses for good is dead at once; all else is tried again.
    """
    with refusals_are_final(), current_app.extensions["mail"].connect() as connection:
        connection.send(message_of(message))


def deliver_later(message: Message, *, queue: str | None = None) -> str | None:
    """Push a job that sends *message*; return its jid. One round trip.

    What is sent twice, after a crash, has one ``Message-ID`` and one ``Date``. Raises TypeError for what
    would not arrive as it is, ValueError where nobody would get it, and StoreError.
    """
    value = value_of(message)
    return (deliver.set(queue=queue) if queue is not None else deliver).perform_async(value)


def value_of(message: Message) -> dict[str, Any]:
    """Return *message* as a job carries it. Raises TypeError, ValueError."""
    if type(message) is not Message:
        raise TypeError(
            f"a job carries a Message of Flask-Mail, not a {type(message).__name__}: send it in a job of"
            " yours, that makes it"
        )
    more = sorted(set(vars(message)) - _KNOWN)
    if more:
        raise TypeError(f"a job does not carry {', '.join(more)} of a message")
    if not message.send_to or not message.sender:
        raise ValueError("the message has no recipients, or no sender")
    if message.date is None:
        message.date = time.time()
    return {
        **{name: getattr(message, name) for name in _PLAIN},
        **{name: dict(getattr(message, name) or {}) for name in _MAPPINGS},
        **{name: list(getattr(message, name)) for name in _OPTIONS},
        **{name: [_carried(each) for each in getattr(message, name)] for name in _ADDRESSES},
        **{name: _carried(getattr(message, name)) for name in _ONE},
        "attachments": [_attachment(each) for each in message.attachments],
    }


def message_of(value: dict[str, Any]) -> Message:
    """Return the message that *value* was made of; within a context of the application."""
    message = Message(sender=_address(value["sender"]))
    for name in (*_PLAIN, *_MAPPINGS, *_OPTIONS):
        setattr(message, name, value[name])
    for name in _ADDRESSES:
        setattr(message, name, [_address(each) for each in value[name]])
    message.reply_to = _address(value["reply_to"])
    for filename, content_type, data, binary, disposition, headers in value["attachments"]:
        content = base64.b64decode(data) if binary else data
        message.attach(filename, content_type, content, disposition, headers)
    return message


def _attachment(found: Attachment) -> list[Any]:
    data, binary = found.data, isinstance(found.data, bytes)
    carried = base64.b64encode(data).decode() if isinstance(data, bytes) else data
    return [
        *(found.filename, found.content_type, carried, binary, found.disposition),
        dict(found.headers),
    ]


def _carried(address: Any) -> Any:
    return list(address) if isinstance(address, tuple) else address


def _address(carried: Any) -> Any:
    return tuple(carried) if isinstance(carried, list) else carried
