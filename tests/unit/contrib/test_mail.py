"""Mail of the standard library that jobs send: whole, once for each message, or dead at once."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from email.mime.text import MIMEText
from pathlib import Path
from typing import Any

import pytest
import redis

import kiq
from kiq import testing
from kiq.codec import encode
from kiq.config import Config
from kiq.contrib import mail
from kiq.contrib.mail import sending
from kiq.registry import registry
from kiq.verdict import DONE, Flight, Permit, Taken
from kiq.work.executor import Executor
from tests.helpers.smtp import Postbox, mail_server
from tests.helpers.stored import in_queue


@pytest.fixture(scope="module")
def server() -> Iterator[Postbox]:
    with mail_server() as box:
        yield box


@pytest.fixture
def box(server: Postbox, monkeypatch: pytest.MonkeyPatch) -> Postbox:
    server.got.clear()
    server.refuses.clear()
    monkeypatch.setattr(sending, "_used", [])
    monkeypatch.setenv("MAIL_URL", server.url)
    return server


def whole() -> EmailMessage:
    message = EmailMessage()
    message["Subject"], message["From"] = "Größe", "Ann <a@x.org>"
    message["To"], message["Cc"], message["Bcc"] = "b@x.org", "c@x.org", "s@x.org"
    message["X-Mine"] = "1 " * 60
    message.set_content("täxt\n.\n.. a line\n")
    message.add_alternative("<b>é</b> <img src='cid:1'>", subtype="html")
    html: Any = message.get_payload()
    html[1].add_related(b"\x89PNG", "image", "png", cid="<1>")
    message.add_attachment(bytes(range(256)), "application", "octet-stream", filename="é.bin")
    return message


def parts(message: Message) -> list[Any]:
    return [
        (part.get_content_type(), part.get_filename(), part.get_payload(decode=True))
        for part in message.walk()
    ]


def run_all(fake: redis.Redis) -> None:
    for each in in_queue(fake):
        mail.deliver(*each["args"])


def test_a_message_arrives_whole_and_without_its_bcc(fake: redis.Redis, box: Postbox) -> None:
    message = whole()
    assert mail.deliver_later(message)
    run_all(fake)
    run_all(fake)  # as after a crash
    (sender, to, raw), again = box.got
    came = message_from_bytes(raw, policy=policy.default)
    assert (sender, sorted(to)) == ("a@x.org", ["b@x.org", "c@x.org", "s@x.org"])
    assert [
        (kind, name, body and body.replace(b"\r\n", b"\n")) for kind, name, body in parts(came)
    ] == [
        (kind, name, body and body.replace(b"\r\n", b"\n")) for kind, name, body in parts(message)
    ]
    assert came["Bcc"] is None
    assert came["Subject"] == "Größe"
    assert came["X-Mine"] == message["X-Mine"]
    assert came["Message-ID"]
    assert came["Date"]
    assert message_from_bytes(again[2], policy=policy.default)["Message-ID"] == came["Message-ID"]


def test_later_and_elsewhere(fake: redis.Redis) -> None:
    assert mail.deliver_later(whole(), after=60)
    assert mail.deliver_later(whole(), at=4_000_000_000.0)
    assert fake.zcard("schedule") == 2
    mail.deliver_later(whole(), queue="mailers")
    assert len(in_queue(fake, "mailers")) == 1


@mail.mailer(queue="mailers")
def welcome(user: int) -> EmailMessage:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = f"Hello {user}", "a@x.org", "b@x.org"
    message.set_content("welcome")
    return message


def test_by_reference_the_message_is_made_where_it_is_sent(box: Postbox) -> None:
    with testing.scoped("fake"):
        assert welcome.deliver_later(7)
        assert box.got == []
        (job,) = testing.jobs()
        assert (job.queue, job.args) == ("mailers", [7])
        testing.drain()
    assert b"Subject: Hello 7" in box.got[0][2]
    assert welcome(8)["Subject"] == "Hello 8"
    assert len(box.got) == 1
    welcome.deliver_now(9)
    assert len(box.got) == 2


def test_each_attempt_by_reference_has_the_id_of_the_job(box: Postbox) -> None:
    payload = {"class": welcome.job._kiq_spec.name, "args": [7], "jid": "ab12", "queue": "mailers"}
    for _ in range(2):
        taken = Taken("1", Flight("o", "queue:mailers", Permit()), encode(payload, "msgpack"), 0.0)
        assert Executor(Config(), kiq.Host(), registry)(taken) == DONE
    came = [message_from_bytes(raw) for _, _, raw in box.got]
    assert [each["Message-ID"] for each in came] == ["<ab12.kiq@x.org>"] * 2
    assert came[0]["Date"]
    welcome.deliver_now(7)
    assert message_from_bytes(box.got[-1][2])["Message-ID"] != "<ab12.kiq@x.org>"


@pytest.mark.parametrize(
    ("word", "answer", "error"),
    [
        ("RCPT", "550 no such user", kiq.Kill),
        ("RCPT", "451 later", None),
        ("DATA", "554 spam", kiq.Kill),
        ("DATA", "452 full", None),
        ("MAIL", "501 who", kiq.Kill),
    ],
)
def test_what_is_refused_for_good_is_dead_at_once(
    box: Postbox, word: str, answer: str, error: type[Exception] | None
) -> None:
    box.refuses[word] = answer
    with pytest.raises(error or OSError) as raised:
        welcome.deliver_now(1)
    assert isinstance(raised.value, kiq.Kill) is (error is kiq.Kill)


def test_a_folder_for_development(box: Postbox, tmp_path: Path) -> None:
    mail.use(f"file://{tmp_path}/out")
    mail.send(whole())
    (path,) = (tmp_path / "out").iterdir()
    assert path.suffix == ".eml"
    assert b"a@x.org" in path.read_bytes()


def test_a_function_of_ones_own(box: Postbox) -> None:
    sent: list[EmailMessage] = []
    mail.use(sent.append)
    welcome.deliver_now(1)
    assert sent[0]["Subject"] == "Hello 1"


@pytest.mark.parametrize("url", ["", "smtp://", "http://host", "smtp://host:x", "host:25"])
def test_what_is_no_address_is_refused(box: Postbox, url: str) -> None:
    with pytest.raises(kiq.ConfigError, match="MAIL_URL is no address"):
        mail.use(url)


def test_without_a_word_about_how_it_says_what_to_set(
    box: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MAIL_URL")
    with pytest.raises(kiq.ConfigError, match="set MAIL_URL"):
        mail.send(whole())


def nobody() -> EmailMessage:
    message = EmailMessage()
    message["From"] = "a@x.org"
    return message


def from_nobody() -> EmailMessage:
    message = EmailMessage()
    message["To"] = "a@x.org"
    return message


@pytest.mark.parametrize(
    ("make", "words"),
    [(nobody, "nobody would get it"), (from_nobody, "no From"), (lambda: MIMEText("x"), "older")],
)
def test_what_could_not_be_sent_is_refused_where_it_is_pushed(
    fake: redis.Redis, make: Any, words: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        mail.deliver_later(make())
