"""LEAN option price model: right American prices, implied volatilities and greeks, a chain at a time."""

import datetime as dt
import threading
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from AlgorithmImports import (
    IOptionPriceModel,
    IRiskFreeInterestRateModel,
    OptionChain,
    OptionContract,
    OptionPriceModelResult,
    QCAlgorithm,
    Slice,
    Symbol,
)

from alo_lib.pricing import ContractStatus, DividendModel, QuotedChain
from alo_lib.pricing.options import SchemeLike
from alo_lib.pricing.quotes import Array, PriceSource
from models.chain_pricing import ChainPricer, Told
from models.chain_terms import Announced, DividendYield
from models.compiled_border import WRITTEN, Border, entry_type
from models.compiled_question import Asked, renews
from models.lone_contract import among_peers, quote_by_security
from models.times import utc_nanoseconds

__all__ = ["AloOptionPriceModel"]


_LOCK: Final = threading.RLock()
"""Whoever prices waits for it, with the interpreter's lock let go; one for all models, since one may ask another."""

_TOLD_OF_THREADS: Final = threading.Event()
"""One LEAN is one process, however many models are made."""

if TYPE_CHECKING:
    _Base = IOptionPriceModel
else:
    _Base = entry_type()


class AloOptionPriceModel(_Base):
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
    elsewhere. A contract whose price is at or below the floor, what it is worth without volatility, while its ask
    reaches that, is valued at its mirror's volatility, or without one in the limit; one with an ask and no bid at its
    mirror's or at that of half the ask. A contract without usable quote, or
    whose price nothing explains, gets LEAN's empty result and is counted in ``unpriced`` by its status.

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
        super().__init__()
        self._algorithm = algorithm
        self._pricer = ChainPricer(algorithm, price, dividend_yield, announced, dividend_model, scheme, max_quote_age)
        self._border = Border(self._price)
        self._latest = 0
        self.Run = self._border.find
        if not renews() and not _TOLD_OF_THREADS.is_set():
            _TOLD_OF_THREADS.set()
            algorithm.log(
                "AloOptionPriceModel: this LEAN's contracts have no SetOptionPriceModel: "
                "the greeks of a slice may be read by one thread at a time alone"
            )

    @property
    def statuses(self) -> Counter[ContractStatus]:
        """How many contracts were priced, by status, those with LEAN's empty result included."""
        with _LOCK:
            return self._pricer.statuses.copy()

    @property
    def unpriced(self) -> Counter[ContractStatus]:
        """How many contracts that were priced got LEAN's empty result, by status."""
        with _LOCK:
            return self._pricer.unpriced

    def _price(self, asked: Asked) -> OptionPriceModelResult:
        """Price the chain of a contract that has no result yet."""
        waited = not _LOCK.acquire(blocking=False)
        if waited:
            _LOCK.acquire()
        try:
            if not len(asked.columns):  # there is no contract
                return self._refused(asked, ContractStatus.NO_QUOTE)
            if waited and (found := self._border.result(asked.parameters.contract)) is not None:
                return found  # the thread that was waited for has priced the chain
            return self._of_chain(asked) if asked.of_chain else self._alone(asked)
        finally:
            _LOCK.release()

    def _of_chain(self, asked: Asked) -> OptionPriceModelResult:
        assert asked.time is not None
        forget = asked.time > self._latest
        self._latest = max(asked.time, self._latest)
        symbols = _Symbols(asked.contracts, len(asked.columns))
        if asked.splits:
            self._pricer.count(ContractStatus.STALE, len(symbols), symbols[0])
            values = np.full((len(symbols), len(WRITTEN)), np.nan)
        else:
            told = Told(asked.option, asked.forecast)
            values = self._pricer.values_of(asked.columns, symbols, asked.time, told=told)
        return self._border.write(asked, values, forget=forget)

    def _alone(self, asked: Asked) -> OptionPriceModelResult:
        """The result of a contract that somebody made, at its security's quotes where it carries none; not kept."""
        if asked.splits:
            return self._refused(asked, ContractStatus.STALE)
        time = utc_nanoseconds(self._algorithm.utc_time) if asked.time is None else asked.time
        columns, symbols = asked.columns, [asked.parameters.contract.symbol]
        quote_by_security(columns[0], asked.parameters.security)
        data: Slice | None = asked.parameters.slice or self._algorithm.current_slice
        chains = None if data is None else data.option_chains
        if chains is not None and (found := chains.get(symbols[0].canonical)) is not None:
            chain = self._border.contracts(found)
            others = _Symbols(chain, len(chain))
            columns, symbols = among_peers(
                columns[0], symbols[0], self._border.read(chain), others, parity=self._pricer.parity
            )
        told = Told(asked.option, asked.forecast)
        values = self._pricer.values_of(columns, symbols, time, told=told, counted=slice(1))
        return self._border.made(asked, values[:1])

    def _refused(self, asked: Asked, why: ContractStatus) -> OptionPriceModelResult:
        """LEAN's empty result, counted."""
        self._pricer.count(why, 1, asked.parameters.contract.symbol if len(asked.columns) else None)
        return self._border.empty

    def values(self, chain: OptionChain | list[OptionContract], time: int) -> Array:
        """The columns :data:`models.compiled_border.WRITTEN` of n contracts of one option, (n, 8), in LEAN's units.

        time: nanoseconds since the epoch, UTC. NaN where a contract has none.
        """
        contracts = self._border.contracts(chain)
        with _LOCK:
            return self._pricer.values_of(self._border.read(contracts), _Symbols(contracts, len(contracts)), time)

    def closing_values(self, contracts: list[OptionContract]) -> Array:
        """As :meth:`values`, of a universe's contracts, which have the prices of the last close.

        Neither the volatility model's forecast nor a quote's age is known of the past; the theoretical price is the
        market's.
        """
        if not contracts:
            return np.empty((0, len(WRITTEN)))
        told, first = self._border.contracts(contracts), contracts[0]
        closed = self._pricer.terms_of(first.symbol).closed(first.time)
        return self.past_values(self._border.read(told), _Symbols(told, len(contracts)), closed)

    def past_values(self, columns: Array, symbols: Sequence[Symbol], time: int) -> Array:
        """As :meth:`closing_values`, of columns :data:`models.compiled_question.READ` at a past time."""
        with _LOCK:
            return self._pricer.values_of(columns, symbols, time, past=True)

    def present_values(self, columns: Array, symbols: Sequence[Symbol], time: int) -> Array:
        """As :meth:`values`, of columns :data:`models.compiled_question.READ` at the algorithm's time."""
        with _LOCK:
            return self._pricer.values_of(columns, symbols, time)

    def quoted_chain(
        self, chain: OptionChain | list[OptionContract], time: int | None = None, *, parity: bool | None = None
    ) -> QuotedChain:
        """What market prices of n contracts of one option imply, at least one, in the chain's order; raw derivatives.

        time: nanoseconds since the epoch, UTC; None for a universe's contracts: the close that they have prices of.
        parity: whether at the yields that put-call parity implies; None as the model was asked.
        """
        told = self._border.contracts(chain)
        with _LOCK:
            at = self._pricer.terms_of(told[0].symbol).closed(told[0].time) if time is None else time
            columns, symbols = self._border.read(told), _Symbols(told, len(told))
            return self._pricer.quoted(columns, symbols, at, past=time is None, parity=parity)

    def with_terms(
        self, risk_free_rate: IRiskFreeInterestRateModel | None, dividend_yield: DividendYield | None
    ) -> ChainPricer:
        """A pricer that takes all that this model was given, but another rate or yield; None leaves the model's."""
        return self._pricer.with_terms(risk_free_rate, dividend_yield)


class _Symbols(Sequence[Symbol]):
    """The symbols of a .NET array of contracts; each is fetched when it is asked for."""

    def __init__(self, contracts: Any, count: int) -> None:
        self._contracts, self._count = contracts, count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: Any) -> Any:
        return self._contracts[index].symbol
