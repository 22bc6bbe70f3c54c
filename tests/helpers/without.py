"""Python processes in which a module that is installed can't be imported."""

from __future__ import annotations

import os
from pathlib import Path

from tests.helpers.worker_process import ROOT


def without(folder: Path, *modules: str) -> dict[str, str]:
    """Return variables for processes that find none of *modules*, written down in the empty *folder*."""
    folder.mkdir()
    text = f"import sys\n\nsys.modules.update(dict.fromkeys({modules!r}))\n"
    (folder / "sitecustomize.py").write_text(text)
    return {"PYTHONPATH": os.pathsep.join((str(folder), str(ROOT)))}
