"""Payloads that are made on purpose: bombs, lies about lengths, other formats, odd text."""

from __future__ import annotations

import bz2
import gzip
import json
import marshal
import os
import pickle
import random
import struct
import zlib
from collections.abc import Iterator
from typing import Any

from tests.fuzz.mutate import each_odd_field
from tests.fuzz.samples import FAILS, FORMATS, GOOD, Known, Sample, job, write

MEGABYTE = 1_000_000
#: A MessagePack job whose arguments come next.
HEAD = b"\x82\xa5class" + bytes([0xA0 | len(GOOD)]) + GOOD.encode() + b"\xa4args"
JSON_HEAD = b'{"class":"%s","args":' % GOOD.encode()
BOUNDARIES = (0, 1, 15, 16, 31, 32, 255, 256, 65_535, 65_536, 2**31 - 1, 2**31, 2**32 - 1)
#: Depths that kiq must take, and must refuse; in between its own tests look closely.
SURELY_TAKEN, SURELY_REFUSED = 90, 110


def specials(chance: random.Random, *, thorough: bool) -> Iterator[Sample]:
    """Yield them all; not *thorough*: of the exhaustive groups a part."""
    yield from short_strings(thorough=thorough)
    yield from depth_bombs(thorough=thorough)
    makers = (lying_lengths, extensions, timestamps, bad_text, numbers, strangers, shapes)
    for maker in makers:
        yield from (Sample(raw, known, True) for raw, known in maker())
    yield from (Sample(raw, known, True) for raw, known in class_names(chance))
    yield from (Sample(raw, known, True) for raw, known in large(chance))
    for form in FORMATS:
        yield from each_odd_field(chance, form)


Made = Iterator[tuple[bytes, Known]]


def short_strings(*, thorough: bool) -> Iterator[Sample]:
    """Yield every string of up to two bytes; else of the two-byte ones those that look like a job."""
    yield Sample(b"", "no job", True)
    for first in range(256):
        yield Sample(bytes([first]), "no job", True)
    openers = {0x7B, *range(0x80, 0x90), 0xDE, 0xDF}
    for first in range(256) if thorough else sorted(openers):
        for second in range(256):
            yield Sample(bytes([first, second]), "no job")


def depth_bombs(*, thorough: bool) -> Iterator[Sample]:
    """Yield nested lists and dicts, closed and unclosed, 1 to 3,000 deep."""
    for depth in range(1, 3001):
        if not thorough and depth > 130 and depth % 97:
            continue
        known: Known = "job" if depth <= SURELY_TAKEN else "no job"
        if SURELY_TAKEN < depth < SURELY_REFUSED:
            known = "?"
        tag = b"%d," % depth
        yield Sample(JSON_HEAD + b"[" + tag + b"[" * depth + b"]" * depth + b"]}", known)
        yield Sample(JSON_HEAD + b"[" + b'{"a":' * depth + tag[:-1] + b"}" * depth + b"]}", known)
        yield Sample(JSON_HEAD + b"[" * depth, "no job")
        number = struct.pack(">BH", 0xCD, depth)
        yield Sample(HEAD + b"\x92" + number + b"\x91" * depth + b"\x00", known)
        yield Sample(HEAD + b"\x91" + b"\x81\xa1a" * depth + number, known)
        yield Sample(HEAD + b"\x91" * depth, "no job")


def lying_lengths() -> Made:
    """Yield lengths at every boundary of every width, with nothing or little behind them."""
    widths = {1: ">BB", 2: ">BH", 4: ">BI"}
    codes = {"array": {2: 0xDC, 4: 0xDD}, "map": {2: 0xDE, 4: 0xDF}}
    codes |= {"str": {1: 0xD9, 2: 0xDA, 4: 0xDB}, "bin": {1: 0xC4, 2: 0xC5, 4: 0xC6}}
    codes |= {"ext": {1: 0xC7, 2: 0xC8, 4: 0xC9}}
    for kind, by_width in codes.items():
        for width, code in by_width.items():
            for length in BOUNDARIES:
                if length >= 1 << 8 * width:
                    continue
                header = struct.pack(widths[width], code, length)
                yield HEAD + header, "job" if (kind, length) == ("array", 0) else "no job"
                yield HEAD + b"\x91" + header, "?" if length == 0 else "no job"
                yield header, "no job"
                yield HEAD + b"\x91" + header + b"\x01" * 12, "?"
                yield HEAD.replace(b"\xa4args", header) + b"\x90", "?"
    for nested in (2, 90, 200, 1100):
        header = struct.pack(">BI", 0xDD, MEGABYTE)
        yield HEAD + header * nested + bytes(MEGABYTE - 5 * nested), "no job"


def extensions() -> Made:
    """Yield every type of extension, in every width."""
    for kind in range(-128, 128):
        known: Known = "?" if kind in (-1, 1, 2, 3) else "no job"
        for code, size in zip(range(0xD4, 0xD9), (1, 2, 4, 8, 16), strict=True):
            yield HEAD + b"\x91" + struct.pack(">Bb", code, kind) + b"1" * size, known
        for text in (b"", b"2024-02-30", b"NaN", b"sNaN", b"1E+999999999", b"\xff" * 12):
            yield HEAD + b"\x91" + struct.pack(">BBb", 0xC7, len(text), kind) + text, known
        yield struct.pack(">Bb", 0xD4, kind) + b"1", "no job"


def timestamps() -> Made:
    """Yield MessagePack's timestamps in all three widths, at their bounds and beyond."""
    for seconds in (0, 1, 2**31, 2**32 - 1):
        yield HEAD + b"\x91\xd6\xff" + struct.pack(">I", seconds), "job"
    for nanoseconds in (0, 999, 1_000, 999_999_999, 10**9, 2**30 - 1):
        for seconds in (0, 2**32, 2**34 - 1):
            packed = struct.pack(">Q", nanoseconds << 34 | seconds)
            yield HEAD + b"\x91\xd7\xff" + packed, "?"
        for long in (0, -1, -(2**63), 2**63 - 1, 253_402_300_799, 253_402_300_800, -62_135_596_801):
            packed = struct.pack(">Iq", nanoseconds, long)
            yield HEAD + b"\x91\xc7\x0c\xff" + packed, "?"
            yield HEAD + b"\x91\xc7\x0b\xff" + packed[1:], "no job"


def bad_text() -> Made:
    """Yield text that is no UTF-8, or not only that."""
    plain = json.dumps({"class": GOOD, "args": []})
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"):
        yield plain.encode(encoding), "no job"
    for wrong in (
        b"\xff",
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xf0\x9f\x98",
        b"\x80",
    ):
        yield JSON_HEAD + b'["' + wrong + b'"]}', "no job"
        yield JSON_HEAD + b'[],"' + wrong + b'":1}', "no job"
        yield b'{"class":"' + wrong + b'","args":[]}', "no job"
        yield HEAD + b"\x91" + bytes([0xA0 | len(wrong)]) + wrong, "no job"
        yield HEAD.replace(b"\xa4args", bytes([0xA0 | len(wrong)]) + wrong) + b"\x90", "no job"
    for escape in (rb"\ud800", rb"\udfff", rb"\udc00\ud800", rb"\ud83dx"):
        yield JSON_HEAD + b'["' + escape + b'"]}', "no job"
        yield JSON_HEAD + b'[{"' + escape + b'":1}]}', "no job"
        yield JSON_HEAD + b'[],"jid":"' + escape + b'"}', "no job"
        yield b'{"class":"' + escape + b'","args":[]}', "no job"
    yield JSON_HEAD + rb'["\ud83d\ude00 \u0000"]}', "job"
    for control in (0, 9, 10, 0x1F):
        yield JSON_HEAD + b'["' + bytes([control]) + b'"]}', "no job"


def numbers() -> Made:
    """Yield numbers that a reader of JSON trips over."""
    for text in (
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b"1e400",
        b"-1e400",
        b"9" * 5000,
        b"-" + b"9" * 5000,
    ):
        yield JSON_HEAD + b"[" + text + b"]}", "no job"
        yield JSON_HEAD + b'[],"retry_count":' + text + b"}", "no job"
    for text in (b"01", b"+1", b"1.", b".5", b"0x10", b"1_000", b"--1", b"1e", b"nan", b"infinity"):
        yield JSON_HEAD + b"[" + text + b"]}", "no job"
    for text in (
        b"123456789012345678901234567890",
        b"9" * 4000,
        b"-0",
        b"1e308",
        b"1e-400",
        b"-0.0",
    ):
        yield JSON_HEAD + b"[" + text + b"]}", "job"


class _Bomb:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("touch /tmp/kiq-was-here",)


def strangers() -> Made:
    """Yield what other programs write: pickles, archives, documents, other queues' messages."""
    plain = json.dumps({"class": GOOD, "args": []}).encode()
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        yield pickle.dumps(_Bomb(), protocol), "no job"
        yield pickle.dumps({"class": GOOD, "args": []}, protocol), "no job"
    for pack in (gzip.compress, zlib.compress, bz2.compress):
        yield pack(plain), "no job"
        yield pack(bytes(10 * MEGABYTE)), "no job"
    yield marshal.dumps({"class": GOOD, "args": []}), "no job"
    for text in (
        *(f"class: {GOOD}\nargs: []\n", '!!python/object/apply:os.system ["true"]', "---\n- a\n"),
        *("<?xml version='1.0'?><job class='x'/>", "<!doctype html>", 'O:8:"stdClass":0:{}'),
        *("\x04\b{\x06", "null", "true", "5", '"x"', "[]", "[{}]", " " + plain.decode(), "\n", " "),
        *(f"{{'class': '{GOOD}', 'args': []}}", "{class: 1}", "{", "{}", "{}{}", '{"a"', '{"a":}'),
        *(plain.decode() + "x", plain.decode() * 2, plain.decode()[:-1], plain.decode() + "\0"),
        *(plain.decode()[:-1] + ",}", "/*c*/" + plain.decode(), plain.decode() + "//", "${jndi:x}"),
        *("../../etc/passwd", "\r\nSET x 1\r\n", "*1\r\n$4\r\nPING\r\n", "'; DROP TABLE jobs; --"),
    ):
        yield text.encode(), "no job"
    yield plain + b" \t\r\n", "job"


def shapes() -> Made:
    """Yield payloads whose keys are missing, doubled, or of the wrong type."""
    yield b'{"class":5,"class":"%s","args":{},"args":[]}' % GOOD.encode(), "job"
    yield b'{"class":"%s","class":5,"args":[]}' % GOOD.encode(), "no job"
    yield b"\x83" + HEAD[1:] + b"\x90\xa4args\x80", "no job"
    yield b"\x83" + HEAD[1:] + b"\x80\xa4args\x90", "job"
    yield HEAD, "no job"
    yield HEAD + b"\x90\x90", "no job"
    yield HEAD + b"\xc1", "no job"
    for key in (
        b"\x01",
        b"\xc0",
        b"\xc3",
        b"\xc4\x01a",
        b"\x90",
        b"\x80",
        b"\xcb" + bytes(8),
        b"\xd4\x05a",
    ):
        yield b"\x83" + HEAD[1:] + b"\x90" + key + b"\x01", "no job"
        yield HEAD + b"\x91\x81" + key + b"\x01", "no job"
    for missing in (
        b'{"args":[]}',
        b'{"class":"x"}',
        b'{"class":null,"args":[]}',
        b'{"class":"","args":[]}',
    ):
        yield missing, "no job"
    yield b'{"class":"%s","args":[],"":1}' % GOOD.encode(), "job"


NAMES = (
    *("os.system", "subprocess.Popen", "__import__", "builtins.eval", "../x", "a.b.c", "a/b", "\n"),
    *("\x00", " ", "kiq.Job", "tests.fuzz.jobs", "tests.fuzz.jobs.os", "%s%n", "{0.__class__}"),
    *(
        "Foo::Bar",
        "ActiveJob::QueueAdapters::SidekiqAdapter::JobWrapper",
        "\u202eevil",
        "__class__",
    ),
    *(f"{FAILS}.perform", FAILS.upper(), f"{GOOD} ", "\u2603"),
)


def class_names(chance: random.Random) -> Made:
    """Yield names of classes that no registry has, and that nothing may import."""
    for form in FORMATS:
        for name in NAMES:
            yield write(job(chance, **{"class": name}), form), "job"
        for retry_count in (-5, "3", 10**9, 1.5, 2**63, True):
            for extra in ({}, {"backtrace": 10**9}, {"failed_at": "x"}, {"retry": "yes"}):
                fields = {"class": FAILS, "retry_count": retry_count, **extra}
                yield write(job(chance, **fields), form), "job"


def large(chance: random.Random) -> Made:
    """Yield payloads of about a megabyte, in every field that a log line shows."""
    text = "L" * MEGABYTE
    for form in FORMATS:
        for field in ("class", "jid", "queue", "error_message"):
            yield write(job(chance, **{field: text}), form), "job"
        yield write(job(chance, args=[text]), form), "job"
        yield write(job(chance, args=list(range(100_000))), form), "job"
        yield write(job(chance, **{"class": FAILS, "args": [[]] * 200_000}), form), "job"
        yield write(job(chance, kwargs={f"k{n}": n for n in range(20_000)}), form), "job"
