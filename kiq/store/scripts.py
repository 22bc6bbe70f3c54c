"""The Lua scripts: loaded once per Python process, called by digest."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from importlib import resources
from typing import Any

from .. import keys

Command = tuple[Any, ...]
#: A command as the bytes that are sent.
Packed = bytes

_BY_DIGEST = b"$7\r\nEVALSHA\r\n$40\r\n"

#: Functions that scripts share, and which: those that bring jobs to a queue ring its bell.
_SHARED = {
    "ring": frozenset({"push", "move", "hand_back", "commit", "reclaim"}),
    "suspicions": frozenset({"fetch", "claim"}),
}


class Script:
    """One Lua script, with the digest that the server knows it by."""

    __slots__ = ("name", "sha", "text")

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.sha = hashlib.sha1(text.encode()).hexdigest()

    def __call__(self, names: Sequence[Any], args: Sequence[Any] = ()) -> Command:
        """Return the command that runs this script on the keys *names* with *args*."""
        return ("EVALSHA", self.sha, len(names), *names, *args)


def pack(command: Command) -> Packed:
    """Return *command*, whose parts are bytes, str and numbers, as the bytes that are sent."""
    raws = [part if type(part) is bytes else str(part).encode() for part in command]
    return b"*%d%b\r\n" % (len(raws), pack_parts(raws))


def pack_parts(raws: Sequence[bytes]) -> bytes:
    """Return parts of a command as they are sent, but each with the end of line before it."""
    pieces = [b""] * (2 * len(raws))
    pieces[::2], pieces[1::2] = map(_length, map(len, raws)), raws
    return b"".join(pieces)


@functools.lru_cache(maxsize=4096)
def _length(length: int) -> bytes:
    return b"\r\n$%d\r\n" % length


def load(script: Script) -> Command:
    """Return the command that makes the server know *script*."""
    return ("SCRIPT", "LOAD", script.text)


def whole(command: Command | Packed) -> Command | Packed:
    """Return *command*, which calls one of these scripts by digest, as one that brings its text.

    For a server that does not take SCRIPT LOAD. What calls another script is returned as it is.
    """
    if not isinstance(command, bytes):
        text = _texts.get(command[1])
        return ("EVAL", text, *command[2:]) if text else command
    _, digest, rest = command.partition(_BY_DIGEST)
    text = _texts.get(rest[:40].decode())
    if not digest or not text:
        return command
    body = pack_parts([b"EVAL", text.encode()])[2:]
    return command[: -len(digest + rest)] + body + rest[40:]


def text_of(how: str, which: str) -> str:
    """Return the text of the script that a command runs: EVAL brings it, EVALSHA its digest."""
    return which if how == "EVAL" else _texts[which]


def remember(script: Script) -> None:
    """Let a server that does not know *script* be told of it, when it is called."""
    _others[script.sha] = script
    _texts[script.sha] = script.text


def wanted(commands: Sequence[Command | Packed]) -> list[Script]:
    """Return the scripts that a server should know that did not know some of *commands*.

    All that are kiq's own, and of those joined with pieces of features the ones that are called: there
    may be many, and a server takes its time for each.
    """
    called = {_others[sha].sha: _others[sha] for sha in map(_sha, commands) if sha in _others}
    return [*ALL, *called.values()]


def _sha(command: Command | Packed) -> str:
    if not isinstance(command, bytes):
        return str(command[1])
    return command.partition(_BY_DIGEST)[2][:40].decode(errors="replace")


#: Scripts joined with what is attached to this process.
_others: dict[str, Script] = {}


@functools.cache
def read(name: str) -> str:
    """Return the text of one file of Lua."""
    return (resources.files("kiq.store") / "lua" / f"{name}.lua").read_text("utf-8")


def _load(name: str) -> Script:
    shared = "".join(read(part) for part, users in _SHARED.items() if name in users)
    return Script(name, shared + read(name))


def _once(script: Script) -> Script:
    act = f"local function act()\n{script.text}\nend\n"
    return Script(f"{script.name}_once", act + read("once"))


def once(command: Command, token: str) -> Command:
    """Return *command*, a push, as one that is done once for *token*."""
    script = schedule_once if command[1] == schedule.sha else push_once
    arguments = 3 + command[2]
    return script((*command[3:arguments], keys.PUSHED), (*command[arguments:], token))


push = _load("push")
push_once = _once(push)
schedule = _load("schedule")
schedule_once = _once(schedule)
register = _load("register")
extend = _load("extend")
beat = _load("beat")
absent = _load("absent")
elect = _load("elect")
resign = _load("resign")
fetch = _load("fetch")
bands = _load("bands")
done = _load("done")
move = _load("move")
delay = _load("delay")
epoch = _load("epoch")
hand_back = _load("hand_back")
mark = _load("mark")
claim = _load("claim")
commit = _load("commit")
lapse = _load("lapse")
names = _load("names")
reclaim = _load("reclaim")
forget = _load("forget")
name = _load("name")
tidy = _load("tidy")

ALL = tuple(value for value in globals().values() if isinstance(value, Script))
_texts = {script.sha: script.text for script in ALL}
