"""The truth of a made-up market: all that it is made from, in one object, and in a file beside its data."""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from alo_lib.market.generator.dynamics import AnyDynamics, Constant, Garch, Jumps
from alo_lib.records.json_reading import json_of
from alo_lib.records.spelling import check_ticker

__all__ = [
    "DEFAULT_NAMES",
    "EDGES",
    "TRUTH",
    "VERSION",
    "Edge",
    "Event",
    "Halt",
    "Listing",
    "MarketTruth",
    "NameTruth",
    "Split",
    "Spread",
    "read_truth",
    "sentence_of",
]

TRUTH: Final = "truth.json"
"""Names what a made-up data folder was made from."""

VERSION: Final = 2
"""Changes whenever the same truth gives another market."""

EDGES: Final = ("edge", "skew_edge", "curvature_edge", "term_edge")
"""What of implied volatility can be planted."""

OF_A_PATH: Final = ("dynamics", "jumps", "drift", "overnight", "correlation", "dividend", "splits", "events")
"""What moves a name; one that is worth its members has none of it."""

_FIRST_YEAR, _LAST_YEAR = 2012, 2045
_MOST_NAMES: Final = 200
_PAID_AT_MOST: Final = 0.05  # a quarter, of the price


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Edge(_Part):
    """By how much implied volatility is above its fair value: an amount that wanders about its mean.

    In volatility points as decimals (0.02: two points), for a skew a deviation of log-moneyness, for a curvature its
    square, for a term structure each doubling of 30 days to expiry.
    """

    mean: float = Field(0.0, ge=-0.5, le=0.5)
    deviation: float = Field(0.0, ge=0.0, le=0.25, description="stationary deviation from the mean")
    half_life: float = Field(5.0, ge=0.1, le=1000.0, description="of a distance to the mean, trading days")

    @property
    def planted(self) -> bool:
        """Whether it is anything but zero."""
        return self.mean != 0.0 or self.deviation != 0.0

    def in_words(self) -> str:
        """Points, and how they wander."""
        wanders = f", deviation {100 * self.deviation:g}, half-life {self.half_life:g} days" if self.deviation else ""
        return f"{100.0 * self.mean:+g} points{wanders}"


class Split(_Part):
    """Before the open of ``day`` each share becomes ``ratio`` shares."""

    day: dt.date
    ratio: float = Field(gt=0.02, le=50)


class Event(_Part):
    """A dated event that moves the price before the open of ``day``, such as earnings; its date is known long before.

    ``move`` is the standard deviation of the logarithmic move, which is normal and has no drift.
    """

    day: dt.date
    move: float = Field(0.05, gt=0, le=0.5)


class Halt(_Part):
    """No trade and no quote from ``start`` to ``end`` of ``day``, the exchange's time; the value moves on."""

    day: dt.date
    start: dt.time
    end: dt.time

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.start < self.end:
            raise ValueError(f"the halt of {self.day} starts at {self.start:%H:%M} and ends at {self.end:%H:%M}")
        return self


class Spread(_Part):
    """Half of an option's spread: a fixed part, one of volatility, one of its price; all of it wider in the wings."""

    fixed: float = Field(0.004, ge=0, le=5, description="dollars")
    volatility: float = Field(0.003, ge=0, le=0.2, description="decimals")
    share: float = Field(0.002, ge=0, le=0.5, description="of the price")
    wings: float = Field(0.0, ge=0, le=5, description="wider for each deviation beyond the first")
    tick: float = Field(0.01, ge=0.01, le=0.5, description="smallest step of a price, whole cents")
    dear_tick: float = Field(0.05, ge=0.01, le=0.5, description="the same from dear_from on")
    dear_from: float = Field(3.0, ge=0, description="the price from which dear_tick holds")
    size: float = Field(1.0 + math.exp(3.2), gt=1, le=2000, description="median of the contracts that a side displays")


class Listing(_Part):
    """Which options are listed: the expiries of the next weeks and months, and strikes around the stock's price."""

    weeklies: int = Field(6, ge=0, le=18, description="weeks after this one")
    monthlies: int = Field(5, ge=0, le=5, description="third Fridays, this month's included")
    strikes: int = Field(200, ge=1, le=200, description="of an expiry and day, at most: those nearest to the price")

    @model_validator(mode="after")
    def _some_each_day(self) -> Self:
        if self.weeklies < 1 and self.monthlies < 2:
            raise ValueError(
                f"the listing has weeklies {self.weeklies} and monthlies {self.monthlies}; "
                "a day without expiries comes unless weeklies are at least 1 or monthlies at least 2"
            )
        return self


class NameTruth(_Part):
    """One stock and its options."""

    ticker: Annotated[str, AfterValidator(check_ticker)]
    price: float = Field(100.0, gt=1.0, le=10_000, description="at the first close of its history")
    dynamics: AnyDynamics = Field(default_factory=Garch)
    jumps: Jumps | None = None
    drift: float = Field(0.0, ge=-1, le=1, description="expected return above the rate, a year: an edge of the stock")
    overnight: float = Field(0.25, ge=0, le=0.9, description="share of a day's variance before the open")
    correlation: float = Field(0.0, ge=0, le=1, description="of its normal moves with the index; the index has 1")
    dividend: float = Field(0.0, ge=0, description="a share and quarter")
    members: Mapping[str, float] = Field(
        default_factory=dict, description="of an index that is worth these: weights as the market begins"
    )
    borrow: float = Field(0.0, ge=0, le=1, description="what borrowing a share costs, a year, as options price it")
    splits: tuple[Split, ...] = ()
    events: tuple[Event, ...] = ()
    halts: tuple[Halt, ...] = ()
    edge: Edge = Edge()
    skew_edge: Edge = Edge()
    curvature_edge: Edge = Edge()
    term_edge: Edge = Edge()

    @model_validator(mode="after")
    def _affordable(self) -> Self:
        if self.dividend >= _PAID_AT_MOST * self.price:
            raise ValueError(
                f"{self.ticker}: the dividend {self.dividend:g} must be below a twentieth of the price {self.price:g}"
            )
        days = [each.day for each in self.splits]
        if len(set(days)) < len(days):
            raise ValueError(f"{self.ticker} splits twice on one day")
        return self

    @model_validator(mode="after")
    def _no_path_of_its_own(self) -> Self:
        own = [
            key
            for key in OF_A_PATH
            if getattr(self, key) != type(self).model_fields[key].get_default(call_default_factory=True)
        ]
        if self.members and own:
            raise ValueError(f"{self.ticker} is worth its members; {own[0]} is for names with a path of their own")
        return self

    @property
    def edges(self) -> dict[str, Edge]:
        """What is planted, by name; empty where implied volatility is fair."""
        return {name: edge for name in EDGES if (edge := getattr(self, name)).planted}


DEFAULT_NAMES: Final = (
    NameTruth(ticker="ALFA", price=140.0, dynamics=Garch(volatility=0.24), dividend=0.72),
    NameTruth(ticker="BRVO", price=75.0, dynamics=Garch(volatility=0.36, alpha=0.05, gamma=0.08, beta=0.86)),
)
"""Two fictional stocks: one that pays dividends, and a more volatile one that pays none."""


class MarketTruth(_Part):
    """All that a market is made from; the same truth gives the same bytes."""

    version: Literal[2] = VERSION
    seed: int = 1
    start: dt.date = dt.date(2024, 1, 2)
    end: dt.date = dt.date(2024, 1, 31)
    history_days: int = 756
    quote_minutes: int = 5
    quote_lag: int = Field(0, ge=0, le=60, description="minutes that option quotes are behind the stock")
    early_closes: tuple[dt.date, ...] = ()
    spread: Spread = Spread()
    listing: Listing = Listing()
    names: tuple[NameTruth, ...] = DEFAULT_NAMES

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if not 0 <= self.seed < 2**63:
            raise ValueError(f"seed is {self.seed}; allowed are 0 to 2^63 - 1")
        if self.start > self.end or self.start.year < _FIRST_YEAR or self.end.year > _LAST_YEAR:
            raise ValueError(
                f"the market would last from {self.start} to {self.end}; start must not be after end, "
                f"and both must be in {_FIRST_YEAR} to {_LAST_YEAR}"
            )
        if not 1 <= self.history_days <= 2520:
            raise ValueError(f"history_days is {self.history_days}; allowed are 1 to 2520")
        if not 1 <= self.quote_minutes <= 60:
            raise ValueError(f"quote_minutes is {self.quote_minutes}; allowed are 1 to 60")
        if not 1 <= len(self.tickers) <= _MOST_NAMES or len(set(self.tickers)) != len(self.tickers):
            raise ValueError(
                f"the tickers are {self.tickers}; there must be at least one, at most {_MOST_NAMES}, each only once"
            )
        return self

    @model_validator(mode="after")
    def _indices_are_of_plain_names(self) -> Self:
        """The index of names is fair where each is lognormal, all by one clock and without what is paid out."""
        known = {name.ticker: name for name in self.names}
        for index in (name for name in self.names if name.members):
            for ticker, weight in index.members.items():
                where = f"{index.ticker} is an index of {ticker}"
                member = known.get(ticker)
                if member is None or member.members:
                    raise ValueError(f"{where}, which is {'no name' if member is None else 'an index'} of the market")
                if not 0.0 < weight < math.inf:
                    raise ValueError(f"{where} with the weight {weight:g}; weights are above 0")
                if not isinstance(member.dynamics, Constant):
                    raise ValueError(
                        f"{where}, which moves by {member.dynamics.kind}; members move by constant volatility"
                    )
                if member.jumps or member.dividend or member.splits or member.events:
                    raise ValueError(f"{where}; members have no jumps, dividends, splits or events")
            if len({known[ticker].overnight for ticker in index.members}) > 1:
                raise ValueError(
                    f"{index.ticker} is an index of names that differ in what comes overnight; they must not"
                )
        return self

    @property
    def tickers(self) -> tuple[str, ...]:
        """The names' tickers."""
        return tuple(name.ticker for name in self.names)

    @property
    def hidden_edge(self) -> bool:
        """Whether anything is planted that a strategy could earn from; False where all prices are fair."""
        return self.quote_lag > 0 or any(name.edges or name.drift or name.borrow for name in self.names)

    def in_words(self) -> list[tuple[str, str]]:
        """What it holds, a pair of ticker and sentence each; without a ticker what holds for all."""
        said = [("", f"seed {self.seed}, {self.start} to {self.end}, {self.history_days} days of history")]
        if not self.hidden_edge:
            said.append(("", "no edge: options are priced at what they are worth, and stocks earn the interest rate"))
        if self.quote_lag:
            said.append(("", f"option quotes are {self.quote_lag} minutes behind the stock"))
        return said + [(name.ticker, "; ".join(_about(name, self.names))) for name in self.names]


def _about(name: NameTruth, names: Sequence[NameTruth]) -> list[str]:
    if name.members:
        loading = {each.ticker: each.correlation for each in names}
        pairs = sorted(loading[one] * loading[other] for one, other in combinations(name.members, 2))
        of_pairs = f"{pairs[0]:.2f}" if pairs[-1] - pairs[0] < 0.005 else f"{pairs[0]:.2f} to {pairs[-1]:.2f}"
        held = ", ".join(f"{ticker} {weight:g}" for ticker, weight in name.members.items())
        told = [f"an index of {held}, whose correlation is {of_pairs}"]
    else:
        told = list(name.dynamics.in_words())
    if name.jumps is not None:
        told.append(name.jumps.in_words())
    if name.correlation:
        told.append(f"correlation {name.correlation:g} with the index")
    if name.dividend:
        told.append(f"dividend {name.dividend:g} a quarter")
    if name.borrow:
        told.append(f"planted cost of borrowing {name.borrow:.1%} a year, which options price")
    told += [f"{split.ratio:g} for 1 on {split.day}" for split in name.splits]
    told += [f"event of {event.move:.1%} on {event.day}" for event in name.events]
    told += [f"halted on {halt.day} from {halt.start:%H:%M} to {halt.end:%H:%M}" for halt in name.halts]
    if name.drift:
        told.append(f"planted drift {name.drift:+.1%} a year above the rate")
    planted = [f"planted {key.replace('_', ' ')} {edge.in_words()}" for key, edge in name.edges.items()]
    return told + (planted or ["implied volatility is fair"])


def read_truth(data_folder: Path | str) -> MarketTruth | None:
    """What the market in ``data_folder`` was made from; None when there is none or it was not made here."""
    try:
        values = json_of((Path(data_folder) / TRUTH).read_bytes())
        return MarketTruth.model_validate(values)
    except (OSError, ValueError):
        return None


def sentence_of(error: ValidationError, tickers: Sequence[str] = ()) -> str:
    """What is wrong with a truth of these names, in one sentence."""
    first = error.errors()[0]
    message = str(first["msg"]).removeprefix("Value error, ")
    if first["type"] == "value_error":
        return message
    place = [str(each) for each in first["loc"]]
    if place[:1] == ["names"] and len(place) > 1 and len(tickers) > int(place[1]):
        place[:2] = [tickers[int(place[1])]]
    return f"{' '.join(place)} is {first['input']!r}: {message[:1].lower()}{message[1:]}".replace("_", "-")
