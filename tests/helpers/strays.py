"""Scripts that touch what was not given to them: each writes a line into the server's log.

What a script does is done as ever; only each call of a command is looked at first. So a script is another
text with another digest on the server, which nobody but the server sees.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

import pytest

from kiq.store import direct, scripts
from kiq.store.connection import Link
from kiq.store.keyspace import _GROUPS

STRAY = "kiq: a script touches what it was not given: "
_EVALSHA = b"$7\r\nEVALSHA\r\n$40\r\n"

_LOOK = """
local redis = (function(real)
  local given, groups, where = {}, %s, {}
  for _, name in ipairs(KEYS) do given[name] = true end
  for _, group in ipairs(groups) do
    for word in group[4]:gmatch('%%u+') do where[word] = group end
  end
  -- What stands behind a prefix that was given, and the bells of those who wait in a set that was given.
  local function may(name)
    for _, each in ipairs(KEYS) do
      if each:sub(-1) == ':' and name:sub(1, #each) == each then return true end
      local at = each:find('kiq:idle:', 1, true)
      local bell = at and each:sub(1, at - 1) .. 'kiq:bell:'
      if bell and name:sub(1, #bell) == bell then return true end
    end
  end
  local function look(call)
    local found = where[call[1]]
    if not found then return real.log(real.LOG_WARNING, '%s' .. call[1] .. ' is unknown') end
    for i = found[1] + 1, found[2] > 0 and found[2] or #call + found[2], found[3] do
      if not given[call[i]] and not may(call[i]) then
        real.log(real.LOG_WARNING, '%s' .. call[1] .. ' ' .. tostring(call[i]))
      end
    end
  end
  local function looked(act)
    return function(...)
      look({...})
      return act(...)
    end
  end
  return setmetatable({call = looked(real.call), pcall = looked(real.pcall)}, {__index = real})
end)(redis)
"""


def watch(patch: pytest.MonkeyPatch) -> None:
    """Make every script that this process sends say what it touches."""
    send, converse = Link._send, direct._converse

    def watched_send(self: Link, commands: Any) -> None:
        send(self, [_watched(each) for each in commands])

    def watched_converse(sock: Any, packed: bytes) -> bytes:
        return converse(sock, _watched(packed))

    patch.setattr(Link, "_send", watched_send)
    patch.setattr(direct, "_converse", watched_converse)


def _watched(command: Any) -> Any:
    """Return *command* as one that runs the script with a look at each of its calls."""
    if isinstance(command, bytes):
        before, name, rest = command.partition(_EVALSHA)
        digest = _digest(rest[:40].decode(errors="replace"))
        return before + name + digest.encode() + rest[40:] if digest else command
    match command:
        case ("EVAL", text, *others):
            return ("EVAL", _look() + text, *others)
        case ("SCRIPT", "LOAD", text):
            return ("SCRIPT", "LOAD", _look() + text)
        case ("EVALSHA", digest, *others):
            return ("EVALSHA", _digest(digest) or digest, *others)
    return command


@cache
def _digest(digest: str) -> str:
    """Return the digest of the script that the server knows instead; "" for what is none of kiq's."""
    text = scripts._texts.get(digest)
    return hashlib.sha1((_look() + text).encode()).hexdigest() if text else ""


@cache
def _look() -> str:
    groups = ", ".join(
        f"{{{where.start}, {where.stop or 0}, {where.step or 1}, '{words}'}}"
        for where, words in _GROUPS
    )
    return _LOOK % (f"{{{groups}}}", STRAY, STRAY)
