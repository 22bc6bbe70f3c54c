"""Curves of shares over something that grows, as SVG."""

from __future__ import annotations

from collections.abc import Mapping

from parts.drawing import COLOURS, FAINT, INK, frame, legend, line, text
from parts.samples import Spread

_WIDTH, _HEIGHT = 640, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 60, 70, 50


def curves(title: str, unit: str, series: Mapping[str, Mapping[float, Spread]]) -> str:
    """Return the SVG document: each of *series* has a share of 1 for each place on the axis.

    A dot is a median, with its share beside it; the thin line through it is the range.
    """
    places = sorted({at for each in series.values() for at in each})
    most = max(1.0, *(spread.high for each in series.values() for spread in each.values()))

    def x(at: float) -> float:
        return _LEFT + at / max(places[-1], 1e-9) * (_WIDTH - _LEFT - _RIGHT)

    def y(share: float) -> float:
        return _HEIGHT - _BOTTOM - share / most * (_HEIGHT - _TOP - _BOTTOM)

    parts = [*frame(title, _WIDTH, _HEIGHT), *legend(list(series), _LEFT)]
    for share in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        parts.append(line(_LEFT, y(share), _WIDTH - _RIGHT, y(share), FAINT))
        parts.append(text(_LEFT - 8, y(share) + 4, f"{share:.1f}", anchor="end"))
    for at in places:
        parts.append(text(x(at), _HEIGHT - _BOTTOM + 20, f"{at:g} {unit}", anchor="middle"))
    for found, colour in zip(series.values(), COLOURS, strict=False):
        dots = [(x(at), y(found[at].median), found[at]) for at in sorted(found)]
        path = "L".join(f"{left:.1f} {top:.1f}" for left, top, _ in dots)
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for left, top, spread in dots:
            parts.append(line(left, y(spread.low), left, y(spread.high), INK))
            parts.append(f'<circle cx="{left:.1f}" cy="{top:.1f}" r="4" fill="{colour}"/>')
            parts.append(text(left + 8, top - 6, f"{spread.median:.2f}", size=11))
    return "\n".join([*parts, "</svg>"]) + "\n"
