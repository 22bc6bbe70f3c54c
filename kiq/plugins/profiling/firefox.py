"""A recording as a document of the Firefox Profiler, which Sidekiq's Web UI opens too.

The "processed profile" format, version 47 (what Ruby's vernier writes; newer viewers take it). Tables
are columns that refer to each other by index, and every text is in ``stringArray`` once.
"""

from __future__ import annotations

import sys
import sysconfig
from typing import Any

from .recording import Recording
from .stacks import Stacks

CATEGORIES = (
    ("Other", "grey"),  # the viewer wants a grey one
    ("Application", "blue"),
    ("Libraries", "green"),
    ("Standard library", "yellow"),
    ("Built-in", "orange"),
    ("kiq", "purple"),
)
_OTHER, _APPLICATION, _LIBRARY, _STANDARD, _BUILT_IN, _KIQ = range(len(CATEGORIES))

_STANDARD_FOLDER = sysconfig.get_path("stdlib")
_KIQ_FOLDER = __file__.rpartition("kiq/plugins/")[0] + "kiq/"
_PACKAGES = ("site-packages", "dist-packages")


def document(recording: Recording, title: str) -> dict[str, Any]:
    """Return *recording* as a document, named *title*; JSON as it is. Times in it are milliseconds."""
    return {
        "meta": {
            "interval": recording.stacks.interval * 1000,
            "startTime": recording.started_at * 1000,
            "processType": 0,
            "product": f"kiq: {title}",
            "importedFrom": f"kiq, Python {sys.version.split()[0]}",
            "stackwalk": 1,
            "version": 28,
            "preprocessedProfileVersion": 47,
            "symbolicated": True,
            "debug": False,
            "markerSchema": [],
            "sampleUnits": {"time": "ms", "eventDelay": "ms", "threadCPUDelta": "µs"},
            "categories": [
                {"name": name, "color": color, "subcategories": ["Other"]}
                for name, color in CATEGORIES
            ],
            "sourceCodeIsNotOnSearchfox": True,
        },
        "libs": [],
        "threads": [_thread(recording, title)],
    }


def _thread(recording: Recording, title: str) -> dict[str, Any]:
    tables = _Tables(recording.stacks)
    return {
        "name": title,
        "isMainThread": True,  # of this document: the viewer hides others at first
        "processType": "default",
        "processName": "kiq",
        "processStartupTime": 0,
        "processShutdownTime": None,
        "registerTime": 0,
        "unregisterTime": recording.elapsed * 1000,
        "pausedRanges": [],
        "pid": str(recording.pid),
        "tid": recording.thread.native_id or 0,
        "samples": _samples(recording.stacks),
        "markers": _table(0, "data", "name", "startTime", "endTime", "phase", "category"),
        "stackTable": tables.stack_table(),
        "frameTable": tables.frame_table(),
        "funcTable": tables.func_table(),
        "resourceTable": _table(0, "lib", "name", "host", "type"),
        "nativeSymbols": _table(0, "libIndex", "address", "name", "functionSize"),
        "stringArray": list(tables.strings),
    }


def _samples(stacks: Stacks) -> dict[str, Any]:
    return {
        "stack": stacks.nodes,
        "time": [round(began * 1000, 3) for began in stacks.began],
        "weight": [round(lasted * 1000, 3) for lasted in stacks.lasted],
        "weightType": "tracing-ms",
        "length": len(stacks.nodes),
    }


def _table(length: int, *columns: str, fill: Any = None) -> dict[str, Any]:
    return {**{column: [fill] * length for column in columns}, "length": length}


class _Tables:
    """The frames of a recording, told apart by line; their functions; and the texts of both."""

    def __init__(self, stacks: Stacks) -> None:
        self.strings: dict[str, int] = {}
        self._functions: dict[tuple[str, str, int], int] = {}
        self._frames: dict[tuple[int, int | None], int] = {}
        self._parents = [parent if parent >= 0 else None for parent in stacks.parents]
        self._of_nodes = [self._frame(text) for text in stacks.frames]
        self._categories = [_category(file) for _, file, _ in self._functions]

    def stack_table(self) -> dict[str, Any]:
        functions = [function for function, _ in self._frames]
        return {
            "frame": self._of_nodes,
            "category": [self._categories[functions[frame]] for frame in self._of_nodes],
            "subcategory": [0] * len(self._of_nodes),
            "prefix": self._parents,
            "length": len(self._of_nodes),
        }

    def frame_table(self) -> dict[str, Any]:
        count = len(self._frames)
        empty = ("nativeSymbol", "innerWindowID", "implementation", "column")
        return {
            **_table(count, *empty),
            "address": [-1] * count,
            "inlineDepth": [0] * count,
            "category": [self._categories[function] for function, _ in self._frames],
            "subcategory": [0] * count,
            "func": [function for function, _ in self._frames],
            "line": [line for _, line in self._frames],
        }

    def func_table(self) -> dict[str, Any]:
        count = len(self._functions)
        return {
            **_table(count, "columnNumber"),
            **_table(count, "isJS", "relevantForJS", fill=False),
            "name": [self._text(name) for name, _, _ in self._functions],
            "resource": [-1] * count,
            "fileName": [self._text(file) for _, file, _ in self._functions],
            "lineNumber": [line or None for _, _, line in self._functions],
        }

    def _frame(self, text: str) -> int:
        """Return the number of the frame that the profiler names *text*."""
        code, *attributes = text.split("\x01")
        name, file, line = (*code.split("\x00"), "", "")[:3]
        told = {each[:1]: each[1:] for each in attributes}
        if told.get("c"):
            name = f"{told['c']}.{name}"
        key = (name, file, int(line or 0))
        function = self._functions.setdefault(key, len(self._functions))
        at = int(told["l"]) if told.get("l") else None
        return self._frames.setdefault((function, at), len(self._frames))

    def _text(self, text: str) -> int:
        return self.strings.setdefault(text, len(self.strings))


def _category(file: str) -> int:
    if file.startswith(_KIQ_FOLDER):
        return _KIQ
    if any(folder in file for folder in _PACKAGES):
        return _LIBRARY
    if file.startswith("<built-in"):
        return _BUILT_IN
    if file.startswith((_STANDARD_FOLDER, "<frozen")):
        return _STANDARD
    return _APPLICATION if file else _OTHER
