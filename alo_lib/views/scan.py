"""What a scan of one underlying says: the state of its market, what is worth trading, and why the rest is not."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import MATURITIES, legs_and_ratios
from alo_lib.simulation.moment import MarketMoment
from alo_lib.strategy.contract_rejections import contract_rejections
from alo_lib.strategy.market_state import LEAST_DAYS
from alo_lib.strategy.rejections import MEANINGS, Rejection
from alo_lib.views.run import exchange_moment
from alo_lib.views.spoken import DASH, money, or_dash, or_none, rounded

__all__ = ["Candidate", "Leg", "MarketFigures", "ScanView", "day_of", "market_rows", "maturity_rows", "scan_view"]


@dataclass(frozen=True)
class Leg:
    """One contract of a structure, ``ratio`` of it a structure bought; sold where below zero."""

    symbol: str
    strike: float
    right: int
    expiry: str
    ratio: int

    def __str__(self) -> str:
        side = "+" if self.ratio > 0 else "−"
        return f"{side}{abs(self.ratio)} {'C' if self.right > 0 else 'P'}{self.strike:g}"


@dataclass(frozen=True)
class Candidate:
    """A structure that is worth the most after costs, as its signal has it. Money is a structure's."""

    structure: str
    direction: str
    legs: tuple[Leg, ...]
    implied: float
    forecast: float
    edge: float
    edge_volatility: float
    vega: float
    hedging_cost: float
    penalty: float
    stress_loss: float
    """These three are 0 where the settings do not ask for them."""
    suffices: bool
    """Whether its edge is entry-edge or more."""

    @property
    def why(self) -> str:
        """In a sentence."""
        than = f"{money(abs(self.edge))} {'less' if self.edge < 0.0 else 'more'} than"
        gain = f"brings {than} it is worth" if self.direction == "sell" else f"is worth {than} it costs"
        paid = [("fees", True), ("hedging", self.hedging_cost), ("the band's penalty", self.penalty)]
        *before, last = ["spread", *(name for name, is_paid in paid if is_paid)]
        after = f"{', '.join(before)} and {last}: {100.0 * self.edge_volatility:z.2f} points of volatility"
        return (
            f"{gain} at the forecast, after {after}"
            f"{'' if self.suffices else ', which entry-edge does not take'}; implied {or_dash(self.implied, 'z.1%')}, "
            f"forecast {or_dash(self.forecast, 'z.1%')}"
        )

    @property
    def title(self) -> str:
        """What is done, and with which contracts."""
        expiries = sorted({leg.expiry for leg in self.legs})
        return f"{self.direction} {self.structure} {' / '.join(expiries)}"


@dataclass(frozen=True)
class MarketFigures:
    """A MARKET_STATE record as people and programs read it; NaN where a figure cannot be told."""

    row: dict[str, float]

    def __getitem__(self, name: str) -> float:
        return self.row[name]

    @property
    def premium(self) -> float:
        """Implied less forecast volatility of 30 days."""
        return self["implied_30"] - self["forecast_30"]

    @property
    def beyond_band(self) -> str:
        """Where implied volatility of 30 days lies beside the forecast's band."""
        implied, low, high = self["implied_30"], self["band_low"], self["band_high"]
        if not all(map(math.isfinite, (implied, low, high))):
            return "unknown"
        return "below" if implied < low else "above" if implied > high else "within"

    def to_dict(self) -> dict[str, Any]:
        """For JSON: decimals, None where unknown."""
        told: dict[str, Any] = {
            name: or_none(rounded(value))
            for name, value in self.row.items()
            if name not in ("underlying", "days", "ex_date", "event", "events", "smiles", "open_interest")
        }
        told |= {name: int(self.row[name]) for name in ("days", "open_interest", "events", "smiles")}
        told |= {name: day_of(int(self.row[name])) for name in ("ex_date", "event")}
        told["implied_less_forecast"] = or_none(rounded(self.premium))
        told["implied_less_realized"] = or_none(rounded(self["implied_30"] - self["realized"]))
        told["beside_band"] = self.beyond_band
        return told


@dataclass(frozen=True)
class ScanView:
    """One underlying at one moment."""

    moment: MarketMoment
    codes: NDArray[np.int8]
    """Of each contract that is looked at, a :class:`Rejection`."""

    @property
    def ticker(self) -> str:
        """Of the underlying."""
        return self.moment.underlying.book.ticker

    @property
    def market(self) -> MarketFigures | None:
        """What its options price; None where no expiry has a smile."""
        rows = self.moment.market
        if not len(rows):
            return None
        return MarketFigures({name: float(rows[name][0]) for name in rows.dtype.names or ()})

    @property
    def opens_nothing(self) -> str:
        """Why no candidate would be opened, whatever its edge; empty where nothing is known to keep them all."""
        if not self.moment.underlying.book.terms_change:
            return ""
        return (
            "Its contracts change, or end, before the next session: what is held is closed, and nothing is opened"
            " (a split, spin-off, merger or delisting)."
        )

    @property
    def candidates(self) -> list[Candidate]:
        """The best structures, best first."""
        return [self._candidate(row) for row in self.moment.signals]

    def reasons(self) -> list[tuple[Rejection, int]]:
        """How many contracts each reason rejects, in the order of the tests; those that none rejects last."""
        counts = np.bincount(self.codes, minlength=len(Rejection)).tolist()
        return [(reason, counts[reason]) for reason in Rejection if counts[reason]]

    def contracts(self) -> list[dict[str, Any]]:
        """Each contract with its quote and what rejects it, None where nothing does."""
        book = self.moment.underlying.book
        listed, quotes = book.contracts, book.quotes
        rows = []
        for code, contract, quote in zip(self.codes.tolist(), listed, quotes, strict=True):
            reason = Rejection(code)
            rows.append(
                {
                    "symbol": contract["symbol"].decode(),
                    "expiry": day_of(int(contract["expiry"])),
                    "strike": float(contract["strike"]),
                    "right": "call" if contract["right"] > 0 else "put",
                    "bid": or_none(quote["bid"]),
                    "ask": or_none(quote["ask"]),
                    "open_interest": int(contract["open_interest"]),
                    "rejected": None if reason is Rejection.NONE else reason.words,
                }
            )
        return rows

    def to_dict(self) -> dict[str, Any]:
        """For JSON: volatilities and edges are decimals, money a structure's."""
        market = self.market
        return {
            "ticker": self.ticker,
            "time": exchange_moment(self.moment.time),
            "time_zone": "America/New_York",
            "resolution": self.moment.settings.resolution,
            "market": None if market is None else market.to_dict(),
            "opens_nothing": self.opens_nothing or None,
            "candidates": [
                {
                    "structure": one.structure,
                    "direction": one.direction,
                    "legs": [
                        {"symbol": leg.symbol, "expiry": leg.expiry, "strike": leg.strike, "ratio": leg.ratio}
                        for leg in one.legs
                    ],
                    "implied_volatility": or_none(rounded(one.implied)),
                    "forecast_volatility": or_none(rounded(one.forecast)),
                    "edge": or_none(rounded(one.edge)),
                    "edge_volatility": or_none(rounded(one.edge_volatility)),
                    "vega": or_none(rounded(one.vega)),
                    "hedging_cost": or_none(rounded(one.hedging_cost)),
                    "penalty": or_none(rounded(one.penalty)),
                    "stress_loss": or_none(rounded(one.stress_loss)),
                    "suffices": one.suffices,
                    "why": one.why,
                }
                for one in self.candidates
            ],
            "reasons": [
                {"reason": reason.words, "means": MEANINGS[reason], "contracts": count}
                for reason, count in self.reasons()
            ],
            "contracts": self.contracts(),
        }

    def _candidate(self, row: np.void) -> Candidate:
        book, settings = self.moment.underlying.book, self.moment.settings
        direction, edge = int(row["direction"]), float(row["edge_volatility"])
        return Candidate(
            structure=bytes(row["structure"]).decode(),
            direction="buy" if direction > 0 else "sell",
            legs=tuple(
                _leg(book.contracts[book.row(number)], ratio * direction)
                for number, ratio in zip(*legs_and_ratios(row), strict=True)
            ),
            implied=float(row["implied_volatility"]),
            forecast=float(row["forecast_volatility"]),
            edge=float(row["edge"]),
            edge_volatility=edge,
            vega=float(row["vega"]),
            hedging_cost=float(row["hedging_cost"]),
            penalty=float(row["penalty"]),
            stress_loss=float(row["stress_loss"]),
            suffices=edge >= settings.entry_edge,
        )


def maturity_rows(market: MarketFigures) -> list[tuple[str, ...]]:
    """Implied and forecast volatility of each maturity as people read them: a name, then a cell a maturity."""
    names = {"implied": "implied", "forecast": "forecast"}
    rows = [
        (title, *(or_dash(market[f"{name}_{days}"], "z.1%") for days in MATURITIES)) for title, name in names.items()
    ]
    apart = (market[f"implied_{days}"] - market[f"forecast_{days}"] for days in MATURITIES)
    return [*rows, ("implied less forecast", *(or_dash(value, "+z.1%") for value in apart))]


def market_rows(market: MarketFigures) -> list[tuple[str, str]]:
    """The other figures, names and values as people read them."""
    error, apart = or_dash(market["implied_error"], "z.2%"), market["implied_30"] - market["realized"]
    band = f"{or_dash(market['band_low'], 'z.1%')} to {or_dash(market['band_high'], 'z.1%')}"
    skew, slope = (or_dash(market[name], "+z.2%") for name in ("skew", "term_slope"))
    scores = [or_dash(market[name], "+z.1f") for name in ("skew_score", "term_score")]
    return [
        ("error of implied, 30 days", error),
        ("band of the forecast, 30 days", f"{band}, implied {market.beyond_band}"),
        ("realized over 20 sessions", f"{or_dash(market['realized'], 'z.1%')}, implied {or_dash(apart, '+z.1%')}"),
        ("rank, percentile of a year", _place(market)),
        ("skew a standard deviation", f"{skew}, score {scores[0]}"),
        ("term slope, 90 less 30 days", f"{slope}, score {scores[1]}"),
        ("spread at the money", or_dash(market["spread"], "z.1%")),
        ("size at the money", or_dash(market["size"], "z,.0f")),
        ("open interest", f"{int(market['open_interest']):,}"),
        ("next ex-date by rhythm", day_of(int(market["ex_date"])) or DASH),
        ("next event", _event(market)),
    ]


def _place(market: MarketFigures) -> str:
    days = int(market["days"])
    if not math.isfinite(market["rank"]):
        return f"{DASH} (of {LEAST_DAYS} days that tell it {days:,} known)"
    return f"{market['rank']:z.0%}, {market['percentile']:z.0%} of {days:,} days"


def _event(market: MarketFigures) -> str:
    when = day_of(int(market["event"]))
    return DASH if when is None else f"{when}, {int(market['events']):,} ahead"


def scan_view(moment: MarketMoment) -> ScanView:
    """What there is to say of a moment."""
    underlying, state = moment.underlying, moment.state
    return ScanView(moment, contract_rejections(underlying, moment.settings, state.rate, moment.frame))


def day_of(time: int) -> str | None:
    """The New York day of a time, ns UTC; None for 0."""
    return exchange_moment(time)[:10] if time else None


def _leg(contract: np.void, ratio: int) -> Leg:
    expiry = day_of(int(contract["expiry"])) or ""
    return Leg(contract["symbol"].decode(), float(contract["strike"]), int(contract["right"]), expiry, ratio)
