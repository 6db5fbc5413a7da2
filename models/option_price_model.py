"""LEAN option price model: right American prices, implied volatilities and greeks, a chain at a time."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from AlgorithmImports import (
    IRiskFreeInterestRateModel,
    OptionChain,
    OptionContract,
    OptionPriceModelParameters,
    OptionPriceModelResult,
    QCAlgorithm,
    Slice,
    Symbol,
)

from alo_lib.pricing import ContractStatus, DividendModel, QuotedChain
from alo_lib.pricing.options import SchemeLike
from alo_lib.pricing.quotes import Array, PriceSource
from models.chain_pricing import ChainPricer
from models.chain_terms import Announced, DividendYield
from models.compiled_border import WRITTEN, Border
from models.marshalling import utc_nanoseconds

__all__ = ["AloOptionPriceModel"]


class AloOptionPriceModel:
    """Prices chains by the Andersen-Lake-Offengenden method: ``option.set_price_model(AloOptionPriceModel(self))``.

    The first contract of a chain that is read in a slice prices them all in one compiled call; contracts of a slice in
    which none is read cost nothing. One model may serve any number of options, American and European.

    price: the market price that implied volatility and greeks are taken from, "mid", "bid", "ask" or "last"; what
    quotes count is told in :func:`alo_lib.pricing.quotes.market_price`.
    dividend_yield: "model" for LEAN's dividend yield of the underlying, "parity" for what put-call parity implies in
    each expiry (LEAN's where it has no pair), or a dividend yield model of LEAN's interface.
    announced: cash dividends that are known, see :data:`models.chain_terms.Announced`. With "parity" the yield is what
    calls and puts imply beside that cash, the cost of borrowing.
    dividend_model: what diffuses between ex-times of the announced, "spot", or "escrowed": the spot less what the cash
    still paid before expiry is worth, as many vendors quote.
    scheme: accuracy, see :class:`alo_lib.pricing.Scheme`.
    max_quote_age: quotes older than that count as stale; None, since a quote stands until it is replaced.

    The theoretical price is computed from the underlying's volatility model where one is set, and is the market price
    elsewhere. A contract without usable quote, or whose price no volatility explains, gets LEAN's empty result and is
    counted in ``unpriced`` by its status.

    :raises PricingError: a ValueError, when an argument is none of the above.
    """

    def __init__(
        self,
        algorithm: QCAlgorithm,
        *,
        price: PriceSource = "mid",
        dividend_yield: DividendYield = "model",
        announced: Announced | None = None,
        dividend_model: DividendModel = "spot",
        scheme: SchemeLike = "accurate",
        max_quote_age: dt.timedelta | None = None,
    ) -> None:
        self._algorithm = algorithm
        self._pricer = ChainPricer(algorithm, price, dividend_yield, announced, dividend_model, scheme, max_quote_age)
        self._border = Border(self._price)
        self._latest = 0

    @property
    def unpriced(self) -> Counter[ContractStatus]:
        """How many contracts that were priced got LEAN's empty result, by status."""
        return self._pricer.unpriced

    def evaluate(self, parameters: OptionPriceModelParameters) -> OptionPriceModelResult:
        """LEAN's entry, once for each security: its later contracts are looked up without Python."""
        parameters.security.price_model = self._border.entry
        result: OptionPriceModelResult = self._border.entry.Evaluate(parameters)
        return result

    def _price(self, parameters: OptionPriceModelParameters) -> OptionPriceModelResult:
        """Price the chain of a contract that has no result yet."""
        contract, time = parameters.contract, self._time(parameters.slice)
        if time > self._latest:
            self._border.clear()
            self._latest = time
        chains = None if parameters.slice is None else parameters.slice.option_chains
        chain = None if chains is None else chains.get(contract.symbol.canonical)
        if chain is not None:
            self._evaluate(chain, time)
        if not self._border.knows(contract):  # a contract that is not of the slice's chain
            self._evaluate([contract], time)
        return self._border.result(contract)

    def values(self, chain: OptionChain | list[OptionContract], time: int) -> Array:
        """The columns :data:`models.compiled_border.WRITTEN` of n contracts of one option, (n, 8), in LEAN's units.

        time: nanoseconds since the epoch, UTC. NaN where a contract has none.
        """
        return self._values(self._border.contracts(chain), time)

    def closing_values(self, contracts: list[OptionContract]) -> Array:
        """As :meth:`values`, of a universe's contracts, which have the prices of the last close.

        Neither the volatility model's forecast nor a quote's age is known of the past; the theoretical price is the
        market's.
        """
        if not contracts:
            return np.empty((0, len(WRITTEN)))
        told, first = self._border.contracts(contracts), contracts[0]
        closed = self._pricer.terms_of(first.symbol).closed(first.time)
        return self.past_values(self._border.read(told).copy(), _Symbols(told), closed)

    def past_values(self, columns: Array, symbols: Sequence[Symbol], time: int) -> Array:
        """As :meth:`closing_values`, of columns :data:`models.compiled_border.READ` at a past time."""
        return self._pricer.values_of(columns, symbols, time, past=True)

    def present_values(self, columns: Array, symbols: Sequence[Symbol], time: int) -> Array:
        """As :meth:`values`, of columns :data:`models.compiled_border.READ` at the algorithm's time."""
        return self._pricer.values_of(columns, symbols, time)

    def quoted_chain(
        self, chain: OptionChain | list[OptionContract], time: int | None = None, *, parity: bool | None = None
    ) -> QuotedChain:
        """What market prices of n contracts of one option imply, at least one, in the chain's order; raw derivatives.

        time: nanoseconds since the epoch, UTC; None for a universe's contracts: the close that they have prices of.
        parity: whether at the yields that put-call parity implies; None as the model was asked.
        """
        told = self._border.contracts(chain)
        at = self._pricer.terms_of(told[0].symbol).closed(told[0].time) if time is None else time
        columns, symbols = self._border.read(told).copy(), _Symbols(told)
        return self._pricer.quoted(columns, symbols, at, past=time is None, parity=parity)

    def with_terms(
        self, risk_free_rate: IRiskFreeInterestRateModel | None, dividend_yield: DividendYield | None
    ) -> ChainPricer:
        """A pricer that takes all that this model was given, but another rate or yield; None leaves the model's."""
        return self._pricer.with_terms(risk_free_rate, dividend_yield)

    def _evaluate(self, chain: OptionChain | list[OptionContract], time: int) -> None:
        contracts = self._border.contracts(chain)
        self._border.write(contracts, self._values(contracts, time))

    def _values(self, contracts: Any, time: int) -> Array:
        """As :meth:`values`, of a .NET array."""
        return self._pricer.values_of(self._border.read(contracts).copy(), _Symbols(contracts), time)

    def _time(self, data: Slice | None) -> int:
        return utc_nanoseconds(self._algorithm.utc_time if data is None else data.utc_time)


class _Symbols(Sequence[Symbol]):
    """The symbols of a .NET array of contracts; each is fetched when it is asked for."""

    def __init__(self, contracts: Any) -> None:
        self._contracts = contracts

    def __len__(self) -> int:
        return len(self._contracts)

    def __getitem__(self, index: Any) -> Any:
        return self._contracts[index].symbol
