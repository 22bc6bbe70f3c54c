"""Mail of Django that a job sends: whole, or refused."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from email.mime.base import MIMEBase
from typing import Any

import pytest
import redis
from django.core import mail
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.test.utils import override_settings

import kiq
from kiq.contrib.django.mail import EmailBackend, deliver, message_of, value_of
from kiq.contrib.django.mailers import BACKEND, pushes_mail
from tests.helpers import django_project  # noqa: F401 (sets Django up before it is used)
from tests.helpers.stored import in_queue

pytestmark = pytest.mark.needs("django")
LOCMEM = "django.core.mail.backends.locmem.EmailBackend"
#: How a project says that jobs send its mail: Django 6.1 has a new way, and warns of the old one.
SETTINGS: dict[str, Any] = (
    {
        "MAILERS": {
            "default": {"BACKEND": BACKEND, "OPTIONS": {"mailer": "inner"}},
            "inner": {"BACKEND": LOCMEM},
        }
    }
    if hasattr(mail, "mailers")
    else {"EMAIL_BACKEND": BACKEND, "KIQ": {"email_backend": LOCMEM}}
)
STABLE = {"Message-ID": "<1@here>", "Date": "Tue, 01 Dec 2026 10:00:00 +0000"}


@pytest.fixture(autouse=True)
def outbox() -> Iterator[None]:
    mail.outbox = []
    with override_settings(**SETTINGS):
        yield
    del mail.outbox


def backend() -> EmailBackend:
    """As a project has it."""
    return mail.mailers.default if hasattr(mail, "mailers") else mail.get_connection()


def whole() -> EmailMultiAlternatives:
    message = EmailMultiAlternatives(
        "Größe", "text é", "a@x.org", ["b@x.org"], headers={"X-Mine": "1", **STABLE}
    )
    message.bcc = ["s@x.org"]
    message.cc, message.reply_to = ["c@x.org"], ["r@x.org"]
    message.attach_alternative("<b>é</b>", "text/html")
    message.attach("a.bin", bytes(range(256)), "application/octet-stream")
    message.attach("a.txt", "täxt", "text/plain")
    return message


def html() -> EmailMessage:
    message = EmailMessage("s", "<b>x</b>", "a@x.org", ["b@x.org"], headers=dict(STABLE))
    message.content_subtype = "html"
    message.encoding = "iso-8859-1"
    return message


@pytest.mark.parametrize("make", [whole, html])
def test_a_message_arrives_as_it_was(make: Any) -> None:
    message, came = make(), message_of(value_of(make()))
    assert came.recipients() == message.recipients()

    def parts(each: Any) -> list[Any]:
        found = each.message().walk()
        return [
            (part.get_content_type(), part.get_filename(), part.get_payload(decode=True))
            for part in found
        ]

    def headers(each: Any) -> list[Any]:
        return [(n, str(v)) for n, v in each.message().items() if n != "Content-Type"]

    assert parts(came) == parts(message)
    assert sorted(headers(came)) == sorted(headers(message))


def test_each_message_is_a_job(fake: redis.Redis) -> None:
    assert pushes_mail()
    two = [EmailMessage("s", "b", "a@x.org", [f"{name}@x.org"]) for name in "bc"]
    nobodys = EmailMessage("s", "b", "a@x.org", [])
    assert backend().send_messages([*two, nobodys]) == 2
    payloads = in_queue(fake)
    assert [each["class"] for each in payloads] == ["kiq.contrib.django.mail.deliver"] * 2
    for each in payloads:
        deliver(*each["args"])
        deliver(*each["args"])
    ids = [each.message()["Message-ID"] for each in mail.outbox]
    assert len(ids) == 4
    assert len(set(ids)) == 2


def own_attribute() -> EmailMessage:
    message = html()
    message.tags = ["welcome"]
    return message


def own_part() -> EmailMessage:
    message = html()
    message.attachments.append(MIMEBase("image", "png"))
    return message


class Other(EmailMessage):  # type: ignore[misc]
    """One with whatever else."""


@pytest.mark.parametrize("make", [own_attribute, own_part, lambda: Other("s", "b", to=["b@x.org"])])
def test_what_can_not_be_carried_whole_is_refused(make: Any) -> None:
    with pytest.raises(TypeError, match="job of yours"):
        EmailBackend(fail_silently=True).send_messages([make()])


def test_a_password_does_not_travel() -> None:
    with pytest.raises(ValueError, match="EMAIL_HOST_PASSWORD"):
        EmailBackend(username="u", password="p")


@pytest.mark.parametrize(
    ("error", "kills"),
    [
        (smtplib.SMTPRecipientsRefused({"b": (550, b"no")}), True),
        (smtplib.SMTPRecipientsRefused({"b": (550, b"no"), "c": (450, b"later")}), False),
        (smtplib.SMTPDataError(554, b"spam"), True),
        (smtplib.SMTPDataError(451, b"later"), False),
        (smtplib.SMTPAuthenticationError(535, b"who"), False),
        (TimeoutError(), False),
    ],
)
def test_what_a_server_refuses_for_good_is_not_tried_again(
    monkeypatch: pytest.MonkeyPatch, error: Exception, kills: bool
) -> None:
    def refuse(*_: Any) -> None:
        raise error

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", refuse)
    with pytest.raises(kiq.Kill if kills else type(error)):
        deliver(value_of(html()), "inner")


@pytest.mark.skipif(not hasattr(mail, "mailers"), reason="of Django 6.1 and later")
@pytest.mark.parametrize("mailer", ["", "default"])
def test_a_mailer_that_would_push_again_is_refused(mailer: str) -> None:
    with pytest.raises(kiq.ConfigError, match="does not say which one sends"):
        deliver(value_of(html()), mailer)
