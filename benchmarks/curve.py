"""A small chart as SVG: lines over a logarithmic horizontal axis, for the documents."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

__all__ = ["Points", "curve_svg"]

Points = Sequence[tuple[float, float]]

_WIDTH: Final = 640
_HEIGHT: Final = 360
_LEFT: Final = 60
_RIGHT: Final = 20
_TOP: Final = 44
_BOTTOM: Final = 50
_COLORS: Final = ("#3b82f6", "#f59e0b", "#10b981", "#8b5cf6")
_STEP: Final = 10.0


def curve_svg(title: str, x_title: str, y_title: str, lines: Mapping[str, Points]) -> str:
    """The lines with a legend; x must be positive, y starts at zero. The same points give the same text."""
    xs = sorted({x for points in lines.values() for x, _ in points})
    top = _STEP * math.ceil(max(y for points in lines.values() for _, y in points) / _STEP)
    low, high = math.log(xs[0]), math.log(xs[-1])

    def across(x: float) -> float:
        return _LEFT + (math.log(x) - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)

    def up(y: float) -> float:
        return _HEIGHT - _BOTTOM - y / top * (_HEIGHT - _TOP - _BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        f'font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        _text(_LEFT, 18, title, size=14),
        _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 12, x_title, anchor="middle"),
        f'<g transform="translate(16 {(_TOP + _HEIGHT - _BOTTOM) / 2:g}) rotate(-90)">'
        f"{_text(0, 0, y_title, anchor='middle')}</g>",
    ]
    for step in range(round(top / _STEP) + 1):
        y = step * _STEP
        parts.append(
            f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{up(y):.1f}" y2="{up(y):.1f}" stroke="#e5e7eb"/>'
            f"{_text(_LEFT - 6, up(y) + 4, f'{y:g}', anchor='end')}"
        )
    parts += [_text(across(x), _HEIGHT - _BOTTOM + 18, f"{x:g}", anchor="middle") for x in xs]
    for number, (name, points) in enumerate(lines.items()):
        color = _COLORS[number % len(_COLORS)]
        path = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts += [f'<circle cx="{across(x):.1f}" cy="{up(y):.1f}" r="3.5" fill="{color}"/>' for x, y in points]
        place = _LEFT + 8 + 300 * number
        parts.append(f'<rect x="{place}" y="28" width="14" height="4" fill="{color}"/>{_text(place + 20, 34, name)}')
    return "\n".join([*parts, "</svg>\n"])


def _text(x: float, y: float, text: str, *, size: int = 12, anchor: str = "start") -> str:
    shown = escape(text)
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="#374151">{shown}</text>'
