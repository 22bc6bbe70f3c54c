"""Programs of other releases of Debian: made once, in a folder of the user's cache, and kept."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

from parts.report import ROOT

_PACKAGES = ("ruby-sidekiq",)


def make(release: str) -> bool:
    """Make a Debian *release* with Sidekiq, unless it is there; tell, and say why not, if it can't be."""
    command = [str(ROOT / ".ci" / "debian-release"), release, str(_folder(release)), *_PACKAGES]
    done = subprocess.run(command, check=False)
    if done.returncode:
        print(f"Sidekiq of Debian {release} is left out: see above")
    return not done.returncode


def programs(release: str) -> Path:
    """Return a folder with programs that run their namesakes of *release*."""
    folder = _folder(release).with_name(f"sidekiq-{release}-bin")
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("ruby", "sidekiq"):
        inside = [str(ROOT / ".ci" / "in-debian-release"), str(_folder(release)), name]
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec {shlex.join(inside)} "$@"\n', encoding="utf-8")
        script.chmod(0o755)
    return folder


def _folder(release: str) -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "kiq-bench" / f"sidekiq-{release}"
