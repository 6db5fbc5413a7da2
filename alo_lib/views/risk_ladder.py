"""What the book of a run, or of a core at work, risks at a moment: its ladder over spot, volatility and days."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.core.ingest import ingest
from alo_lib.core.state import State
from alo_lib.journal import Journal, JournalError, eras_of
from alo_lib.records import NEW_YORK, OPTION_MULTIPLIER, WHOLE_BOOK, BookMode, HaltCause, Kind, Message
from alo_lib.runtime.same_settings import known_settings_of
from alo_lib.settings import Settings, SettingsError
from alo_lib.strategy.book import CarryLooks
from alo_lib.strategy.book_risk import BookRisk, Holdings
from alo_lib.strategy.halts import follow_losses
from alo_lib.strategy.limits import Limits
from alo_lib.strategy.portfolio import Portfolio
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.stress import SHOCKS, StressLoss, gaps, grid, loss_of, scenario_profits
from alo_lib.strategy.valuation import leg_greeks
from alo_lib.views.delivery import DeliveryRow, deliveries
from alo_lib.views.run import InstrumentRecord, RunError, exchange_moment, instruments_of, records_of

__all__ = [
    "LADDER_DAYS",
    "SPOT_MOVES",
    "VOLATILITY_MOVES",
    "GreekRow",
    "LimitRow",
    "RiskView",
    "book_at",
    "risk_view",
    "stated_risk",
]

SPOT_MOVES: Final = np.linspace(-0.2, 0.2, 9)
VOLATILITY_MOVES: Final = np.array([-0.5, -0.25, 0.0, 0.25, 0.5])
LADDER_DAYS: Final = np.array([0.0, 1.0, 7.0, 30.0])
_LADDER: Final = grid(SPOT_MOVES, VOLATILITY_MOVES, LADDER_DAYS)

_MARKET: Final = (
    *(Kind.INSTRUMENT, Kind.SESSION, Kind.CALENDAR, Kind.RATE, Kind.DIVIDEND, Kind.SPLIT, Kind.HALT),
    *(Kind.ANNOUNCED, Kind.CURVE, Kind.EXTERNAL_STAGE, Kind.OPERATOR),
)
"""Inputs of which a book is made again; orders are followed beside them, and prices are as the core measured them."""

Floats = NDArray[np.float64]


class GreekRow(NamedTuple):
    """Greeks of what is held of one underlying in one expiry, or in shares; raw but for the multiplier."""

    ticker: str
    expiry: str  # yyyy-mm-dd; "shares"
    quantity: int  # contracts, long and short alike, or shares
    delta: float  # shares
    gamma: float  # shares per 1.00 of spot
    vega: float  # money per 1.00 of volatility
    theta: float  # money a year


class LimitRow(NamedTuple):
    """How much of a limit is used."""

    limit: str  # the setting
    part: str  # "book", a ticker, or days to expiry
    used: float
    allowed: float


@dataclass(frozen=True)
class RiskView:
    """The risk of a book at a moment, money."""

    time: int
    equity: float
    spots: dict[str, float]
    halts: tuple[HaltCause, ...]
    mode: BookMode
    ladders: dict[str, Floats]  # by ticker: profit (days, volatility, spot)
    stress: StressLoss
    gap: StressLoss
    gap_move: float
    tickers: dict[int, str]
    greeks: Sequence[GreekRow]
    limits: Sequence[LimitRow]
    deliveries: Sequence[DeliveryRow]
    left_out: tuple[str, ...]  # options that are held and have no implied volatility

    @property
    def together(self) -> Floats:
        """The ladder of the whole book (days, volatility, spot), all underlyings moving by the same."""
        empty = np.zeros((len(LADDER_DAYS), len(VOLATILITY_MOVES), len(SPOT_MOVES)))
        return np.asarray(np.sum([empty, *self.ladders.values()], axis=0))


class BookAt(NamedTuple):
    """A strategy's state as far as its risk hangs on it, and what was measured of it last."""

    time: int
    state: State
    equity: float
    instruments: dict[int, InstrumentRecord]
    last_losses: Sequence[LimitRow]


def book_at(journal: Journal, at: int | None = None) -> BookAt:
    """The book as of the last frame, or of the last before ``at`` (ns UTC), from what the core told of it.

    :raises RunError: where no frame was measured by then.
    """
    messages = [each for each in journal.counted if at is None or each.time <= at]
    last = {message.time for message in messages if message.kind is Kind.EXPOSURE}
    if not last:
        raise RunError("the journal has measured no book by then")
    settings = _settings_then(journal, messages[-1].time)
    state = State(settings, StrategyState(portfolio=Portfolio(settings.cash)))
    strategy = state.strategy
    for message in messages:
        if message.kind in _MARKET:
            ingest(state, message)
        elif message.kind in (Kind.ORDER_EVENT, Kind.INTENT):
            strategy.follow(message)
        elif message.kind is Kind.LIMIT:
            follow_losses(strategy, message.records)
    equity = _take_measures(strategy, messages)
    told = [message for message in messages if message.kind is Kind.INSTRUMENT]
    instruments = instruments_of(records_of(told, Kind.INSTRUMENT))
    return BookAt(max(last), state, equity, instruments, _last_losses(messages))


def _settings_then(journal: Journal, time: int) -> Settings:
    """Those of the era that the journal was in.

    :raises RunError: where they are none that this program knows.
    """
    eras = eras_of(journal)
    era = next((each for each in reversed(eras[1:]) if journal.messages[each.first].time <= time), eras[0])
    try:
        return known_settings_of(era.settings)
    except (JournalError, SettingsError) as error:
        raise RunError(f"the settings of the journal's era {era.number}: {error}") from error


def _take_measures(strategy: StrategyState, messages: Iterable[Message]) -> float:
    """Take each spot, implied volatility and carry as last measured. Returns the equity."""
    equity = strategy.portfolio.cash
    for message in messages:
        if message.kind is Kind.EXPOSURE:
            for row in message.records:
                if row["spot"] > 0.0:
                    strategy.underlyings[int(row["underlying"])].book.take_trade(float(row["spot"]), message.time)
                strategy.underlyings[int(row["underlying"])].exposure["structures"] = row["structures"]
                equity = float(row["equity"])
        elif message.kind is Kind.POSITION:
            for row in message.records[np.isfinite(message.records["implied_volatility"])]:
                number = int(row["instrument"])
                underlying = strategy.underlyings[strategy.underlying_of[number]]
                underlying.implied[number] = float(row["implied_volatility"])
                book = underlying.book
                if book.lists(number):
                    expiry = int(book.contracts["expiry"][book.row(number)])
                    book.carry[expiry] = CarryLooks.told(message.time, float(row["dividend_yield"]))
    return equity


def _last_losses(messages: Iterable[Message]) -> list[LimitRow]:
    told = [message.records for message in messages if message.kind is Kind.LIMIT]
    losses = (b"max_drawdown", b"max_daily_loss")
    rows = [row for row in told[-1] if row["limit"] in losses] if told else []
    return [LimitRow(row["limit"].decode(), "book", float(row["used"]), float(row["allowed"])) for row in rows]


def risk_view(journal: Journal, at: int | None = None) -> RiskView:
    """The risk of the book as of the last frame, or of the last before ``at`` (ns UTC).

    :raises RunError: where no frame was measured by then.
    """
    found = book_at(journal, at)
    strategy, settings, time = found.state.strategy, found.state.settings, found.time
    gap = gaps(settings.overnight_gap)
    ladders, shocks, gapped, greeks, delivered, left_out = {}, {}, {}, [], [], []
    for number, underlying in strategy.underlyings.items():
        held = [each for each in strategy.contracts_held(number) if underlying.book.lists(each)]
        known = [each for each in held if each in underlying.implied]
        left_out += [found.instruments[each].label for each in held if each not in known]
        rows = np.array([underlying.book.row(each) for each in known], np.intp)
        volatility = np.array([underlying.implied[each] for each in known], np.float64)
        contracts = np.array([strategy.portfolio.quantity(each) for each in known], np.float64) * OPTION_MULTIPLIER
        shares, spot = strategy.portfolio.quantity(number), underlying.book.known_spot
        each_profit = {}
        for name, scenarios in (("ladder", _LADDER), ("shocks", SHOCKS), ("gap", gap)):
            of_options = scenario_profits(underlying.book, rows, volatility, strategy.rate, time, scenarios)
            each_profit[name] = (of_options * contracts).sum(axis=1) + shares * spot * scenarios.spot
        shape = (len(LADDER_DAYS), len(VOLATILITY_MOVES), len(SPOT_MOVES))
        ladders[underlying.book.ticker] = each_profit["ladder"].reshape(shape)
        shocks[number], gapped[number] = each_profit["shocks"], each_profit["gap"]
        greeks += _greek_rows(found, number, known, rows, volatility)
        labels = [found.instruments[each].label for each in known]
        quantities = [strategy.portfolio.quantity(each) for each in known]
        delivered += deliveries(underlying.book, labels, quantities, rows, volatility, strategy.rate, time)
    return RiskView(
        time=time,
        equity=found.equity,
        spots={each.book.ticker: each.book.known_spot for each in strategy.underlyings.values()},
        halts=tuple(sorted(strategy.halts)),
        mode=strategy.mode,
        ladders=ladders,
        stress=loss_of(shocks),
        gap=loss_of(gapped),
        gap_move=settings.overnight_gap,
        tickers={number: each.book.ticker for number, each in strategy.underlyings.items()},
        greeks=greeks,
        deliveries=delivered,
        limits=[*_limit_rows(found), *found.last_losses],
        left_out=tuple(left_out),
    )


def _greek_rows(
    found: BookAt, number: int, known: list[int], rows: NDArray[np.intp], volatility: Floats
) -> list[GreekRow]:
    """One row an expiry, and one of shares where some are held."""
    strategy = found.state.strategy
    book, told = strategy.underlyings[number].book, []
    if known and book.known_spot:
        values = leg_greeks(book, rows, volatility, strategy.rate, found.time)
        quantity = np.array([strategy.portfolio.quantity(each) for each in known], np.float64)
        dates = [found.instruments[each].expiry_date for each in known]
        for date in sorted(set(dates)):
            own = np.array([each == date for each in dates])
            units = quantity[own] * OPTION_MULTIPLIER
            sums = (float(units @ getattr(values, name)[own]) for name in ("delta", "gamma", "vega", "theta"))
            told.append(GreekRow(book.ticker, date, int(np.abs(quantity[own]).sum()), *sums))
    if shares := strategy.portfolio.quantity(number):
        told.append(GreekRow(book.ticker, "shares", shares, float(shares), 0.0, 0.0, 0.0))
    return told


def _limit_rows(found: BookAt) -> list[LimitRow]:
    """Of each limit what the book, each underlying and each bucket of expiries uses."""
    strategy, settings = found.state.strategy, found.state.settings
    risk = BookRisk(strategy, settings, strategy.portfolio.held(), found.time)
    structures = {number: int(each.exposure["structures"][0]) for number, each in strategy.underlyings.items()}
    limits = Limits(strategy, settings, risk, found.equity)
    rows = []
    for use in limits.uses(Holdings(strategy.holdings, structures)):
        part = "book"
        if use.underlying != WHOLE_BOOK:
            part = strategy.underlyings[use.underlying].book.ticker
        elif use.days != WHOLE_BOOK:
            part = f"{use.days} days on"
        rows.append(LimitRow(use.limit.name, part, use.used, use.allowed))
    return rows


def stated_risk(view: RiskView) -> dict[str, Any]:
    """The risk of a book for programs; moves are decimals, money the account's currency, greeks raw."""

    def plain(value: float) -> float | None:
        return round(value, 6) + 0.0 if np.isfinite(value) else None

    def losses(loss: StressLoss) -> dict[str, Any]:
        alone = {view.tickers[number]: plain(each) for number, each in loss.alone.items()}
        return {"worst": plain(loss.worst), "together": plain(loss.together), "alone": alone}

    def cells(profit: Floats) -> list[Any]:
        return [[[plain(cell) for cell in row] for row in day] for day in profit.tolist()]

    return {
        "time": exchange_moment(view.time),
        "time_zone": str(NEW_YORK),
        "equity": plain(view.equity),
        "mode": view.mode.name.lower(),
        "halts": [cause.name.lower() for cause in view.halts],
        "spots": {ticker: plain(spot) for ticker, spot in view.spots.items()},
        "greeks": [row._asdict() for row in view.greeks],
        "deliveries": [
            row._asdict() | {name: plain(getattr(row, name)) for name in ("in_the_money", "time_value", "chance")}
            for row in view.deliveries
        ],
        "limits": [row._asdict() | {"used": plain(row.used), "allowed": plain(row.allowed)} for row in view.limits],
        "stress": {"spot": 0.2, "volatility": 0.5, **losses(view.stress)},
        "gap": {"spot": view.gap_move, **losses(view.gap)},
        "ladder": {
            "days": LADDER_DAYS.tolist(),
            "volatility_moves": VOLATILITY_MOVES.tolist(),
            "spot_moves": [round(move, 6) for move in SPOT_MOVES.tolist()],
            "together": cells(view.together),
            "alone": {ticker: cells(profit) for ticker, profit in view.ladders.items()},
        },
        "left_out": list(view.left_out),
    }
