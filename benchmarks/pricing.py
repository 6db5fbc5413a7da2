"""American options: right first, then fast, against QuantLib in one run on one core.

The sample is 2,000 puts of the grid of Table 8 in Andersen, Lake and Offengenden (2016), strike 100, worth at least
0.50 and not exercised at once; errors are to a solution with 32 nodes, 48 and 128 points. QuantLib is driven from
Python with its engine, process and quotes reused; an option object an expiry is made outside the timed part.
"""

import itertools
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import QuantLib as ql  # noqa: N813
from scipy.optimize import brentq

from alo_lib.pricing import (
    Chain,
    Contracts,
    Greeks,
    MarketTerms,
    QuotedChain,
    greeks,
    implied_volatility,
    market_price,
    price,
)
from benchmarks.harness import Row, best_time, best_times, options_of, report

Array = npt.NDArray[np.float64]

REFERENCE = (20, 32, 48, 128)
# Strikes of puts with three dividends, values and vegas by tests/pricing/dividend_grid.py, to 1e-8 of spot and 1e-4.
CASH = (
    (80.0, 2.3069335, 23.8259),
    (85.0, 3.6036517, 29.3681),
    (90.0, 5.3007338, 33.8962),
    (95.0, 7.4134748, 36.9699),
    (100.0, 9.936749, 38.39),
    (105.0, 12.8483272, 38.1901),
    (110.0, 16.1135713, 36.5848),
    (115.0, 19.6904232, 33.898),
)
COPIES = 4  # of those puts in one call that is timed
AGREED = (
    (100, 100, 0.05, 0.0, 0.25, 1.0, -1, 7.974482342265),
    (100, 100, 0.0, 0.04, 0.25, 1.0, +1, 8.313128961556),
    (100, 100, 0.0, -0.03, 0.15, 3.0, -1, 7.496483314626),
    (100, 100, -0.005, -0.01, 0.2, 1.0, -1, 7.791616996950),
    (80, 100, -0.005, -0.01, 0.2, 10.0, -1, 33.260267301327),
    (100, 120, 0.1, 0.03, 0.25, 10.0, -1, 23.0003053816),
)


@dataclass(frozen=True)
class Sample:
    """Puts as columns (spot, strike, rate, yield, volatility, time, right), shape (7, n), and their values."""

    options: Array
    value: Array


def table_8(count: int) -> Sample:
    """A fixed draw from the grid of the paper's Table 8."""
    grid = np.array(
        list(
            itertools.product(
                [25.0, 50.0, 80.0, 90.0, 100.0, 110.0, 120.0, 150.0, 175.0, 200.0],
                [100.0],
                [0.02, 0.04, 0.06, 0.08, 0.10],
                [0.0, 0.04, 0.08, 0.12],
                [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
                [30 / 365, 91 / 365, 182 / 365, 274 / 365, 1.0],
                [-1.0],
            )
        )
    ).T
    value = price(*grid, scheme=REFERENCE)
    alive = (value >= 0.5) & (value > grid[1] - grid[0] + 1e-9)
    chosen = np.random.default_rng(8).permutation(np.flatnonzero(alive))[:count]
    return Sample(np.ascontiguousarray(grid[:, chosen]), value[chosen])


class Peer:
    """QuantLib's process and quotes, reused from option to option."""

    def __init__(self) -> None:
        self.today = ql.Date(2, 1, 2026)
        ql.Settings.instance().evaluationDate = self.today
        day_count = ql.Actual365Fixed()
        self.quotes = [ql.SimpleQuote(x) for x in (100.0, 0.05, 0.0, 0.2)]
        spot, rate, dividend_yield, volatility = (ql.QuoteHandle(quote) for quote in self.quotes)
        self.process = ql.BlackScholesMertonProcess(
            spot,
            ql.YieldTermStructureHandle(ql.FlatForward(self.today, dividend_yield, day_count)),
            ql.YieldTermStructureHandle(ql.FlatForward(self.today, rate, day_count)),
            ql.BlackVolTermStructureHandle(ql.BlackConstantVol(self.today, ql.NullCalendar(), volatility, day_count)),
        )

    def with_dividends(self, sample: Sample, times: Array, amounts: Array, size: int) -> tuple[Array, float]:
        """Prices and seconds by QuantLib's finite differences, ``size`` steps and points, cash dividends included."""
        return self.values(self.cash_engine(times, amounts, size), sample)

    def cash_engine(self, times: Array, amounts: Array, size: int) -> object:
        """QuantLib's finite differences with cash dividends, ``size`` steps and points."""
        dates = [self.today + round(365 * float(t)) for t in times]
        schedule = ql.DividendVector(dates, amounts.tolist())
        return ql.FdBlackScholesVanillaEngine(self.process, schedule, size, size, 2)

    def greeks(self, engine: object, sample: Sample) -> tuple[Array, float]:
        """Vegas of the sample and the seconds that all greeks took: seven prices with what their grids give besides.

        Delta, gamma and theta are on every grid, charm follows from them; vega, volga and vanna are central differences
        over a step of volatility, rho and epsilon over one of theirs.
        """
        seconds, moved = self.values(engine, sample)[1], []
        for row, step in ((4, 0.01), (2, 0.001), (3, 0.001)):
            for side in (-1.0, 1.0):
                options = sample.options.copy()
                options[row] += side * step
                found, took = self.values(engine, Sample(options, sample.value))
                seconds += took
                moved.append(found)
        return (moved[1] - moved[0]) / 0.02, seconds

    def implied(self, engine: object, sample: Sample) -> tuple[Array, float]:
        """Implied volatilities of the sample's values by Brent's method to 1e-7, and the seconds they took."""
        found, seconds = np.empty(sample.value.size), 0.0
        for i in range(found.size):
            one = Sample(sample.options[:, i : i + 1].copy(), sample.value[i : i + 1])

            def miss(volatility: float, one: Sample = one) -> float:
                nonlocal seconds
                one.options[4] = volatility
                value, took = self.values(engine, one)
                seconds += took
                return float(value[0] - one.value[0])

            found[i] = brentq(miss, 0.1, 0.5, xtol=1e-7)
        return found, seconds

    def values(self, engine: object, sample: Sample) -> tuple[Array, float]:
        """Prices of the sample and the seconds they took."""
        options = []
        for strike, years in zip(sample.options[1], sample.options[5], strict=True):
            exercise = ql.AmericanExercise(self.today, self.today + round(365 * years))
            options.append(ql.VanillaOption(ql.PlainVanillaPayoff(ql.Option.Put, strike), exercise))
        found = np.empty(len(options))
        spots, rates, yields, volatilities = (sample.options[row].tolist() for row in (0, 2, 3, 4))
        begin = time.perf_counter()
        for i, option in enumerate(options):
            self.quotes[0].setValue(spots[i])
            self.quotes[1].setValue(rates[i])
            self.quotes[2].setValue(yields[i])
            self.quotes[3].setValue(volatilities[i])
            option.setPricingEngine(engine)
            found[i] = option.NPV()
        return found, time.perf_counter() - begin


def rmse(found: Array, sample: Sample) -> float:
    return float(np.sqrt(np.mean((found - sample.value) ** 2)))


def check_answers() -> Iterator[Row]:
    table = np.array(AGREED).T
    worst = float(np.abs(price(*table[:7], scheme="high_precision") - table[7]).max())
    yield Row("agreed values, largest error", worst, "", None, "<= 1e-6", worst <= 1e-6)


def measure_schemes(sample: Sample, repeats: int, quick: bool) -> Iterator[Row]:
    peer = Peer()
    schemes = (
        ("fast", ql.QdFpAmericanEngine.fastScheme(), 4.7e-5, 10.0, 200 if quick else 2000),
        ("accurate", ql.QdFpAmericanEngine.accurateScheme(), 2.4e-6, 10.0, 100 if quick else 1000),
        ("high_precision", ql.QdFpAmericanEngine.highPrecisionScheme(), 4.1e-8, 20.0, 20 if quick else 200),
    )
    for name, peer_scheme, allowed, wanted, peer_count in schemes:
        scheme: str = name

        def ours(scheme: str = scheme) -> Array:
            return price(*sample.options, scheme=scheme, threads=1)

        error = rmse(ours(), sample)
        part = Sample(sample.options[:, :peer_count], sample.value[:peer_count])
        engine = ql.QdFpAmericanEngine(peer.process, peer_scheme)
        runs = [peer.values(engine, part) for _ in range(1 if name == "high_precision" else 3)]
        per_option = 1e6 * best_time(ours, repeats) / sample.value.size
        per_peer = 1e6 * min(seconds for _, seconds in runs) / part.value.size
        yield Row(f"{name}: RMSE", error, "", rmse(runs[0][0], part), f"<= {allowed:g}", error <= allowed)
        yield Row(f"{name}: time an option", per_option, "us", per_peer)
        ratio = per_peer / per_option
        yield Row(f"{name}: times QuantLib's speed", ratio, "x", 1.0, f">= {wanted:g}", ratio >= wanted)


def measure_chains(repeats: int) -> Iterator[Row]:
    random = np.random.default_rng(3)
    strikes = np.tile(np.linspace(70.0, 130.0, 25), 8)
    years = np.repeat(np.tile([0.08, 0.25, 0.5, 1.0], 2), 25)
    rights = np.repeat([-1.0, 1.0], 100)
    own = 0.25 + 0.1 * random.random(200)
    chain = Chain(strikes, years, rights)
    exact = greeks(100.0, strikes, 0.04, 0.01, own, years, rights, scheme="high_precision")
    worst = float(np.abs(chain.greeks(100.0, 0.04, 0.01, own).price - exact.price).max()) / 100.0
    yield Row("chain, own volatilities: largest price error", worst, "of spot", None, "<= 1e-6", worst <= 1e-6)
    each = 1e6 * best_time(lambda: chain.greeks(100.0, 0.04, 0.01, own), repeats) / 200
    yield Row("chain, own volatilities: price and nine greeks", each, "us", None, "<= 1.5", each <= 1.5)
    rates = iter(np.linspace(0.03, 0.05, repeats + 7))  # a rate never seen before: every boundary is solved
    cold = 1e6 * best_time(lambda: chain.greeks(100.0, next(rates), 0.01, own), repeats) / 200
    yield Row("the same at a new rate, boundaries solved", cold, "us", None)
    wide = Chain(np.tile(np.linspace(50, 150, 84), 24), np.repeat(np.tile(np.arange(1, 13) / 8, 2), 84),
                 np.repeat([-1.0, 1.0], 1008))  # fmt: skip
    sigma = 0.2 + 0.05 * wide.time_to_expiry
    each = 1e6 * best_time(lambda: wide.greeks(100.0, 0.04, 0.01, sigma), repeats) / len(wide)
    yield Row("chain of 2,016, one volatility an expiry: price and nine greeks", each, "us", None, "<= 3", each <= 3.0)
    quotes = chain.price(100.0, 0.04, 0.01, own)
    found = chain.implied_volatility(quotes, 100.0, 0.04, 0.01)
    clear = (exact.vega > 0.1) & (exact.price > 1e-6 + np.maximum((100.0 - strikes) * rights, 0.0))
    worst = float(np.abs(found - own)[clear].max())
    yield Row("chain: implied volatility, largest error", worst, "", None, "<= 1e-8", worst <= 1e-8)
    each = 1e6 * best_time(lambda: chain.implied_volatility(quotes, 100.0, 0.04, 0.01), repeats) / 200
    yield Row("chain: implied volatility", each, "us", None, "<= 3", each <= 3.0)


def measure_quoted_chains(repeats: int) -> Iterator[Row]:
    """What a chain of few quotes costs beside its contracts: LEAN asks for such, at times of their own each."""
    one = best_time(lambda: price(100.0, 100.0, 0.04, 0.01, 0.2, 0.5, 1), 20 * repeats)
    for count in (1, 2, 4, 12):
        strikes, years, rights = 90.0 + np.arange(count), np.full(count, 0.5), np.resize([1.0, -1.0], count)
        quotes = price(100.0, strikes, 0.04, 0.01, 0.2, years, rights)
        contracts, terms = Contracts(strikes, years, rights, "american"), MarketTerms(100.0, 0.04, 0.01)

        def ask() -> tuple[Array, Array]:
            market, status = market_price(quotes - 0.01, quotes + 0.01, 0.0)  # noqa: B023
            chain = QuotedChain(contracts, terms, market, status)  # noqa: B023
            return chain.implied_volatility, chain.greeks.delta

        worst = float(np.abs(ask()[0] - 0.2).max())
        yield Row(f"{count} quotes: volatility, largest error", worst, "", None, "<= 1e-6", worst <= 1e-6)
        times = best_time(ask, 20 * repeats) / one
        yield Row(f"{count} quotes: volatility and greeks", times, "prices of one option", None)


def measure_implied(sample: Sample, repeats: int) -> Iterator[Row]:
    vega = greeks(*sample.options).vega
    part = sample.options[:, vega > 0.1][:, :500]
    value = price(*part)

    def ours() -> Array:
        return implied_volatility(value, *part[:4], *part[5:], threads=1)

    worst = float(np.abs(ours() - part[4]).max())
    yield Row("implied volatility: largest error", worst, "", None, "<= 1e-8", worst <= 1e-8)
    each = 1e6 * best_time(ours, repeats) / value.size
    yield Row("implied volatility: time", each, "us", None, "<= 10", each <= 10.0)


def with_cash() -> tuple[Sample, Array, Array]:
    """Eight puts with three dividends, and their right values."""
    strikes, values = np.array(CASH)[:, :2].T
    columns = [np.full(strikes.size, value) for value in (100.0, 0.05, 0.0, 0.25, 1.0, -1.0)]
    columns.insert(1, strikes)
    return Sample(np.stack(columns), values), np.array([60.0, 150.0, 240.0]) / 365.0, np.array([1.0, 1.5, 2.0])


class Rival(NamedTuple):
    """One grid of QuantLib's: points and steps, largest error in units of spot, microseconds an option."""

    size: int
    error: float
    each: float


def rivals(peer: Peer, sample: Sample, times: Array, amounts: Array) -> list[Rival]:
    """Its grids of many sizes: the error does not fall steadily, so that all are tried."""
    found = []
    for size in (50, 60, 70, 80, 100, 125, 150, 200, 300, 400, 600, 800):
        runs = [peer.with_dividends(sample, times, amounts, size) for _ in range(3)]
        error = float(np.abs(runs[0][0] - sample.value).max()) / 100.0
        found.append(Rival(size, error, 1e6 * min(seconds for _, seconds in runs[1:]) / sample.value.size))
    return found


def measure_dividends(repeats: int) -> Iterator[Row]:
    sample, times, amounts = with_cash()
    peer, dividends, many = Peer(), (times, amounts), np.tile(sample.options, COPIES)
    rival = rivals(peer, sample, times, amounts)
    for scheme, allowed, wanted in (("fast", 1e-4, None), ("accurate", 1e-5, 100.0), ("high_precision", 1e-7, None)):

        def ours(scheme: str = scheme) -> Array:
            return price(*many, scheme=scheme, dividends=dividends, threads=1)

        worst = float(np.abs(ours() - np.tile(sample.value, COPIES)).max()) / 100.0
        # The peer's cheapest grid at our error or less, or its best.
        other = min((one for one in rival if one.error <= worst), key=lambda one: one.each,
                    default=min(rival, key=lambda one: one.error))  # fmt: skip
        name = f"dividends, {scheme}"
        yield Row(f"{name}: largest error", worst, "of spot", other.error, f"<= {allowed:g}", worst <= allowed)
        each = 1e6 * best_time(ours, repeats) / many.shape[1]
        yield Row(f"{name}: time an option", each, "us", other.each)
        ratio = other.each / each
        goal = ("", None) if wanted is None else (f">= {wanted:g}", ratio >= wanted)
        yield Row(f"{name}: times QuantLib's speed at that error", ratio, "x", 1.0, *goal)
        if scheme == "accurate":
            engine, at = peer.cash_engine(times, amounts, other.size), each
    yield from measure_cash_greeks(peer, engine, sample, dividends, repeats, at)
    yield from measure_cash_implied(peer, engine, sample, dividends, repeats)


def measure_cash_greeks(
    peer: Peer, engine: object, sample: Sample, dividends: tuple[Array, Array], repeats: int, price_alone: float
) -> Iterator[Row]:
    """``engine``: QuantLib's grid with the error of our prices; ``price_alone``: microseconds of ours."""
    many, vega = np.tile(sample.options, COPIES), np.array(CASH)[:, 2]

    def ours() -> Greeks:
        return greeks(*many, dividends=dividends, threads=1)

    theirs, seconds = peer.greeks(engine, sample)
    worst, other = (float(np.abs(found - vega).max()) for found in (ours().vega[: vega.size], theirs))
    yield Row("dividends: vega, largest error", worst, "", other, "<= 0.01", worst <= 0.01)
    each, per_peer = 1e6 * best_time(ours, repeats) / many.shape[1], 1e6 * seconds / vega.size
    yield Row("dividends: price and nine greeks", each, "us", per_peer)
    ratio = per_peer / each
    yield Row("dividends: times QuantLib's speed for greeks", ratio, "x", 1.0, ">= 300", ratio >= 300.0)
    prices = each / price_alone
    yield Row("dividends: price and nine greeks, in prices", prices, "x", None, "<= 3", prices <= 3.0)


def measure_cash_implied(
    peer: Peer, engine: object, sample: Sample, dividends: tuple[Array, Array], repeats: int
) -> Iterator[Row]:
    """``engine``: QuantLib's grid with the error of our prices."""
    many = np.tile(sample.options, COPIES)

    def ours(value: Array) -> Array:
        return implied_volatility(value, *many[:4], *many[5:], dividends=dividends, threads=1)

    own, right = price(*many, dividends=dividends), np.tile(sample.value, COPIES)
    worst = float(np.abs(ours(own) - 0.25).max())
    yield Row("dividends: implied volatility of our prices, largest error", worst, "", None, "<= 1e-8", worst <= 1e-8)
    found, seconds = peer.implied(engine, sample)
    worst, other = (float(np.abs(each - 0.25).max()) for each in (ours(right), found))
    yield Row("dividends: implied volatility of right prices, largest error", worst, "", other)
    each, per_peer = 1e6 * best_time(lambda: ours(right), repeats) / right.size, 1e6 * seconds / found.size
    yield Row("dividends: implied volatility", each, "us", per_peer)
    ratio = per_peer / each
    yield Row("dividends: times QuantLib's speed for implied volatility", ratio, "x", 1.0, ">= 50", ratio >= 50.0)


def measure_cash_chain(sample: Sample, repeats: int) -> Iterator[Row]:
    """200 contracts with a dividend a quarter for a year, with greeks, in prices without dividends, the sample's."""
    strikes, rights = np.tile(np.linspace(70.0, 130.0, 25), 8), np.repeat([-1.0, 1.0], 100)
    own = 0.25 + 0.1 * np.random.default_rng(3).random(200)
    dividends = (np.array([0.1, 0.35, 0.6, 0.85]), np.full(4, 0.8))
    for years, what, most in (
        (np.repeat(np.tile([0.25, 0.5, 0.75, 1.0], 2), 25), "one to four dividends each", 3.75),
        (np.full(200, 1.0), "four dividends each", None),
    ):

        def ours(years: Array = years) -> Greeks:
            return greeks(100.0, strikes, 0.04, 0.01, own, years, rights, dividends=dividends, threads=1)

        alone, whole = best_times((lambda: price(*sample.options, threads=1), ours), repeats)
        each = 1e6 * whole / 200
        yield Row(f"chain of 200, {what}: price and nine greeks", each, "us", None)
        ratio = each / (1e6 * alone / sample.value.size)
        goal = ("", None) if most is None else (f"<= {most:g}", ratio <= most)
        yield Row("the same, in accurate prices without dividends", ratio, "x", None, *goal)


ALONE = """
import sys, time
import numpy as np
from alo_lib.pricing import price
options = np.load(sys.argv[1])
price(*options, threads=1)
print("ready", flush=True)
sys.stdin.readline()
begin, runs = time.perf_counter(), 0
while time.perf_counter() - begin < 1.5:
    price(*options, threads=1)
    runs += 1
print(runs / (time.perf_counter() - begin))
"""


def processes(options: Array, count: int) -> float:
    """Batches a second that so many processes price, each for itself: what the machine's processors can do together."""
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "options.npy", options)
        command = [sys.executable, "-c", ALONE, f"{folder}/options.npy"]
        pipe = subprocess.PIPE
        running = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(count)]
        outputs = [(process, process.stdin, process.stdout) for process in running]
        for _, _, out in outputs:
            assert out is not None
            out.readline()
        for _, into, _ in outputs:
            assert into is not None
            into.write("go\n")
            into.flush()
        return sum(float(process.communicate()[0]) for process in running)


def measure_threads(sample: Sample, repeats: int) -> Iterator[Row]:
    options = np.tile(sample.options, 10)
    serial = best_time(lambda: price(*options, threads=1), repeats)
    parallel = best_time(lambda: price(*options, threads=2), repeats)
    same = bool(np.array_equal(price(*options, threads=1), price(*options, threads=2)))
    yield Row("two threads: same bits", float(same), "", None, "= 1", same)
    peer = processes(options, 2) / processes(options, 1)
    yield Row("two threads: speed-up; two processes'", serial / parallel, "x", peer, ">= 1.8", serial >= 1.8 * parallel)


def measure_start() -> Iterator[Row]:
    code = "from alo_lib.pricing import price; price(100, 100, 0.05, 0.02, 0.2, 1.0, -1)"
    took = best_time(lambda: subprocess.run([sys.executable, "-c", code], check=True), 2)
    yield Row("import and first price, compilation cached", took, "s", None, "<= 1.5", took <= 1.5)


def measure(quick: bool) -> Iterator[Row]:
    repeats = 3 if quick else 9
    yield from check_answers()
    sample = table_8(2000)
    yield from measure_schemes(sample, repeats, quick)
    yield from measure_chains(repeats)
    yield from measure_quoted_chains(repeats)
    yield from measure_implied(sample, repeats)
    yield from measure_dividends(repeats)
    yield from measure_cash_chain(sample, repeats)
    yield from measure_threads(sample, repeats)
    yield from measure_start()


def main() -> int:
    options = options_of(__doc__).parse_args()
    return report(measure(options.quick), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
