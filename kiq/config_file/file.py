"""The configuration file: finding it, and reading what stands there."""

from __future__ import annotations

import importlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from .tree import Problem, Table

#: Where a configuration file is looked for, under the current folder, when none is named.
LOOKED_FOR = ("config/kiq.yml", "config/kiq.yaml", "config/sidekiq.yml")

_MAX_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Document:
    """What a file holds: *path* is None where there is no file, *tree* None where nothing can be used."""

    path: str | None = None
    tree: Table | None = None
    problems: tuple[Problem, ...] = ()
    notices: tuple[str, ...] = ()


NO_FILE = Document()


def read(path: str | None) -> Document:
    """Return the document *path*; None looks for one of LOOKED_FOR, and does without when there is none."""
    if path is not None:
        return _read(path)
    present = [name for name in LOOKED_FOR if Path(name).exists()]
    if not present:
        return NO_FILE
    first, *others = present
    notices = tuple(f"{name} is not read: {first} stands before it" for name in others)
    document = _read(first)
    return Document(first, document.tree, document.problems, notices)


def _read(path: str) -> Document:
    try:
        text = _text(path)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        problem = Problem(None, "", f"the configuration can't be read: {reason}", path)
        return Document(path, problems=(problem,))
    # By name: who has no file must not pay for a YAML parser.
    tree, problems = importlib.import_module(f"{__package__}.yaml_tree").parsed(text, path)
    return Document(path, tree, tuple(problems))


def _text(path: str) -> str:
    # Not blocking: a named pipe must be refused, not waited for.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("it is not a regular file")
        content = file.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise ValueError(f"it is larger than {_MAX_BYTES // 1024} KiB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"line {line} is not UTF-8; save the file as UTF-8") from error
