"""LEAN custom data: forecasts, regimes and implied-volatility surfaces, written, read back and charted."""

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar

from AlgorithmImports import (
    FileFormat,
    Globals,
    OptionContract,
    OptionRight,
    PythonData,
    QCAlgorithm,
    SubscriptionDataConfig,
    SubscriptionDataSource,
    SubscriptionTransportMedium,
)

from alo_lib.market.volatility_files import (
    ForecastLine,
    RegimeLine,
    SurfaceLine,
    SurfacePoint,
    VolatilityLine,
    store_key,
    text_of,
    volatility_file,
)

__all__ = ["AloForecastData", "AloRegimeData", "AloSurfaceData", "plot", "save", "surface_of"]


class _VolatilityData(PythonData):
    """A line of the file in LEAN's data folder, or, where there is none, of the same text in the object store."""

    line_type: ClassVar[type[VolatilityLine]]

    def get_source(self, config: SubscriptionDataConfig, date: dt.datetime, is_live: bool) -> SubscriptionDataSource:
        """LEAN's question where the lines are."""
        path = volatility_file(Path(Globals.data_folder), self.line_type, _ticker(config))
        if path.is_file():
            return SubscriptionDataSource(str(path), SubscriptionTransportMedium.LOCAL_FILE, FileFormat.CSV)
        key = store_key(self.line_type, _ticker(config))
        return SubscriptionDataSource(key, SubscriptionTransportMedium.OBJECT_STORE, FileFormat.CSV)

    def _filled(self, config: SubscriptionDataConfig, line: VolatilityLine, value: float) -> None:
        self.symbol = config.symbol
        self.time = self.end_time = line.time
        self.value = value
        self["text"] = line.text()


class AloForecastData(_VolatilityData):
    """``add_data(AloForecastData, "SPY")``: the value is the 21-day forecast; :meth:`read` has all horizons."""

    line_type = ForecastLine

    @staticmethod
    def read(data: PythonData) -> ForecastLine:
        """All that the day's line says; ``data`` is what a slice holds."""
        return ForecastLine.parse(str(data["text"]))

    def reader(self, config: SubscriptionDataConfig, line: str, date: dt.datetime, is_live: bool) -> "AloForecastData":
        """LEAN's question what a line says."""
        data, parsed = AloForecastData(), ForecastLine.parse(line)
        data._filled(config, parsed, parsed.at(21.0))
        return data


class AloRegimeData(_VolatilityData):
    """``add_data(AloRegimeData, "SPY")``: the value is the likeliest regime, 0 the calmest; :meth:`read` has all."""

    line_type = RegimeLine

    @staticmethod
    def read(data: PythonData) -> RegimeLine:
        """All that the day's line says; ``data`` is what a slice holds."""
        return RegimeLine.parse(str(data["text"]))

    def reader(self, config: SubscriptionDataConfig, line: str, date: dt.datetime, is_live: bool) -> "AloRegimeData":
        """LEAN's question what a line says."""
        data, parsed = AloRegimeData(), RegimeLine.parse(line)
        data._filled(config, parsed, float(parsed.regime))
        return data


class AloSurfaceData(_VolatilityData):
    """``add_data(AloSurfaceData, "GOOG")``: :meth:`read` has all that a line says.

    The value is the volatility at the money of the nearest expiry with strikes on both sides of the spot; LEAN knows no
    number for none, so it is 0 where there is no such expiry.
    """

    line_type = SurfaceLine

    @staticmethod
    def read(data: PythonData) -> SurfaceLine:
        """All that the line says; ``data`` is what a slice holds."""
        return SurfaceLine.parse(str(data["text"]))

    def reader(self, config: SubscriptionDataConfig, line: str, date: dt.datetime, is_live: bool) -> "AloSurfaceData":
        """LEAN's question what a line says."""
        data, parsed = AloSurfaceData(), SurfaceLine.parse(line)
        data._filled(config, parsed, next(filter(math.isfinite, map(parsed.at_the_money, parsed.expiries)), 0.0))
        return data


def save(algorithm: QCAlgorithm, ticker: str, lines: Sequence[VolatilityLine]) -> str:
    """Keep lines of one kind in LEAN's object store, where ``add_data`` finds them again. Returns their key.

    :raises DataError: for lines out of order or no ticker; ValueError for none, or for more than one kind.
    """
    kinds = {type(line) for line in lines}
    if len(kinds) != 1:
        raise ValueError(f"lines must be of one kind, but they are of {len(kinds)}")
    key = store_key(kinds.pop(), ticker)
    algorithm.object_store.save(key, text_of(lines))
    return key


def plot(algorithm: QCAlgorithm, ticker: str, line: VolatilityLine) -> None:
    """Add a line to LEAN's charts: the forecast of each horizon, probabilities, or volatility at the money by expiry.

    :raises TypeError: for a kind of line that has no chart.
    """
    match line:
        case ForecastLine():
            for days, volatility in zip(line.days, line.volatility, strict=True):
                algorithm.plot(f"{ticker} forecast", f"{days} days, %", 100.0 * volatility)
        case RegimeLine():
            for number, probability in enumerate(line.probability, 1):
                algorithm.plot(f"{ticker} regimes", f"regime {number}", probability)
        case SurfaceLine():
            for expiry in line.expiries:
                if math.isfinite(volatility := line.at_the_money(expiry)):
                    algorithm.plot(f"{ticker} at the money", f"{expiry}, %", 100.0 * volatility)
        case _:
            raise TypeError(f"a {type(line).__name__} has no chart")


def surface_of(time: dt.datetime, contracts: Iterable[OptionContract]) -> SurfaceLine | None:
    """The surface that a chain shows at ``time`` (New York), by its price model; None where it has none."""
    points, spot = [], math.nan
    for contract in contracts:
        volatility = float(contract.implied_volatility)
        if volatility > 0.0:
            spot = float(contract.underlying_last_price)
            right = 1 if contract.right == OptionRight.CALL else -1
            points.append(SurfacePoint(contract.expiry.date(), float(contract.strike), right, volatility))
    return SurfaceLine(time, spot, tuple(sorted(points))) if points else None


def _ticker(config: SubscriptionDataConfig) -> str:
    symbol = config.symbol
    return str(symbol.underlying.value if symbol.has_underlying else symbol.value)
