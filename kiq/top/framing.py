"""What stands above and below each page."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from rich.cells import cell_len

from ..wording import number, visible
from .fleets import Fleet
from .painting import cut
from .picture import Cell, Line, Picture, Style, line
from .standing import Path
from .views import TABS


def compact(value: int) -> str:
    """Return ``999``, ``9.3k``, ``123k``, ``1.2M``: at most six characters up to a billion."""
    if value < 1_000:
        return str(value)
    if value < 1_000_000:
        return f"{value // 100 / 10:.1f}k" if value < 10_000 else f"{value // 1000}k"
    return f"{value // 100_000 / 10:.1f}M"


#: How numbers are written, what stands between them, and shorter names: the first that fits.
_SHORT = {"waiting": "wait", "retries": "retry", "scheduled": "sched"}
_FITS: Sequence[tuple[Callable[[int], str], str, Mapping[str, str]]] = (
    (number, "  ", {}),
    (number, " ", {}),
    (compact, " ", {}),
    (compact, " ", _SHORT),
)


def header_lines(
    fleet: Fleet, path: Path, picture: Picture | None, width: int, now: float, frozen: bool
) -> Sequence[Line]:
    """Return which fleet it is, its numbers, the views, and the path to what is looked at."""
    clock = time.strftime(" %H:%M:%S", time.localtime(now))
    left = line(
        Cell("kiq top", "bold"),
        Cell(f"  {fleet.name}", "bold"),
        f"  {fleet.environment}",
        Cell("  FROZEN" if frozen else "", "warn"),
    )
    room = max(0, width - sum(cell_len(visible(cell.text)) for cell in left) - len(clock))
    place = cut(visible(f"  {fleet.home.where}"), room)
    gap = Cell(" " * (room - cell_len(place)))
    return [
        [*left, Cell(place, "dim"), gap, Cell(clock, "dim")],
        _figures(picture, width),
        _tabs(path),
        _crumbs(path),
    ]


def _figures(picture: Picture | None, width: int) -> Line:
    if picture is None:
        return line(Cell("reading ...", "dim"))
    found = picture.figures
    idle = bool(found.enqueued) and not found.threads
    busy = f"{number(found.busy)}/{number(found.threads)}"
    counts = {
        **{"done": found.processed, "failed": found.failed, "busy": -1, "waiting": found.enqueued},
        **{"retries": found.retries, "scheduled": found.scheduled, "dead": found.dead},
    }
    for told, gap, names in _FITS:
        texts = [told(value) if value >= 0 else busy for value in counts.values()]
        shown = dict(zip((names.get(name, name) for name in counts), texts, strict=True))
        if sum(len(name) + 1 + len(text) + len(gap) for name, text in shown.items()) <= width:
            break
    cells: list[Cell] = []
    for name, text in shown.items():
        style: Style = "bad" if idle and name == "busy" else "bold"
        cells += [Cell(f"{name} ", "dim"), Cell(text, style), Cell(gap)]
    return cells


def _tabs(path: Path) -> Line:
    cells: list[Cell] = []
    for at, (name, title) in enumerate(TABS.items(), 1):
        here = name == path.places[0].view
        style: Style = "here" if here else ""
        cells += [Cell(" " if at > 1 else ""), Cell(f"{at} ", "dim"), Cell(title, style)]
    return cells


def _crumbs(path: Path) -> Line:
    told = " › ".join(
        " ".join(filter(None, (each.view.capitalize(), each.subject, each.wanted)))
        for each in path.places
    )
    return line(Cell(told, "dim"))


def footer_lines(weather: str, message: str, below: Sequence[Line]) -> Sequence[Line]:
    """Return what is to be said, what stands *below* the page, and the keys that lead to all others."""
    said = Cell(weather, "bad") if weather else Cell(message, "warn")
    keys = "? help  / filter  : command  j k rows  h l pages  ← → views  Enter open  q leave"
    return [line(said), *below, line(Cell(keys, "dim"))]
