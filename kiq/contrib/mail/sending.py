"""Where mail is sent by: a server, or a folder for development and tests."""

from __future__ import annotations

import os
import smtplib
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit
from uuid import uuid4

from ...errors import ConfigError

Sender = Callable[[EmailMessage], object]
_VARIABLE = "MAIL_URL"
_FORMS = (
    "smtp://host:25, smtp+starttls://user:password@host:587, smtps://user:password@host:465, or"
    " file:///folder"
)
_TIMEOUT = 30.0  # seconds for each step of a server
_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_used: list[Sender] = []


def use(by: str | Sender) -> None:
    """Send mail *by* a URL, or by a function of yours that gets each message; before any is sent.

    ``smtp://``, ``smtp+starttls://`` and ``smtps://`` are servers, ``file:///folder`` writes a file
    for each message. Without a call ``MAIL_URL`` in the environment says so. Raises ConfigError.
    """
    _used[:] = [_sender_of(by) if isinstance(by, str) else by]


def send(message: EmailMessage) -> None:
    """Send *message* here and now. Raises what the server's library raises, and ConfigError."""
    if not _used:
        given = os.environ.get(_VARIABLE)
        if given is None:
            raise ConfigError(
                f"nothing says how mail is sent: set {_VARIABLE} to {_FORMS}; or call"
                " kiq.contrib.mail.use(...) where your jobs are"
            )
        use(given)
    _used[0](message)


def _sender_of(url: str) -> Sender:
    found = urlsplit(url)
    if found.scheme == "file":
        return partial(_into_folder, Path(unquote(found.path)))
    try:
        good = found.scheme in _PORTS and found.hostname and (found.port or True)
    except ValueError:
        good = False
    if not good:
        raise ConfigError(f"{_VARIABLE} is no address that mail is sent by: write {_FORMS}")
    return partial(_by_server, found)


def _by_server(url: SplitResult, message: EmailMessage) -> None:
    host, port = url.hostname or "", url.port or _PORTS[url.scheme]
    tls = ssl.create_default_context() if url.scheme != "smtp" else None
    if tls is not None and url.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=_TIMEOUT, context=tls)
    else:
        server = smtplib.SMTP(host, port, timeout=_TIMEOUT)
    with server:
        if url.scheme == "smtp+starttls":
            server.starttls(context=tls)
        if url.username is not None:
            server.login(unquote(url.username), unquote(url.password or ""))
        server.send_message(message)


def _into_folder(folder: Path, message: EmailMessage) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    # Under another name until it is whole: somebody may be reading the folder.
    part = folder / f".{uuid4().hex}"
    part.write_bytes(message.as_bytes())
    part.rename(folder / f"{uuid4().hex}.eml")
