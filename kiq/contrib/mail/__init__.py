"""Mail of :mod:`email.message`, sent by jobs: by value or by reference. See docs/mail.md."""

from __future__ import annotations

from .jobs import deliver, deliver_later, message_of, value_of
from .mailer import Mailer, mailer
from .refusals import refusals_are_final
from .sending import send, use

__all__ = [
    "Mailer",
    "deliver",
    "deliver_later",
    "mailer",
    "message_of",
    "refusals_are_final",
    "send",
    "use",
    "value_of",
]
