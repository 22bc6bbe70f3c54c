"""Enumerators over files: lines, and rows of CSV; the cursor is the byte where each begins.

To resume, nothing is read again. An item is read when it is its turn, so a file may be of any size.
"""

from __future__ import annotations

import codecs
import csv
import os
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Literal, overload

from .enumerators import Enumerator, whole

Path = str | os.PathLike[str]
_MARK = b"\xef\xbb\xbf"  # of UTF-8, as Excel puts it in front


def lines(path: Path, *, cursor: Any, encoding: str = "utf-8") -> Enumerator[str]:
    """Go through the lines of a text file, without their ends; the total is in bytes.

    The file must be the same one in the next run; it may have grown. A mark at its beginning that says
    "UTF-8" is left out.
    """
    begin = _checked(path, cursor, encoding, "lines")
    return _of_file(path, _lines(path, begin, encoding))


@overload
def csv_rows(
    path: Path,
    *,
    cursor: Any,
    header: Literal[True] = True,
    encoding: str = "utf-8",
    **dialect: Any,
) -> Enumerator[dict[str, str]]: ...


@overload
def csv_rows(
    path: Path, *, cursor: Any, header: Literal[False], encoding: str = "utf-8", **dialect: Any
) -> Enumerator[list[str]]: ...


def csv_rows(
    path: Path, *, cursor: Any, header: bool = True, encoding: str = "utf-8", **dialect: Any
) -> Enumerator[Any]:
    """Go through the rows of a CSV file: dicts named by the first row, or lists if ``header=False``.

    *dialect* are arguments of :func:`csv.reader`, such as ``delimiter=";"``. Empty rows are left out.
    A dict's row that is too short has None for what is missing, and what is too much under None.
    """
    begin = _checked(path, cursor, encoding, "csv_rows")
    return _of_file(path, _rows(path, begin, header, encoding, dialect))


def csv_batches(
    path: Path,
    *,
    cursor: Any,
    size: int = 100,
    header: bool = True,
    encoding: str = "utf-8",
    **dialect: Any,
) -> Enumerator[list[Any]]:
    """Go through a CSV file by lists of *size* rows; the cursor is the byte where the first begins.

    So the size may change from one run to the next.
    """
    if size < 1:
        raise ValueError(f"a batch has 1 row or more, not {size}")
    begin = _checked(path, cursor, encoding, "csv_batches")
    return _of_file(path, _batched(_rows(path, begin, header, encoding, dialect), size))


def _checked(path: Path, cursor: Any, encoding: str, helper: str) -> int:
    if "\n".encode(encoding) not in (b"\n", _MARK + b"\n"):
        raise ValueError(f"{helper}: in {encoding} the end of a line is not one byte; use UTF-8")
    begin, size = whole(cursor, helper), os.path.getsize(path)
    if begin > size:
        raise ValueError(
            f"{os.fspath(path)} has {size} bytes, and the last run came to byte {begin}: it is another "
            "file by now; to begin anew, delete the job's iteration state"
        )
    return begin


def _of_file(path: Path, pairs: Iterator[tuple[Any, int]]) -> Enumerator[Any]:
    return Enumerator(pairs, total=os.path.getsize(path), position=float)


def _lines(path: Path, begin: int, encoding: str) -> Iterator[tuple[str, int]]:
    with open(path, "rb") as file:
        reader = _Reader(file, begin, encoding)
        while (line := reader.line()) is not None:
            yield line.removesuffix("\n").removesuffix("\r"), reader.began_at


def _rows(
    path: Path, begin: int, header: bool, encoding: str, dialect: dict[str, Any]
) -> Iterator[tuple[Any, int]]:
    with open(path, "rb") as file:
        names, first = _header(file, encoding, dialect) if header else ([], 0)
        source = _Reader(file, max(begin, first), encoding)
        rows = csv.reader(source, **dialect)
        while True:
            began = source.next_at
            row = next(rows, None)
            if row is None:
                return
            if row:
                yield (_named(names, row) if header else row), began


def _header(file: BinaryIO, encoding: str, dialect: dict[str, Any]) -> tuple[list[str], int]:
    """Return the names in the first row that is not empty, and the byte where the next one begins."""
    source = _Reader(file, 0, encoding)
    names = next((row for row in csv.reader(source, **dialect) if row), [])
    if len(set(names)) < len(names):
        raise ValueError(f"{file.name}: two columns have the same name: {names}; use header=False")
    return names, source.next_at


def _named(names: Sequence[str], row: list[str]) -> dict[Any, Any]:
    named: dict[Any, Any] = dict(zip(names, row, strict=False))
    if len(row) < len(names):
        named.update(dict.fromkeys(names[len(row) :]))
    elif len(row) > len(names):
        named[None] = row[len(names) :]
    return named


def _batched(rows: Iterator[tuple[Any, int]], size: int) -> Iterator[tuple[list[Any], int]]:
    batch: list[Any] = []
    began = 0
    for row, at in rows:
        began = began if batch else at
        batch.append(row)
        if len(batch) == size:
            yield batch, began
            batch = []
    if batch:
        yield batch, began


class _Reader:
    """Lines of a binary file as text, each with the byte where it begins."""

    def __init__(self, file: BinaryIO, begin: int, encoding: str) -> None:
        self._file = file
        name = codecs.lookup(encoding).name
        self._marked = name in ("utf-8", "utf-8-sig")
        self._encoding = "utf-8" if self._marked else encoding
        self.began_at = self.next_at = begin
        file.seek(begin)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self.line()
        if line is None:
            raise StopIteration
        return line

    def line(self) -> str | None:
        """Return the next line with its end; None at the end of the file."""
        raw = self._file.readline()
        if not raw:
            return None
        self.began_at, self.next_at = self.next_at, self.next_at + len(raw)
        if self._marked and self.began_at == 0:
            raw = raw.removeprefix(_MARK)
        return raw.decode(self._encoding) if raw else None  # a file of nothing but the mark
