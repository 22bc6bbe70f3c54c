"""Payloads to bytes and back, in two codecs that can share a queue: MessagePack and JSON.

The first byte of a payload says which it is. `docs/arguments.md` has what each of them carries.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import msgpack

from ..errors import ArgumentError, UndecodablePayload
from .check import LEAVES, MAX_DEPTH, Unfit, fits, plain_copy
from .types import Codec, pack_extension, unpack_extension

__all__ = ["Codec", "decode", "encode"]

_LARGEST_KEPT_BUFFER = 1 << 20
_LONGEST_CLASS_SHOWN = 200


def encode(payload: Mapping[str, Any], codec: Codec) -> bytes:
    """Return *payload* as bytes that `decode` reads back as an equal dict.

    Raises ArgumentError, with the path of the culprit and what to pass instead, when it holds a
    value that *codec* can't carry, or lacks a class or a list of arguments.
    """
    body = payload if type(payload) is dict else dict(payload)
    try:
        if fits(body, LEAVES[codec]) and _misshapen(body) is None:
            return _WRITERS[codec](body)
    except Exception:  # noqa: BLE001 (a tzinfo, say, may raise anything)
        pass  # the writer says what, but not where: _encode_slowly finds both, and raises
    return _encode_slowly(body, codec)


def decode(raw: bytes) -> tuple[dict[str, Any], Codec]:
    """Return the payload in *raw*, and the codec that it came in.

    Raises UndecodablePayload with a short reason for any bytes that are no job.
    """
    try:
        codec, read = _BY_FIRST_BYTE[raw[0]]
        body = read(raw)
    except UndecodablePayload:
        raise
    except Exception as error:  # whatever a parser may raise at hostile bytes; MemoryError too
        raise UndecodablePayload(_reason(error, raw)) from error
    # The usual case without a call: 0.2 µs of 2.
    name = body.get("class")
    if type(name) is not str or not name or type(body.get("args")) is not list:
        raise UndecodablePayload(_misshapen(body) or "payload is no job")
    return body, codec


def _misshapen(body: dict[str, Any]) -> str | None:
    name = body.get("class")
    if type(name) is not str or not name:
        return _missing("class", name, "a non-empty string")
    arguments = body.get("args")
    if type(arguments) is not list:
        return _missing("args", arguments, "a list")
    return None


def _missing(field: str, value: Any, wanted: str) -> str:
    if value is None or value == "":
        return f"payload has no {field}"
    return f"{field} is {type(value).__name__}, expected {wanted}"


# Writing


def _encode_slowly(body: dict[str, Any], codec: Codec) -> bytes:
    name = body.get("class")
    label = name[:_LONGEST_CLASS_SHOWN] if isinstance(name, str) and name else "job"
    try:
        plain = plain_copy(body, codec)
    except Unfit as unfit:
        raise ArgumentError(f"{label}: {unfit}; {unfit.instead}") from None
    problem = _misshapen(plain)
    if problem is not None:
        raise ArgumentError(f"{label}: {problem}")
    try:
        return _WRITERS[codec](plain)
    except Exception as error:  # a str of more than 4 GiB, say
        raise ArgumentError(f"{label}: can't be written as {codec}: {error}") from error


# A Packer belongs to one call at a time. A pool beats one per thread: it also holds when a signal
# handler or a finalizer pushes a job in the middle of a call. Costs 0.02 µs; a new one 0.1 to 0.3.
_idle_packers: list[msgpack.Packer] = []


def write_msgpack(body: Any) -> bytes:
    """Return *body* in MessagePack. Raises what msgpack raises at what it can't write."""
    try:
        packer = _idle_packers.pop()
    except IndexError:
        packer = msgpack.Packer(strict_types=True, use_bin_type=True, default=pack_extension)
    packed: bytes = packer.pack(body)  # one that raised is dropped, with its half-written payload
    if len(packed) <= _LARGEST_KEPT_BUFFER:
        _idle_packers.append(packer)
    return packed


def _json_writer() -> Callable[[Any], str]:
    """Return what writes JSON: ``JSONEncoder.encode`` makes its encoder anew for each call, in 0.6 µs."""
    usual = json.JSONEncoder(
        ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False
    )
    parts = [getattr(json.encoder, name, None) for name in ("c_make_encoder", "encode_basestring")]
    make, text = parts
    if make is None:
        return usual.encode
    chunks = make(None, usual.default, text, None, ":", ",", False, False, False)
    return lambda value: "".join(chunks(value, 0))


#: Returns a list or dict in JSON. Raises what ``json`` raises at what it can't write.
json_text = _json_writer()


def _write_json(body: dict[str, Any]) -> bytes:
    return json_text(body).encode()


# Reading


# Bytes of a MessagePack payload that may open a container become letters, those that may announce
# binary (as a key, say) become digits, and the rest goes: what is left tells in 0.3 µs whether a
# closer look is due. Such bytes also occur inside text and numbers; then the look finds nothing.
_OPENERS = bytes([*range(0x80, 0xA0), 0xDC, 0xDD, 0xDE, 0xDF])
_BINARY = bytes([0xC4, 0xC5, 0xC6])
_MARKS = bytes.maketrans(_OPENERS + _BINARY, b"o" * len(_OPENERS) + b"1" * len(_BINARY))
_UNMARKED = bytes(sorted(set(range(256)) - set(_OPENERS + _BINARY)))
_unpack = msgpack.unpackb


def _read_msgpack(raw: bytes) -> dict[str, Any]:
    marks = raw.translate(_MARKS, _UNMARKED)
    crowded = len(marks) > MAX_DEPTH
    if crowded:
        _require_whole(raw)
    # Its own limits stand: what claims to be longer than the payload is refused, not allocated.
    body: dict[str, Any] = _unpack(raw, ext_hook=unpack_extension, timestamp=3)
    if (crowded or not marks.isalpha()) and not fits(body, LEAVES["msgpack"]):
        _inspect(body, "msgpack")
    return body


def _require_whole(raw: bytes) -> None:
    """Walk over *raw* without building anything; raises OutOfData if it ends too soon.

    A thousand arrays inside each other that claim a million places each would take 8 GB.
    """
    unpacker = msgpack.Unpacker(None, max_buffer_size=len(raw))
    unpacker.feed(raw)
    unpacker.skip()


def _read_json(raw: bytes) -> dict[str, Any]:
    text = raw.decode()
    body: dict[str, Any]
    try:
        body, end = _scan(text, 0)
    except StopIteration as stop:
        raise UndecodablePayload(f"payload is not valid JSON: no value at {stop.value}") from None
    if end != len(text) and text[end:].strip(" \t\r\n"):
        raise UndecodablePayload(f"payload goes on after its JSON object, at character {end}")
    # An escape is the only way in for a lone surrogate; depth takes brackets, and each its closer.
    escaped = b"\\u" in raw
    crowded = len(raw) > 2 * MAX_DEPTH and raw.count(b"[") + raw.count(b"{") > MAX_DEPTH
    if escaped or (crowded and not fits(body, LEAVES["json"])):
        _inspect(body, "json")
    return body


def _inspect(body: dict[str, Any], codec: Codec) -> None:
    try:
        plain_copy(body, codec)
    except Unfit as unfit:
        raise UndecodablePayload(str(unfit)) from None


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise UndecodablePayload("a JSON number is too large for a float")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise UndecodablePayload(f"{name} is not JSON")


#: Reads one value: what ``raw_decode`` calls, at half of its price.
_scan: Any = json.JSONDecoder(parse_float=_finite, parse_constant=_refuse_constant).scan_once  # type: ignore[attr-defined]


def _refuse_neither(raw: bytes) -> NoReturn:
    what = "neither a JSON object nor a MessagePack map"
    raise UndecodablePayload(f"payload begins with byte 0x{raw[0]:02x}: {what}")


def _reason(error: Exception, raw: bytes) -> str:
    if not raw:
        return "payload is empty"
    if isinstance(error, RecursionError | msgpack.StackError):
        return f"nested deeper than {MAX_DEPTH} levels"
    if isinstance(error, MemoryError):
        return "payload is too large for this process's memory"
    if isinstance(error, UnicodeDecodeError):
        return f"payload is not valid UTF-8 at byte {error.start} of its text"
    if isinstance(error, msgpack.ExtraData):
        return "payload goes on after its MessagePack map"
    detail = str(error) or "malformed"
    return f"payload is not valid {'JSON' if raw[0] == _BRACE else 'MessagePack'}: {detail[:200]}"


_WRITERS: dict[Codec, Callable[[dict[str, Any]], bytes]] = {
    "msgpack": write_msgpack,
    "json": _write_json,
}
_Reader = Callable[[bytes], dict[str, Any]]
_BRACE = 0x7B
#: What reads a payload that begins with this byte: a brace, or a MessagePack map.
_BY_FIRST_BYTE: list[tuple[Codec, _Reader]] = [("msgpack", _refuse_neither)] * 256
_BY_FIRST_BYTE[_BRACE] = ("json", _read_json)
for _byte in (*range(0x80, 0x90), 0xDE, 0xDF):
    _BY_FIRST_BYTE[_byte] = ("msgpack", _read_msgpack)
