"""This machine: which boot of it this is, and where its processes leave signs of life."""

from __future__ import annotations

import os
from pathlib import Path


def boot_id() -> str:
    """Return what tells this boot of this machine from all others ("" where nothing does)."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


def run_folder() -> Path:
    """Return the per-user folder of run files: ``KIQ_RUN_DIR``, or ``/tmp/kiq-UID``.

    Not TMPDIR, which may differ between processes that have to see each other.
    """
    named = os.environ.get("KIQ_RUN_DIR")
    return Path(named).expanduser().absolute() if named else Path(f"/tmp/kiq-{os.getuid()}")
