"""Lines over time as SVG, drawn here, so that a page needs no script and no foreign file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

WIDTH, NARROW, HEIGHT = 960, 400, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 20, 16, 32
_LABEL = 140  # what a label of the axis takes

Moment = date | datetime


@dataclass(frozen=True)
class Line:
    """One series as SVG path data: the line, and the area beneath it; where it ends."""

    name: str
    path: str
    area: str
    x: float
    y: float


@dataclass(frozen=True)
class Chart:
    """Lines and the ticks of both axes: (position, label)."""

    lines: tuple[Line, ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    width: int
    right: int
    left: int = _LEFT
    bottom: int = HEIGHT - _BOTTOM
    height: int = HEIGHT


def chart(
    moments: Sequence[Moment], series: Sequence[tuple[str, Sequence[float | None]]], *, width: int = WIDTH
) -> Chart | None:
    """The chart of some series over days or instants, in their order; None when there is nothing to draw.

    Where a value is None the line is interrupted: what is not known is not drawn.
    """
    known = [value for _, values in series for value in values if value is not None]
    if not known:
        return None
    top, bottom = _scale(max(0, *known), min(known), whole=all(float(value).is_integer() for value in known))
    places = [_place(moment) for moment in moments]
    span = max(places[-1] - places[0], 1)

    def x(place: float) -> float:
        return _LEFT + (place - places[0]) / span * (width - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return HEIGHT - _BOTTOM - (value - bottom) / (top - bottom) * (HEIGHT - _TOP - _BOTTOM)

    lines = []
    for name, values in series:
        dots = [(x(place), value) for place, value in zip(places, values, strict=True)]
        pieces = [list(piece) for there, piece in groupby(dots, lambda dot: dot[1] is not None) if there]
        drawn = [[(at, y(value)) for at, value in piece if value is not None] for piece in pieces]
        paths = ["M" + " L".join(f"{at:.1f} {high:.1f}" for at, high in piece) for piece in drawn]
        areas = [
            f"{path} L{piece[-1][0]:.1f} {y(bottom):.1f} L{piece[0][0]:.1f} {y(bottom):.1f} Z"
            for path, piece in zip(paths, drawn, strict=True)
        ]
        if drawn:
            lines.append(Line(name, " ".join(paths), " ".join(areas), *drawn[-1][-1]))
    step = max(1, math.ceil((len(moments) - 1) * _LABEL / width))
    label = "%H:%M" if isinstance(moments[0], datetime) and span <= 2 * 86_400 else "%-d %b"
    return Chart(
        width=width,
        right=width - _RIGHT,
        lines=tuple(lines),
        x_ticks=tuple((x(_place(moment)), f"{moment:{label}}") for moment in moments[::step]),
        y_ticks=tuple(
            (y(tick), short(tick)) for tick in (bottom + (top - bottom) * part / 4 for part in range(5))
        ),
    )


def _scale(high: float, low: float, *, whole: bool) -> tuple[float, float]:
    """The ends of an axis: from 0, or nearer to values that lie far above it and close together."""
    bottom = 0.0
    if whole and low > 0 and high - low < low / 4:
        step = _round_up(max(high - low, 4) / 4)
        bottom = math.floor(low / step) * step
        return bottom + 4 * step * max(1, math.ceil((high - bottom) / (4 * step))), bottom
    return (_round_up(high), 0.0) if low >= 0 else (_round_up(max(high, -low)), -_round_up(max(high, -low)))


def _place(moment: Moment) -> float:
    return moment.timestamp() if isinstance(moment, datetime) else moment.toordinal() * 86_400.0


def _round_up(value: float) -> float:
    """The next round number, a fourth of which is round too."""
    if value < 1e-300:  # beneath it a power of ten has no float of its own
        return 1
    scale = 10.0 ** math.floor(math.log10(value))
    return next(factor * scale for factor in (1, 1.2, 1.6, 2, 2.4, 4, 6, 8, 10) if factor * scale >= value)


def short(value: float) -> str:
    """A number as a label: 950, 12k, 3.5M."""
    for size, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.4g}{unit}"
    return f"{value:.4g}"
