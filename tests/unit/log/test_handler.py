"""The handler writes whole lines, soon, and loses none that can be written."""

from __future__ import annotations

import io
import logging
import os
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kiq.log import handler as module
from kiq.log.handler import DroppingHandler
from tests.helpers.waiting import eventually


def record(text: str) -> logging.LogRecord:
    return logging.LogRecord("kiq.job", logging.INFO, "", 0, text, None, None)


@pytest.fixture
def opened() -> Iterator[Callable[[int], io.TextIOWrapper]]:
    streams: list[io.TextIOWrapper] = []

    def open_it(descriptor: int) -> io.TextIOWrapper:
        streams.append(io.TextIOWrapper(io.FileIO(descriptor, "w"), encoding="utf-8"))  # type: ignore[arg-type]
        return streams[-1]

    yield open_it
    for stream in streams:
        stream.close()


def test_what_is_put_waits_for_company_and_not_for_long(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as stream:
        handler = DroppingHandler(stream)
        handler.write_soon()
        for number in range(1_000):
            handler.put(f"{number}\n")
        text = (tmp_path / "log").read_text
        eventually(lambda: text().splitlines() == [f"{number}" for number in range(1_000)])


def test_the_first_line_after_a_rest_is_written_at_once(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as stream:
        handler = DroppingHandler(stream)
        handler.write_soon()
        soon = handler._soon
        assert soon is not None
        for number in range(3):
            eventually(lambda: soon.rests)
            handler.put(f"{number}\n")
            assert (tmp_path / "log").read_text().endswith(f"{number}\n")


def test_what_is_in_a_hurry_waits_for_no_company(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PAUSE", 3_600)
    with (tmp_path / "log").open("w") as stream:
        handler = DroppingHandler(stream)
        handler.write_soon()
        text = (tmp_path / "log").read_text
        handler.put("after a rest\n")
        handler.put("waits\n")
        assert text() == "after a rest\n"
        for number in range(100):
            handler.put(f"{number}\n", hurry=True)
            eventually(lambda: text().endswith(f"\n{number}\n"))  # noqa: B023 (it is called here)
            handler.put("waits\n")


def test_a_formatter_is_called_without_the_lock(tmp_path: Path) -> None:
    held: list[bool] = []

    class Looks(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            def look() -> None:
                held.append(not handler.lock.acquire(blocking=False))  # type: ignore[union-attr]
                if not held[-1]:
                    handler.lock.release()  # type: ignore[union-attr]

            other = threading.Thread(target=look)
            other.start()
            other.join()
            return record.getMessage()

    with (tmp_path / "log").open("w") as stream:
        handler = DroppingHandler(stream)
        handler.setFormatter(Looks())
        handler.handle(record("here"))
    assert held == [False]
    assert (tmp_path / "log").read_text() == "here\n"


def test_a_line_past_a_buffer_is_not_torn_by_what_is_printed(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as stream:
        handler = DroppingHandler(stream)

        def prints(letter: str) -> None:
            for _ in range(500):
                stream.write(letter * 30)  # as print does: the text, and then the end of the line
                stream.write("\n")

        def logs() -> None:
            for _ in range(500):
                handler.handle(record("L" * 50))

        threads = [threading.Thread(target=prints, args=("p",)), threading.Thread(target=logs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        lines = (tmp_path / "log").read_text().splitlines()
    assert sorted(lines) == ["L" * 50] * 500 + ["p" * 30] * 500


def test_writers_of_one_pipe_do_not_tear_each_other_s_lines(
    opened: Callable[[int], io.TextIOWrapper],
) -> None:
    reading, writing = os.pipe()
    handlers = [DroppingHandler(opened(writing)), DroppingHandler(opened(os.dup(writing)))]
    read: list[bytes] = []

    def reads() -> None:
        while piece := os.read(reading, 1 << 16):
            read.append(piece)

    def logs(handler: DroppingHandler, letter: str) -> None:
        for _ in range(20):
            handler._waiting.extend([f"{letter * 99}\n"] * 500)
            handler.flush()

    reader = threading.Thread(target=reads)
    reader.start()
    writers = [
        threading.Thread(target=logs, args=each) for each in zip(handlers, "ab", strict=True)
    ]
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join()
    for handler in handlers:
        handler.stream.close()
    reader.join()
    os.close(reading)
    lines = b"".join(read).decode().splitlines()
    assert len(lines) == 20_000
    assert {line for line in lines if not re.fullmatch(r"a{99}|b{99}", line)} == set()


def test_a_line_longer_than_any_piece_is_written_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_FILE_PIECE", 10)
    with (tmp_path / "log").open("w") as stream:
        handler = DroppingHandler(stream)
        for text in ("short", "x" * 35, "", "ends"):
            handler._waiting.append(f"{text}\n")
        handler.flush()
    assert (tmp_path / "log").read_text() == f"short\n{'x' * 35}\n\nends\n"


def test_a_pipe_that_does_not_block_gets_all_of_it(
    opened: Callable[[int], io.TextIOWrapper],
) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    handler = DroppingHandler(opened(writing))
    done = threading.Event()

    def logs() -> None:
        for _ in range(3_000):
            handler.handle(record("z" * 99))
        done.set()

    writer = threading.Thread(target=logs)
    writer.start()
    size = 0
    while size < 300_000:
        size += len(os.read(reading, 1 << 16))
    writer.join()
    os.close(reading)
    assert done.is_set()
    assert size == 300_000


def test_beyond_a_number_who_says_more_writes_it_himself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST", 10)
    monkeypatch.setattr(module, "_PAUSE", 60.0)
    with (tmp_path / "log").open("w") as stream:
        handler = DroppingHandler(stream)
        handler.write_soon()
        for number in range(100):
            handler.put(f"{number}\n")
        written = (tmp_path / "log").read_text().splitlines()
        assert len(written) >= 89
        handler.flush()
        assert len((tmp_path / "log").read_text().splitlines()) == 100


def test_a_forked_child_writes_nothing_of_its_parent_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PAUSE", 60.0)
    with (tmp_path / "log").open("w") as stream:
        handler = DroppingHandler(stream)
        handler.write_soon()
        handler.put("first\n")  # at once
        handler.put("waits\n")
        child = os.fork()
        if not child:
            handler.handle(record("of the child"))
            os._exit(0 if not handler.may_wait else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        handler.flush()
    assert (tmp_path / "log").read_text() == "first\nof the child\nwaits\n"
