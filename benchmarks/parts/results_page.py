"""The page RESULTS.md, from the figures of one comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from parts.contestant import Contestant
from parts.report import table
from parts.samples import Spread, figure

_SIDEKIQ = """\
## Sidekiq, other versions

The table has the Sidekiqs that Debian brings: `sidekiq` is the machine's own, the others are those of newer
releases, all without YJIT. Measured in another run on the same kind of machine (two cores, one process with
ten threads, loggers silenced), with YJIT on Ruby 3.3: **Sidekiq 7.3.10 24,700, Sidekiq 8.1.7 21,500 no-op
jobs/s**, where kiq made 124,400 in MessagePack and 110,600 in JSON: 5.3 and 5.8 times, by the rounds. With
default logging to a file on both sides: kiq 18,100 in MessagePack and 15,500 in JSON, Sidekiq 7.3.2 6,200
with YJIT and 4,500 without, Sidekiq 6.4 5,700: **2.5 to 3 times**; on a busier machine 7,000 to 8,800 each.
"""

_METHOD = """\
Each drain: an empty private server without persistence, on loopback TCP; all jobs are pushed; a
real worker is started with its recommended fast settings and hiredis; from its first settled jobs
to its last. The contestants take turns in one run, so that all of them meet the same moments of the
machine. Job counts are scaled to their speed. Ratios hold better than figures: on another machine,
or beside other work, all of them move together.
"""


def results_table(
    contestants: Sequence[Contestant],
    rates: Mapping[str, Sequence[float]],
    spreads: Sequence[Spread],
) -> str:
    """Return a table with a row for each contestant; the first, kiq, is what others are held to.

    A ratio is the median of the ratios of each round.
    """
    first, *_ = contestants
    header = ("", "arrangement", "jobs", "jobs/s, median (range)", f"{first.name} / it")
    rows = []
    for contestant, speed in zip(contestants, spreads, strict=True):
        ratio = "1" if contestant is first else figure(_ratio(rates, first.name, contestant.name))
        row = (contestant.name, contestant.arrangement, f"{contestant.jobs:,}", str(speed), ratio)
        rows.append(row)
    return table(header, rows, words=2)


def page(
    command: str,
    machine: Mapping[str, Any],
    versions: Mapping[str, str],
    contestants: Sequence[Contestant],
    tables: Mapping[str, str],
    chart: str,
) -> str:
    """Return the whole page. *tables* are the tables by their heading, *chart* a file beside it."""
    parts = [
        "# Results",
        f"Written by `{command}`; [README.md](README.md) says how to read it.",
        _facts(machine, versions),
        _METHOD,
        f"![Jobs a second of each, on a logarithmic axis]({chart})",
        *(f"## {heading}\n\n{text}" for heading, text in tables.items()),
        _SIDEKIQ,
        _choices(contestants),
        _commands(contestants),
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _ratio(rates: Mapping[str, Sequence[float]], first: str, other: str) -> float:
    rounds = sorted(a / b for a, b in zip(rates[first], rates[other], strict=True))
    middle = len(rounds) // 2
    return rounds[middle] if len(rounds) % 2 else (rounds[middle - 1] + rounds[middle]) / 2


def _facts(machine: Mapping[str, Any], versions: Mapping[str, str]) -> str:
    lines = [f"- {name.replace('_', ' ')}: {value}" for name, value in machine.items()]
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    return "\n".join([*lines, f"- versions: {listed}"])


def _choices(contestants: Sequence[Contestant]) -> str:
    """Return what counts as settled and why the settings are so, of each."""
    rows = [(each.name, each.counted, each.chosen) for each in contestants]
    return "\n".join(
        [
            "## What counts as settled, and the settings",
            "",
            "What is removed as it is taken counts a little too early, by as many jobs as the peer",
            "holds: a few of thousands, in its favour.",
            "",
            table(("", "settled: a job that is", "settings"), rows, words=3),
        ]
    )


def _commands(contestants: Sequence[Contestant]) -> str:
    lines = ["## Commands", "", "The worker of each, where `{url}` is the server:", "", "```"]
    for contestant in contestants:
        command = " ".join(contestant.worker).replace("{bin}/", "").replace("{apps}/", "")
        settings = "".join(f"{key}={value} " for key, value in contestant.environment.items())
        lines.append(f"{contestant.name + ':':<16} {settings}{command}")
    return "\n".join([*lines, "```"])
