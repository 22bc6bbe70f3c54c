"""Mail that a job sends: ``EMAIL_BACKEND = "kiq.contrib.django.mail.EmailBackend"``.

From Django 6.1 on it is the ``BACKEND`` of one of ``MAILERS``, and its ``OPTIONS`` name another that sends.
A message travels by value, whole: what can't be carried is refused where it is sent from. Each message is
a job of its own, so that one that fails repeats no other.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage as Headers
from typing import Any

from django.conf import settings
from django.core import mail
from django.core.mail import DNS_NAME, EmailMessage, EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from ... import function_job
from ...errors import ConfigError
from ..mail.refusals import refusals_are_final
from .mailers import BACKEND

_SMTP = "django.core.mail.backends.smtp.EmailBackend"
_LISTS = ("to", "cc", "bcc", "reply_to")
_KINDS = {each.__name__: each for each in (EmailMessage, EmailMultiAlternatives)}
_ATTRIBUTES = vars(EmailMultiAlternatives(from_email="a@example.org"))
_KNOWN = {*_ATTRIBUTES, "content_subtype", "encoding"}  # these two the class has


class EmailBackend(BaseEmailBackend):  # type: ignore[misc]
    """Pushes a job for each message, by which *mailer* sends it: a name of ``MAILERS``.

    Without these ``KIQ["email_backend"]`` names the backend (by default SMTP).
    """

    def __init__(
        self,
        username: Any = None,
        password: Any = None,
        *,
        fail_silently: bool = False,
        mailer: str = "",
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.fail_silently = fail_silently
        self._mailer = mailer
        if username is not None or password is not None:
            raise ValueError(
                "mail that a job sends can't have a user of its own, whose password would lie in Redis: "
                "EMAIL_HOST_USER and EMAIL_HOST_PASSWORD are what counts where it is sent"
            )

    def send_messages(self, email_messages: Sequence[Any]) -> int:
        """Push them; return how many. Raises TypeError for one that can't be carried, and StoreError.

        One round trip for all, or the end of the transaction where pushes wait for that.
        """
        carried = [value_of(each) for each in email_messages if each.recipients()]
        try:
            deliver.perform_bulk([(each, self._mailer) for each in carried])
        except Exception:
            if not self.fail_silently:
                raise
            return 0
        return len(carried)


@function_job.job
def deliver(message: dict[str, Any], mailer: str = "") -> None:
    """Send one message. What the server refuses for good is dead at once; all else is tried again."""
    with refusals_are_final():
        _sender(mailer).send_messages([message_of(message)])


def _sender(mailer: str) -> Any:
    """Return what sends. Raises ConfigError where that would be a job again."""
    if not hasattr(settings, "MAILERS"):
        backend = getattr(settings, "KIQ", {}).get("email_backend", _SMTP)
        return get_connection(backend)
    found = mail.mailers[mailer] if mailer else None
    if found is None or isinstance(found, EmailBackend):
        raise ConfigError(
            f"the mailer with the BACKEND {BACKEND} does not say which one sends: name another one of"
            ' MAILERS in its OPTIONS, {"mailer": "smtp"}'
        )
    return found


def value_of(message: Any) -> dict[str, Any]:
    """Return *message* as a job carries it. Raises TypeError for what would not arrive as it is."""
    kind = type(message).__name__
    if _KINDS.get(kind) is not type(message):
        raise TypeError(
            f"a job carries an EmailMessage or an EmailMultiAlternatives, not a {kind}: send it in a job "
            "of yours, that makes it"
        )
    more = sorted(set(vars(message)) - _KNOWN)
    if more:
        raise TypeError(
            f"a job does not carry {', '.join(more)} of a message: send it in a job of yours"
        )
    if message.encoding is not None and not isinstance(message.encoding, str):
        raise TypeError("a job carries the encoding of a message as a str, not as a Charset")
    # What is sent twice, after a crash, can be told by its id.
    headers = {"Message-ID": mail.make_msgid(domain=str(DNS_NAME)), "Date": _now()}
    theirs = {str(name): str(value) for name, value in message.extra_headers.items()}
    given = {name.lower() for name in theirs}
    ours = {name: it for name, it in headers.items() if name.lower() not in given}
    return {
        "kind": kind,
        **{name: str(getattr(message, name)) for name in ("subject", "body", "from_email")},
        **{name: [str(each) for each in getattr(message, name)] for name in _LISTS},
        "headers": {**theirs, **ours},
        "encoding": message.encoding,
        "content_subtype": str(message.content_subtype),
        "attachments": [_attachment(each) for each in message.attachments],
        "alternatives": [
            [*_packed(content), mimetype]
            for content, mimetype in getattr(message, "alternatives", None) or ()
        ],
    }


def _now() -> str:
    """Return this moment as a header says it."""
    headers = Headers()
    headers["Date"] = datetime.now().astimezone()
    return str(headers["Date"])


def message_of(value: dict[str, Any]) -> Any:
    """Return the message that *value* was made of."""
    named = {name: value[name] for name in ("subject", "body", "from_email", "headers", *_LISTS)}
    message = _KINDS[value["kind"]](**named)
    message.encoding = value["encoding"]
    message.content_subtype = value["content_subtype"]
    for name, content, binary, mimetype in value["attachments"]:
        message.attach(name, _unpacked(content, binary), mimetype)
    for content, binary, mimetype in value["alternatives"]:
        message.attach_alternative(_unpacked(content, binary), mimetype)
    return message


def _attachment(found: Any) -> list[Any]:
    if not isinstance(found, tuple):
        raise TypeError(
            f"a job carries attachments as (name, content, type), not as a {type(found).__name__}: "
            "send the message in a job of yours, that makes it"
        )
    name, content, mimetype = found
    return [name, *_packed(content), mimetype]


def _packed(content: Any) -> tuple[str, bool]:
    if isinstance(content, bytes):
        return base64.b64encode(content).decode(), True
    if isinstance(content, EmailMessage):
        raise TypeError("a job carries no message that is attached to another: attach its bytes")
    return str(content), False


def _unpacked(content: str, binary: bool) -> str | bytes:
    return base64.b64decode(content) if binary else content
