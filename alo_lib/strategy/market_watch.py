"""When each market is looked at, and what is kept and told of it."""

from alo_lib.records import Kind, Records, one_table, records
from alo_lib.settings import Settings
from alo_lib.strategy.market_state import REALIZED_DAYS, is_due, look_at, market_state
from alo_lib.strategy.state import StrategyState, Underlying

__all__ = ["look_at_market", "look_at_markets"]


def look_at_markets(state: StrategyState, settings: Settings, time: int) -> Records:
    """Look at each market that has news and was not told of in this session: a MARKET_STATE record each.

    Where no expiry has a smile yet, the next frame with news looks again.
    """
    session, told = state.session, list[Records]()
    if session is not None and session.is_open(time):
        for underlying in state.underlyings.values():
            known = underlying.market_news and underlying.book.spot > 0.0
            if known and is_due(time, session.open, underlying.looked_at, settings):
                told.append(look_at_market(underlying, settings, state.rate, time))
    return one_table(Kind.MARKET_STATE, told)


def look_at_market(underlying: Underlying, settings: Settings, rate: float, time: int) -> Records:
    """Look at one market, keep its smiles and its figures, and tell them; nothing where no expiry has a smile."""
    look = look_at(underlying.book, settings, rate, time)
    if not look.quoted.told.any():
        return records(Kind.MARKET_STATE, 0)
    underlying.looked_at = time
    underlying.market_history.add(look.day)
    kept = {expiry: shape for expiry, shape in underlying.smiles.items() if expiry > time}
    underlying.smiles = dict(sorted((kept | look.quoted.shapes()).items()))
    underlying.count_down(time)
    forecast = {expiry: (volatility, *underlying.band[expiry]) for expiry, volatility in underlying.forecast.items()}
    events = [event.time for event in underlying.variance_time.ahead(time)]
    realized = underlying.forecaster.realized(REALIZED_DAYS)
    return market_state(underlying.book, look, underlying.market_history, forecast, events, realized)
