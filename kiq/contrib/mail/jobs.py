"""The job that sends one message, which travels by value: all of it, attachments too."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

from ... import function_job
from .refusals import refusals_are_final
from .sending import send
from .stamping import stamp

_WHOLE = policy.SMTP.clone(refold_source="none")  # what was signed stays as it is


@function_job.job
def deliver(message: str) -> None:
    """Send one message. What the server refuses for good is dead at once; all else is tried again."""
    with refusals_are_final():
        send(message_of(message))


def deliver_later(
    message: EmailMessage,
    *,
    at: datetime | float | None = None,
    after: timedelta | float | None = None,
    queue: str | None = None,
) -> str | None:
    """Push a job that sends *message*, at a time or after a while if one is said; return its jid.

    It gets a ``Message-ID`` and a ``Date`` where it has none: what is sent twice, after a crash, can be
    told by its id. One round trip, or the end of the transaction where pushes wait for that. Raises
    TypeError for what is no EmailMessage, ValueError for one without recipients, and StoreError.
    """
    value = value_of(message)
    push = deliver.set(queue=queue) if queue is not None else deliver
    if at is not None:
        return push.perform_at(at, value)
    if after is not None:
        return push.perform_in(after, value)
    return push.perform_async(value)


def value_of(message: EmailMessage) -> str:
    """Return *message* as a job carries it: its bytes, in base64. Raises TypeError, ValueError."""
    if not isinstance(message, EmailMessage):
        raise TypeError(
            f"mail is an email.message.EmailMessage, not a {type(message).__name__}: MIMEMultipart and the"
            " like are of an older interface"
        )
    if not any(message.get_all(name) for name in ("To", "Cc", "Bcc")):
        raise ValueError("the message has no To, Cc or Bcc: nobody would get it")
    if message["From"] is None and message["Sender"] is None:
        raise ValueError("the message has no From")
    return base64.b64encode(stamp(message).as_bytes(policy=_WHOLE)).decode()


def message_of(value: str) -> EmailMessage:
    """Return the message that *value* was made of."""
    return message_from_bytes(base64.b64decode(value), EmailMessage, policy=_WHOLE)
