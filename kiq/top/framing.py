"""What stands above and below each page."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ..wording import number
from .fleets import Fleet
from .picture import Cell, Line, Picture, Style, line
from .standing import Path
from .views import TABS


def header_lines(
    fleet: Fleet, path: Path, picture: Picture | None, width: int, now: float, frozen: bool
) -> Sequence[Line]:
    """Return which fleet it is, its numbers, the views, and the path to what is looked at."""
    clock = time.strftime("%H:%M:%S", time.localtime(now))
    where = [
        Cell("kiq top", "bold"),
        Cell(f"  {fleet.name}", "bold"),
        Cell(f"  {fleet.environment}"),
    ]
    place = f"  {fleet.home.where}"
    room = width - sum(len(cell.text) for cell in where) - len(place) - len(clock) - 1
    told = Cell("FROZEN  ", "warn") if frozen else Cell("")
    right = [Cell(" " * max(1, room - len(told.text) + 1)), told, Cell(clock, "dim")]
    return [[*where, Cell(place, "dim"), *right], _figures(picture), _tabs(path), _crumbs(path)]


def _figures(picture: Picture | None) -> Line:
    if picture is None:
        return line(Cell("reading ...", "dim"))
    found = picture.figures
    idle = bool(found.enqueued) and not found.threads
    shown: Sequence[tuple[str, str, bool]] = (
        ("processed", number(found.processed), False),
        ("failed", number(found.failed), False),
        ("busy", f"{number(found.busy)}/{number(found.threads)}", idle),
        ("waiting", number(found.enqueued), False),
        ("retries", number(found.retries), False),
        ("scheduled", number(found.scheduled), False),
        ("dead", number(found.dead), False),
    )
    cells: list[Cell] = []
    for name, value, alarming in shown:
        cells += [Cell(f"{name} ", "dim"), Cell(value, "bad" if alarming else "bold"), Cell("  ")]
    return cells


def _tabs(path: Path) -> Line:
    cells: list[Cell] = []
    for at, (name, title) in enumerate(TABS.items(), 1):
        here = name == path.places[0].view
        cells += [Cell(f"{at}", "dim"), Cell(f"[{title}]" if here else f" {title} ", _here(here))]
    return cells


def _here(here: bool) -> Style:
    return "bold" if here else ""


def _crumbs(path: Path) -> Line:
    told = " › ".join(
        " ".join(filter(None, (TABS.get(each.view, each.view), each.subject, each.wanted)))
        for each in path.places
    )
    return line(Cell(told, "dim"))


def footer_lines(weather: str, message: str) -> Sequence[Line]:
    """Return what is to be said, and the keys that lead to all others."""
    said = Cell(weather, "bad") if weather else Cell(message, "warn")
    keys = "? help  / filter  : command  j k rows  h l pages  ← → views  Enter open  q leave"
    return [line(said), line(Cell(keys, "dim"))]
