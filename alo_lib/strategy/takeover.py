"""Taking over foreign positions, contracts that are held and of no trade: as trades of the book, closed as any."""

import math
from collections.abc import Iterable

from alo_lib.records import Kind, Records, leg_columns, records
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.structures import STRUCTURES
from alo_lib.strategy.structures.shapes import FormedStructure, HeldContract, formed_structures
from alo_lib.strategy.trade import Trade

__all__ = ["take_over"]


def take_over(state: StrategyState, rows: Records, time: int) -> None:
    """Make trades of what TAKEOVER records say is held, of the foreign ones: those outside of all trades.

    Contracts that form a structure are one trade, any other is one by itself; they count as opened at ``time``, at the
    prices that the records say. What is not held as they say, or not listed, stays outside of trades, which is told; so
    is what is held of a contract beyond what its trade has.
    """
    prices = {int(row["instrument"]): float(row["price"]) for row in rows}
    wanted = {int(row["instrument"]): int(row["quantity"]) for row in rows}
    free = [instrument for instrument in wanted if state.trade_with(instrument) is None]
    for number, underlying in state.underlyings.items():
        book = underlying.book
        ours = [each for each in free if each != number and state.underlying_of.get(each) == number]
        held = [each for each in ours if book.lists(each) and state.portfolio.quantity(each) == wanted[each] != 0]
        for each in sorted(set(ours) - set(held)):
            state.notice(
                number, f"{book.ticker}: contract {each} is not taken over: it is not listed today, or not held"
            )
        for each in sorted(wanted.keys() - set(free)):
            if state.underlying_of[each] == number:
                _tell_beyond(state, book, each)
        trades = [_trade(book, each, time) for each in formed_structures(_contracts(state, book, held))]
        state.open_trades(trades)
        for trade in trades:
            _account_for(state, trade, prices)
            what = f"{trade.quantity} {trade.structure} {'bought' if trade.direction > 0 else 'sold'}"
            state.notice(number, f"{book.ticker}: taken over as trade {trade.number}: {what}")


def _tell_beyond(state: StrategyState, book: MarketBook, leg: int) -> None:
    """Tell of what is held of a trade's leg beyond the trade, which wants no more of it, and closes it."""
    trade, held = state.trade_with(leg), state.portfolio.quantity(leg)
    if trade is None:
        return
    own = trade.quantity * trade.unit[leg]
    beyond = held - own
    if beyond * own > 0:
        has = f"{held} are held, {own} are of trade {trade.number}"
        state.notice(book.instrument, f"{book.ticker}: contract {leg}: {has}; {beyond} are not taken over, but closed")


def _contracts(state: StrategyState, book: MarketBook, numbers: Iterable[int]) -> list[HeldContract]:
    found = []
    for number in numbers:
        row = book.contracts[book.row(number)]
        terms = int(row["right"]), float(row["strike"]), int(row["expiry"])
        found.append(HeldContract(number, *terms, state.portfolio.quantity(number)))
    return found


def _trade(book: MarketBook, formed: FormedStructure, time: int) -> Trade:
    """The trade of a structure, on no signal: what edge it was opened on nobody knows."""
    ratios = STRUCTURES[formed.structure].ratios
    expiries = tuple(int(book.contracts["expiry"][book.row(leg)]) for leg in formed.legs)
    made = Trade(
        book.instrument, formed.structure, formed.legs, ratios, expiries, formed.direction, formed.quantity, time
    )
    columns = leg_columns(formed.legs, ratios) | {"underlying": book.instrument, "direction": formed.direction}
    made.signal = records(Kind.SIGNAL, **columns, structure=formed.structure.encode())
    for name in ("implied_volatility", "forecast_volatility", "edge", "edge_volatility", "vega"):
        made.signal[name] = math.nan
    return made


def _account_for(state: StrategyState, trade: Trade, prices: dict[int, float]) -> None:
    """Count what is held as the trade's: what it paid, and what has been made of it since it was last measured."""
    profit = state.underlyings[trade.underlying].profit
    for leg in trade.legs:
        trade.fill(leg, state.portfolio.quantity(leg), prices[leg])
    trade.progress.complete()
    profit.leg_fills = [
        fill._replace(trade=trade.number, taken_over=True)
        if fill.trade == 0 and fill.instrument in trade.legs
        else fill
        for fill in profit.leg_fills
    ]
    profit.untold = True
