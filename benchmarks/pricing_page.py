"""Fill in the measured part of docs/pricing.md: its table, and its plots of accuracy against time.

``python -m benchmarks.pricing_page`` runs benchmarks/pricing.py's measurements and a ladder of schemes beside
QuantLib's, draws them with matplotlib (in the environment that ``./alo train`` makes), and replaces what stands between
the page's two marks. Everything on that page that was measured stands there.
"""

import argparse
import itertools
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import QuantLib as ql  # noqa: N813

from alo_lib.pricing import ACCURATE, FAST, HIGH_PRECISION, Scheme, price
from benchmarks.harness import Row, best_time
from benchmarks.pricing import Peer, Sample, measure, rmse, table_8, with_cash

Array = npt.NDArray[np.float64]

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "pricing.md"
BEGIN: Final = "<!-- measured: python -m benchmarks.pricing_page -->"
END: Final = "<!-- measured: end -->"
PRESETS: Final = {"fast": FAST, "accurate": ACCURATE, "high_precision": HIGH_PRECISION}
DENSE: Final = (12, 40, 60, 160)
LADDER: Final = ((1, 4, 5, 10), (2, 6, 7, 14), (2, 8, 10, 20), (3, 8, 12, 24), (4, 10, 14, 32), (5, 12, 18, 40),
                 (6, 16, 24, 56), (8, 20, 32, 80), (12, 24, 40, 96))  # fmt: skip
PEERS: Final = ((7, 2, 7, 27), (15, 3, 9, 27), (25, 5, 13, 27), (31, 8, 16, 41))
"""QuantLib's (l, m, n, p)."""
INK, OURS, THEIRS, OTHER = "#3b4453", "#2563eb", "#d97706", "#94a3b8"


class Point(NamedTuple):
    """A method's error and its time an option in microseconds."""

    name: str
    error: float
    each: float


def ladder(sample: Sample, repeats: int) -> list[Point]:
    """Our schemes from the cheapest to the finest; presets have names."""
    named = {scheme: name for name, scheme in PRESETS.items()}
    schemes = {Scheme(*numbers) for numbers in LADDER} | set(named)
    points = []
    for scheme in schemes:

        def run(scheme: Scheme = scheme) -> Array:
            return price(*sample.options, scheme=scheme, threads=1)

        points.append(
            Point(named.get(scheme, ""), rmse(run(), sample), 1e6 * best_time(run, repeats) / sample.value.size)
        )
    return sorted(points, key=lambda point: point.each)


def peers(sample: Sample) -> tuple[list[Point], list[Point]]:
    """QuantLib's ALO schemes from the cheapest to the finest, and its other American engines."""
    peer = Peer()
    own: list[Point] = []
    others: list[Point] = []

    def add(points: list[Point], name: str, engine: object, count: int) -> None:
        part = Sample(sample.options[:, :count], sample.value[:count])
        runs = [peer.values(engine, part) for _ in range(2)]
        points.append(Point(name, rmse(runs[0][0], part), 1e6 * min(seconds for _, seconds in runs) / count))

    for numbers in PEERS:
        add(own, "", ql.QdFpAmericanEngine(peer.process, ql.QdFpLegendreScheme(*numbers)), 500)
    add(own, "highPrecision", ql.QdFpAmericanEngine(peer.process, ql.QdFpAmericanEngine.highPrecisionScheme()), 20)
    add(others, "finite differences 400 x 400", ql.FdBlackScholesVanillaEngine(peer.process, 400, 400), 20)
    add(others, "Cox-Ross-Rubinstein 801", ql.BinomialCRRVanillaEngine(peer.process, 801), 40)
    add(others, "Barone-Adesi-Whaley", ql.BaroneAdesiWhaleyApproximationEngine(peer.process), 500)
    add(others, "QD+", ql.QdPlusAmericanEngine(peer.process), 500)
    return own, others


def cash_ladders(repeats: int) -> tuple[list[Point], list[Point]]:
    """Largest errors in units of spot against time with three cash dividends: ours, and QuantLib's."""
    sample, times, amounts = with_cash()
    named = {scheme: name for name, scheme in PRESETS.items()}
    ours, peer = [], Peer()
    for scheme in [Scheme(4, n, n, n) for n in (3, 5, 7, 14, 20)] + list(named):

        def run(scheme: Scheme = scheme) -> Array:
            return price(*sample.options, scheme=scheme, dividends=(times, amounts))

        error = float(np.abs(run() - sample.value).max()) / 100.0
        ours.append(Point(named.get(scheme, ""), error, 1e6 * best_time(run, repeats) / sample.value.size))
    theirs = []
    for size in (50, 70, 100, 150, 200, 300, 400, 600, 800):
        runs = [peer.with_dividends(sample, times, amounts, size) for _ in range(2)]
        error = float(np.abs(runs[0][0] - sample.value).max()) / 100.0
        theirs.append(Point(f"{size}", error, 1e6 * min(seconds for _, seconds in runs) / sample.value.size))
    return sorted(ours, key=lambda point: point.each), theirs


def error_map(scheme: Scheme) -> tuple[Array, Array, Array]:
    """Volatilities (n,), years (k,) and the largest error (k, n), in units of strike, over rates, yields and spots."""
    volatilities, years = np.geomspace(0.02, 2.0, 25), np.geomspace(0.01, 30.0, 25)
    worst = np.zeros((years.size, volatilities.size))
    for rate, dividend_yield in itertools.product((0.0, 0.02, 0.05, 0.1), repeat=2):
        for shift in (-0.5, 0.0, 0.5):
            sigma, time = np.meshgrid(volatilities, years)
            spot = np.exp(shift * sigma * np.sqrt(time)).clip(0.01, 100.0)
            option = (spot, 1.0, rate, dividend_yield, sigma, time, -1)
            error = np.abs(price(*option, scheme=scheme, invalid="nan") - price(*option, scheme=DENSE, invalid="nan"))
            worst = np.fmax(worst, error)
    return volatilities, years, worst


def _figure(width: float, height: float, columns: int = 1) -> tuple[Any, list[Any]]:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    mpl.rcParams |= {
        "font.size": 9.5,
        "font.family": "sans-serif",
        "axes.edgecolor": "#c3cad5",
        "axes.labelcolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "text.color": INK,
        "axes.grid": True,
        "grid.color": "#e6e9ee",
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    figure, axes = plt.subplots(1, columns, figsize=(width, height), squeeze=False, layout="constrained")
    figure.patch.set_facecolor("white")
    return figure, list(axes[0])


def _save(figure: Any, path: Path) -> None:
    figure.savefig(path, dpi=110, metadata={"Software": None})


def _curve(axis: Any, points: Iterable[Point], color: str, label: str, offset: tuple[int, int]) -> None:
    points = list(points)
    axis.plot([point.each for point in points], [point.error for point in points], "o-", color=color, ms=4, label=label)
    for point in points:
        if point.name:
            axis.annotate(
                point.name, (point.each, point.error), offset, textcoords="offset points", color=color, fontsize=8.5
            )


def draw_speed(path: Path, ours: list[Point], own: list[Point], others: list[Point]) -> None:
    """Error against time of prices without dividends."""
    figure, (axis,) = _figure(7.4, 4.4)
    _curve(axis, ours, OURS, "this library", (-4, -13))
    _curve(axis, own, THEIRS, "QuantLib, the same method", (6, 5))
    for point in others:
        axis.plot(point.each, point.error, "s", color=OTHER, ms=5)
        axis.annotate(point.name, (point.each, point.error), (6, 4), textcoords="offset points", fontsize=8.5)
    axis.set(xscale="log", yscale="log", xlabel="microseconds a price, one core", ylabel="RMSE, strike 100")
    axis.margins(x=0.25)
    axis.legend(frameon=False, loc="lower left")
    _save(figure, path)


def draw_cash(path: Path, ours: list[Point], theirs: list[Point]) -> None:
    """Error against time with cash dividends."""
    figure, (axis,) = _figure(7.4, 3.8)
    _curve(axis, ours, OURS, "this library", (6, 5))
    _curve(axis, theirs, THEIRS, "QuantLib's finite differences, points and steps", (4, 6))
    axis.set(xscale="log", yscale="log", xlabel="microseconds a price, one core", ylabel="largest error, of spot")
    axis.legend(frameon=False, loc="upper right")
    _save(figure, path)


def draw_map(path: Path) -> None:
    """Largest errors over volatility and years."""
    from matplotlib.colors import LogNorm

    figure, axes = _figure(9.6, 3.6, len(PRESETS))
    for axis, (name, scheme) in zip(axes, PRESETS.items(), strict=True):
        volatilities, years, worst = error_map(scheme)
        norm = LogNorm(1e-12, 1e-4)
        drawn = axis.pcolormesh(volatilities, years, np.fmax(worst, 1e-12), norm=norm, cmap="viridis")
        axis.set(xscale="log", yscale="log", title=name, xlabel="volatility")
        axis.grid(visible=False)
    axes[0].set_ylabel("years to expiry")
    figure.colorbar(drawn, ax=axes, label="largest error, of strike", extend="both")
    _save(figure, path)


def table(rows: Iterable[Row]) -> str:
    """The benchmark's rows in Markdown."""
    lines = ["| what | ours | peer | goal | holds |", "| --- | --- | --- | --- | --- |"]
    for row in rows:
        unit = f" {row.unit}" if row.unit else ""
        peer = "" if row.peer is None else f"{row.peer:.3g}{unit}"
        holds = "" if row.holds is None else "yes" if row.holds else "**no**"
        lines.append(f"| {row.what} | {row.value:.3g}{unit} | {peer} | {row.goal} | {holds} |")
    return "\n".join(lines)


def fill(page: str, measured: str) -> str:
    """The page with what was measured between its marks.

    :raises ValueError: when it has none.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the page has no place for figures; it needs the lines {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{measured}\n{END}{after}"


def main(rows: Callable[[bool], Iterable[Row]] = measure) -> int:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--quick", action="store_true", help="fewer repetitions")
    options.add_argument("--page", type=Path, default=PAGE, help="the page; plots go beside it")
    given = options.parse_args()
    repeats = 2 if given.quick else 7
    sample = table_8(500 if given.quick else 2000)
    folder = given.page.parent
    draw_speed(folder / "pricing-speed.png", ladder(sample, repeats), *peers(sample))
    draw_cash(folder / "pricing-dividends.png", *cash_ladders(repeats))
    draw_map(folder / "pricing-errors.png")
    text = fill(given.page.read_text(encoding="utf-8"), table(rows(given.quick)))
    given.page.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
