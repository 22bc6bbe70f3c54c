"""Messages of Flask-Mail that jobs send: whole, or refused where they are pushed."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes, policy
from typing import Any

import flask
import pytest
import redis
from flask_mail import Mail, Message

import kiq
from kiq.contrib.flask import Kiq
from kiq.contrib.flask.mail import deliver, deliver_later, message_of, value_of
from tests.helpers.smtp import Postbox, mail_server
from tests.helpers.stored import in_queue

pytestmark = pytest.mark.needs("flask", "flask_mail")


@pytest.fixture(scope="module")
def server() -> Iterator[Postbox]:
    with mail_server() as box:
        yield box


@pytest.fixture
def box(server: Postbox, fake: redis.Redis) -> Iterator[Postbox]:
    server.got.clear()
    server.refuses.clear()
    app = flask.Flask(__name__)
    app.config["MAIL_PORT"] = int(server.url.rpartition(":")[2])
    app.config["MAIL_SERVER"] = "127.0.0.1"
    Mail(app)
    Kiq(app)
    with app.app_context():
        yield server


def whole() -> Message:
    message = Message(
        "Größe",
        ["b@x.org", ("Cem", "c@x.org")],
        body="täxt",
        html="<b>é</b>",
        sender=("Ann", "a@x.org"),
        cc=["d@x.org"],
        bcc=["s@x.org"],
        reply_to="r@x.org",
        extra_headers={"X-Mine": "1"},
    )
    message.attach("a.bin", "application/octet-stream", bytes(range(256)))
    message.attach("é.txt", "text/plain", "text", "inline", {"Content-ID": "<1>"})
    return message


def parts(raw: bytes) -> list[Any]:
    found = message_from_bytes(raw, policy=policy.default)
    return [
        (
            part.get_content_type(),
            part.get_filename(),
            part.get_payload(decode=True),
            part["Content-ID"],
        )
        for part in found.walk()
    ]


def test_a_message_arrives_whole_under_one_id(box: Postbox, fake: redis.Redis) -> None:
    message = whole()
    assert deliver_later(message)
    for each in in_queue(fake) * 2:  # as after a crash
        deliver(*each["args"])
    (sender, to, raw), (_, _, again) = box.got
    assert sender == "a@x.org"
    assert sorted(to) == ["b@x.org", "c@x.org", "d@x.org", "s@x.org"]
    assert parts(raw) == parts(message.as_bytes())
    came, second = message_from_bytes(raw), message_from_bytes(again)
    for name in ("Message-ID", "Date", "Subject", "From", "Cc", "Reply-To", "X-Mine"):
        assert came[name] == second[name] == str(message_from_bytes(message.as_bytes())[name])
    assert came["Bcc"] is None


def test_what_is_refused_for_good_is_dead_at_once(box: Postbox) -> None:
    box.refuses["RCPT"] = "550 nobody"
    with pytest.raises(kiq.Kill, match="refuses its recipients"):
        deliver(value_of(whole()))


def test_it_goes_by_the_flask_mail_of_the_application(box: Postbox) -> None:
    flask.current_app.extensions["mail"].suppress = True
    with flask.current_app.extensions["mail"].record_messages() as outbox:
        deliver(value_of(whole()))
    assert box.got == []
    assert outbox[0].recipients == ["b@x.org", ("Cem", "c@x.org")]


class Other(Message):
    """One with whatever else."""


def own_attribute() -> Message:
    message = whole()
    message.tag = "x"  # type: ignore[attr-defined]
    return message


def nobodys() -> Message:
    return Message("s", sender="a@x.org")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Other("s", ["b@x.org"], sender="a@x.org"), "not a Other"),
        (own_attribute, "does not carry tag"),
        (nobodys, "no recipients"),
    ],
)
def test_what_would_not_arrive_as_it_is_is_refused(box: Postbox, make: Any, words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        deliver_later(make())


def test_the_message_is_what_it_was(box: Postbox) -> None:
    message, came = whole(), message_of(value_of(whole()))
    for name in ("subject", "recipients", "cc", "bcc", "sender", "reply_to", "body", "html"):
        assert getattr(came, name) == getattr(message, name)
