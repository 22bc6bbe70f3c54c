"""What it costs to decode a payload of one MiB: ``python -m tests.fuzz.decode_cost``.

Prints a line for each of the worst payloads: its group, the megabytes by which the process grew at
its peak, what it was taken for, its name. Memory is measured in a fork for each, as what an earlier
payload left behind would hide what a later one takes. Needs Linux's /proc.
"""

from __future__ import annotations

import os
import re
import struct
import sys
from collections.abc import Callable
from pathlib import Path

from kiq.codec import decode
from kiq.errors import UndecodablePayload
from tests.fuzz.specials import HEAD, JSON_HEAD

MEBIBYTE = 1 << 20


def _claims(header: bytes) -> bytes:
    """A payload in which everything is promised a million times, and nothing comes."""
    return (HEAD + header).ljust(MEBIBYTE, b"\0")


def _filled(item: bytes) -> bytes:
    """A well-formed list of as many *item* as there is room for."""
    count = (MEBIBYTE - len(HEAD) - 5) // len(item)
    return HEAD + struct.pack(">BI", 0xDD, count) + item * count


def _filled_json(item: bytes) -> bytes:
    count = (MEBIBYTE - len(JSON_HEAD) - 3) // (len(item) + 1)
    return JSON_HEAD + b"[" + b",".join([item] * count) + b"]}"


_ARRAY = struct.pack(">BI", 0xDD, 1_000_000)
_MAP = struct.pack(">BI", 0xDF, 1_000_000) + b"\xa0"

#: Lies about lengths, and what is too deep at once: little may be built before it is refused.
LIES: dict[str, Callable[[], bytes]] = {
    "an array of a million": lambda: _claims(_ARRAY),
    "90 arrays of a million": lambda: _claims(_ARRAY * 90),
    "200 arrays of a million": lambda: _claims(_ARRAY * 200),
    "1100 arrays of a million": lambda: _claims(_ARRAY * 1100),
    "90 maps of a million": lambda: _claims(_MAP * 90),
    "200 maps of a million": lambda: _claims(_MAP * 200),
    "an array of 2**32 - 1": lambda: _claims(b"\xdd\xff\xff\xff\xff"),
    "a string of 4 GB": lambda: _claims(b"\x91\xdb\xff\xff\xff\xff"),
    "binary of 4 GB": lambda: _claims(b"\x91\xc6\xff\xff\xff\xff"),
    "an extension of 4 GB": lambda: _claims(b"\x91\xc9\xff\xff\xff\xff\x05"),
    "a million levels": lambda: (HEAD + b"\x91" * MEBIBYTE)[:MEBIBYTE],
    "a million levels of JSON": lambda: (JSON_HEAD + b"[" * MEBIBYTE)[:MEBIBYTE],
    "a number of a million digits": lambda: JSON_HEAD + b"[" + b"9" * (MEBIBYTE - 60) + b"]}",
}

#: What people may push: text, bytes, numbers, records.
USUAL: dict[str, Callable[[], bytes]] = {
    "numbers": lambda: _filled(b"\xcd\x12\x34"),
    "floats": lambda: _filled(b"\xcb" + struct.pack(">d", 1.5)),
    "words": lambda: _filled(b"\xa5hello"),
    "nothing": lambda: _filled(b"\xc0"),
    "times": lambda: _filled(b"\xd6\xff\x00\x00\x00\x01"),
    "UUIDs": lambda: _filled(b"\xd8\x02" + bytes(range(16))),
    "decimals": lambda: _filled(b"\xc7\x04\x031.25"),
    "pairs": lambda: _filled(b"\x92\x01\x02"),
    "records": lambda: _filled(b"\x82\xa2id\x07\xa4name\xa3Bob"),
    "emoji": lambda: JSON_HEAD + b'["' + b"a" * (MEBIBYTE - 60) + "\U0001f600".encode() + b'"]}',
    "records of JSON": lambda: _filled_json(b'{"id":7,"name":"Bob"}'),
    "lists of JSON": lambda: _filled_json(b"[1]"),
    "floats of JSON": lambda: _filled_json(b"1.5"),
}

#: Well-formed, and nothing but containers: each byte becomes an object of Python's.
DENSE: dict[str, Callable[[], bytes]] = {
    "empty lists": lambda: _filled(b"\x90"),
    "empty dicts": lambda: _filled(b"\x80"),
    "dicts of one": lambda: _filled(b"\x81\xa0\x00"),
    "lists in lists": lambda: _filled(b"\x91" * 90 + b"\x00"),
    "dicts in dicts": lambda: _filled(b"\x81\xa0" * 90 + b"\x00"),
    "dicts in dicts, too deep": lambda: _filled(b"\x81\xa0" * 500 + b"\x00"),
    "lists in lists of JSON": lambda: _filled_json(b"[" * 90 + b"]" * 90),
    "dicts in dicts of JSON": lambda: _filled_json(b'{"":' * 90 + b"0" + b"}" * 90),
}
GROUPS = {"lie": LIES, "usual": USUAL, "dense": DENSE}


def main() -> None:
    """Measure them all."""
    for group, makers in GROUPS.items():
        for name, make in makers.items():
            child = os.fork()
            if child == 0:
                _measure(group, name, make())
                sys.stdout.flush()
                os._exit(0)
            _, status = os.waitpid(child, 0)
            if status:
                sys.exit(f"{name}: the child ended with {os.waitstatus_to_exitcode(status)}")


def _measure(group: str, name: str, raw: bytes) -> None:
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = _kilobytes("VmRSS")
    try:
        kept: object = decode(raw)
        taken = "job"
    except UndecodablePayload as error:
        kept, taken = error, "refused"
    grown = _kilobytes("VmHWM") - before
    assert kept is not None
    print(f"{group:6} {grown / 1024:6.1f} MB {taken:8} {name}")


def _kilobytes(field: str) -> int:
    status = Path("/proc/self/status").read_text()
    found = re.search(rf"^{field}:\s+(\d+) kB$", status, re.MULTILINE)
    assert found is not None
    return int(found[1])


if __name__ == "__main__":
    main()
