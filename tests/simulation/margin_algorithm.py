"""Opens one book after another in LEAN, as plain market orders, and writes down what margin LEAN asks for each."""

import datetime as dt
import json
from typing import Any

from AlgorithmImports import (
    AccountType,
    BrokerageName,
    DataNormalizationMode,
    Market,
    OptionRight,
    OptionStyle,
    QCAlgorithm,
    Resolution,
    Slice,
    Symbol,
)

MINUTE_OF_FIRST = dt.time(9, 45)


class MarginAlgorithm(QCAlgorithm):
    """GOOG on 2015-12-24; a book is opened in one minute, looked at and closed in the next."""

    def initialize(self) -> None:
        self.set_start_date(2015, 12, 24)
        self.set_end_date(2015, 12, 24)
        self.set_cash(10_000_000)
        self.set_brokerage_model(BrokerageName.INTERACTIVE_BROKERS_BROKERAGE, AccountType.MARGIN)
        equity = self.add_equity("GOOG", Resolution.MINUTE, data_normalization_mode=DataNormalizationMode.RAW)
        self.shares = equity.symbol
        self.books: list[tuple[str, list[list[Any]]]] = list(json.loads(self.get_parameter("books")).items())
        self.looked_at: dict[str, Any] = {}
        self.is_open = False
        for _, lines in self.books:
            for line in lines:
                if line[0]:
                    self.add_option_contract(self._symbol(line), Resolution.MINUTE)

    def on_data(self, data: Slice) -> None:
        if self.time.time() < MINUTE_OF_FIRST or len(self.looked_at) == len(self.books):
            return
        name, lines = self.books[len(self.looked_at)]
        if self.is_open:
            prices = [[str(self.securities[self._symbol(line)].close), *line] for line in lines]
            margin = str(self.portfolio.total_margin_used)
            groups = sorted(str(group.buying_power_model) for group in self.portfolio.positions.groups)
            spot = str(self.securities[self.shares].close)
            self.looked_at[name] = {"margin": margin, "spot": spot, "lines": prices, "groups": groups}
        for line in lines:
            self.market_order(self._symbol(line), -line[-1] if self.is_open else line[-1])
        self.is_open = not self.is_open

    def on_end_of_algorithm(self) -> None:
        self.object_store.save("margins", json.dumps(self.looked_at))

    def _symbol(self, line: list[Any]) -> Symbol:
        """The security of an expiry ("" for shares), a right, a strike and a quantity."""
        expiry, right, strike, _ = line
        if not expiry:
            return self.shares
        side = OptionRight.CALL if right > 0 else OptionRight.PUT
        day = dt.datetime.fromisoformat(expiry)
        return Symbol.create_option(self.shares, Market.USA, OptionStyle.AMERICAN, side, strike, day)
