"""What a verification finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it must be.

    *check* names the kind, *where* the key or the job, *what* is so, and what to *do* about it. *mendable*
    says that ``mend`` could; *mended* what it did, "" for nothing.
    """

    check: str
    where: str
    what: str
    do: str = ""
    mendable: bool = False
    mended: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What was looked at: *jobs* and *keys*; what was found; *more* that was not told, by its kind.

    *unknown* says what could not be looked at.
    """

    jobs: int
    keys: int
    findings: tuple[Finding, ...] = ()
    more: Mapping[str, int] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong, or is no more."""
        return not self.more and all(finding.mended for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What seems wrong, until *confirmed*, at one moment, says so too. *mend* returns what it did."""

    finding: Finding
    confirmed: Callable[[], bool]
    mend: Callable[[], str] | None = None
