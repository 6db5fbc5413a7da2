"""A quoted chain as a trader reads it: implied volatilities of bid, mid and ask, greeks, and why some have none."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from alo_lib.market import ChainSnapshot
from alo_lib.pricing import (
    ACCURATE,
    Contracts,
    ContractStatus,
    DividendModel,
    Dividends,
    Greeks,
    MarketTerms,
    QuotedChain,
    Scheme,
    market_price,
)
from alo_lib.pricing.forwards import cash_as_fractions, cash_as_yields
from alo_lib.pricing.quotes import PriceSource
from alo_lib.records import DAYS_A_YEAR, osi_symbol, years_between
from alo_lib.views.run import exchange_time
from alo_lib.views.spoken import or_none

__all__ = ["CARRIES", "Carry", "ChainView", "Expiry", "cash_ahead", "chain_view"]

FloatArray = NDArray[np.float64]
Carry = Literal["yield", "cash", "proportional", "parity", "cash-parity", "none"]
CARRIES: Final[tuple[Carry, ...]] = get_args(Carry)
"""How dividends enter, see :func:`chain_view`."""


class Expiry(NamedTuple):
    """What one expiry's contracts tell together. Volatilities and yields are decimals a year, NaN where unknown."""

    expiry: str
    days: float
    contracts: int
    quoted: int  # with both sides
    explained: int  # with a volatility that explains the mid
    dividend_yield: float
    from_parity: bool  # whether that is the yield that put-call parity implies
    forward: float  # price of the underlying, at the expiry
    at_the_money: float  # mid volatility at the spot, from out-of-the-money options on both sides of it


@dataclass(frozen=True)
class ChainView:
    """A snapshot's contracts with what their quotes imply, by bid, mid and ask, all at the yields of the mid."""

    snapshot: ChainSnapshot
    rate: float
    carry: Carry | float
    bid: QuotedChain
    mid: QuotedChain
    ask: QuotedChain

    @property
    def carry_in_words(self) -> str:
        """How dividends enter, for people."""
        if not isinstance(self.carry, str):
            return f"yield {self.carry:z.3%}"
        return self.carry if self.dividend_model == "spot" else f"{self.carry}, {self.dividend_model}"

    @property
    def dividend_model(self) -> DividendModel:
        """What diffuses."""
        known = self.mid.terms.dividends
        return known.model if isinstance(known, Dividends) else "spot"

    def statuses(self) -> dict[str, int]:
        """How many contracts have each status at the mid, in plain words; only those that some have."""
        counts = np.bincount(self.mid.status, minlength=len(ContractStatus)).tolist()
        return {status.words: count for status, count in zip(ContractStatus, counts, strict=True) if count}

    def expiries(self) -> list[Expiry]:
        """A row an expiry."""
        chain, years, found = self.mid, self.snapshot.years_to_expiry, []
        dates = self.snapshot.contracts["expiry"]
        for expiry in np.unique(dates):
            rows = dates == expiry
            first = int(np.argmax(rows))
            found.append(
                Expiry(
                    expiry=str(expiry),
                    days=float(DAYS_A_YEAR * years[first]),
                    contracts=int(rows.sum()),
                    quoted=int((rows & np.isfinite(chain.market)).sum()),
                    explained=int((rows & (chain.status == ContractStatus.PRICED)).sum()),
                    dividend_yield=float(chain.dividend_yield[first]),
                    from_parity=bool(chain.from_parity[first]),
                    forward=float(chain.forward[first]),
                    at_the_money=chain.at_the_money(rows),
                )
            )
        return found

    def rows(self) -> Iterator[dict[str, Any]]:
        """One object a contract, None where there is no value."""
        snapshot, years, mid, greeks = self.snapshot, self.snapshot.years_to_expiry, self.mid, self.mid.greeks._asdict()
        quoted = exchange_time(snapshot.quoted)
        for i, (expiry, strike, right) in enumerate(snapshot.contracts.tolist()):
            yield {
                "symbol": osi_symbol(snapshot.ticker, expiry, strike, right),
                "expiry": str(expiry),
                "strike": strike,
                "right": "call" if right > 0 else "put",
                "years_to_expiry": float(years[i]),
                "quoted": quoted[i],
                "bid": or_none(snapshot.bid[i]),
                "mid": or_none(mid.market[i]),
                "ask": or_none(snapshot.ask[i]),
                "volume": or_none(snapshot.volume[i]),
                "open_interest": or_none(snapshot.open_interest[i]),
                "status": ContractStatus(mid.status[i]).words,
                "dividend_yield": or_none(mid.dividend_yield[i]),
                "bid_volatility": or_none(self.bid.implied_volatility[i]),
                "mid_volatility": or_none(mid.implied_volatility[i]),
                "ask_volatility": or_none(self.ask.implied_volatility[i]),
                "greeks_volatility": or_none(mid.volatility[i]),
            } | {name: or_none(greeks[name][i]) for name in Greeks._fields[1:]}


def chain_view(
    snapshot: ChainSnapshot,
    *,
    rate: float,
    carry: Carry | float = "yield",
    dividend_model: DividendModel = "spot",
    scheme: Scheme = ACCURATE,
) -> ChainView:
    """What the quotes of a snapshot imply, at one continuously compounded rate.

    carry: "yield" spreads the dividends known to lie ahead into a yield for each expiry that has the same forward;
    "cash" takes them as cash at their ex-times, in the model told; "proportional" as fractions of spot with the same
    forwards; "parity" finds for each expiry the yield at which calls and puts next
    to the forward imply the same volatility, borrowing costs included, and is as "yield" where its quotes give none;
    "cash-parity" takes the cash and finds the yield beside it, which is then the cost of borrowing;
    "none" ignores them; a number is a yield.

    :raises PricingError: when spot, rate or yield are outside the pricing room's domains.
    """
    columns, years = snapshot.contracts, snapshot.years_to_expiry
    contracts = Contracts(
        columns["strike"], years, columns["right"].astype(np.float64), "american" if snapshot.american else "european"
    )
    terms = MarketTerms(snapshot.spot, rate)
    if isinstance(carry, float):
        terms = terms._replace(dividend_yield=carry)
    elif carry in ("cash", "cash-parity"):
        terms = terms._replace(dividends=Dividends(*cash_ahead(snapshot), model=dividend_model))
    elif carry == "proportional":
        terms = terms._replace(dividends=cash_as_fractions(snapshot.spot, rate, cash_ahead(snapshot)))
    elif carry != "none":
        terms = terms._replace(dividend_yield=cash_as_yields(snapshot.spot, rate, years, cash_ahead(snapshot)))
    terms.check()

    def at(source: PriceSource, terms: MarketTerms) -> QuotedChain:
        market, status = market_price(snapshot.bid, snapshot.ask, np.nan, source)
        return QuotedChain(contracts, terms, market, status, ask=snapshot.ask, scheme=scheme)

    mid = at("mid", terms)
    if carry in ("parity", "cash-parity"):
        mid = mid.with_parity()
    return ChainView(snapshot, rate, carry, at("bid", mid.terms), mid, at("ask", mid.terms))


def cash_ahead(snapshot: ChainSnapshot) -> tuple[FloatArray, FloatArray]:
    """A snapshot's dividends ahead: ex-times in years and amounts."""
    times = np.array([when for when, _ in snapshot.dividends], np.int64)
    return years_between(snapshot.time, times), np.array([amount for _, amount in snapshot.dividends], np.float64)
