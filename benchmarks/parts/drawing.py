"""The strokes that the charts are made of, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

INK, FAINT, PAPER = "#24292f", "#d8dee4", "#ffffff"
COLOURS = ("#2f6fde", "#e08a1e", "#4c9a5b")


def frame(title: str, width: float, height: float) -> list[str]:
    """Return the opening of a drawing, with its background and its title."""
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}" role="img" font-family="sans-serif" font-size="12">',
        f"<title>{escape(title)}</title>",
        f'<rect width="100%" height="100%" rx="6" fill="{PAPER}"/>',
        text(16, 24, title, size=15, weight="bold"),
    ]


def legend(names: Sequence[str], left: float) -> list[str]:
    """Return a line with the colour of each of *names*."""
    parts, x = [], left
    for name, colour in zip(names, COLOURS, strict=False):
        parts.append(f'<rect x="{x:g}" y="37" width="12" height="12" fill="{colour}"/>')
        parts.append(text(x + 17, 47, name))
        x += 40 + 6.5 * len(name)
    return parts


def line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    """Return a straight line."""
    return f'<path d="M{x1:.1f} {y1:g}L{x2:.1f} {y2:g}" stroke="{colour}"/>'


def text(
    x: float, y: float, said: str, *, anchor: str = "start", size: int = 12, weight: str = "normal"
) -> str:
    """Return a line of text, at its base line."""
    return (
        f'<text x="{x:.1f}" y="{y:g}" text-anchor="{anchor}" font-size="{size}" '
        f'font-weight="{weight}" fill="{INK}">{escape(said)}</text>'
    )
