"""The algorithm that benchmarks.lean_greeks runs in LEAN: it reads greeks of a whole chain and clocks that."""

import datetime as dt
import json
import threading
import time

from AlgorithmImports import OptionChain, OptionContract, OptionFilterUniverse, QCAlgorithm, Resolution, Slice, Symbol

from models import AloOptionPriceModel

_GREEKS = ("delta", "gamma", "vega", "theta", "rho")
_KEPT = ("10:00", "11:30", "12:45")  # when rows are kept for the comparison with a reference


class LeanGreeksAlgorithm(QCAlgorithm):
    """GOOG, 2015-12-24, minute bars: strikes -40..40, 0-180 days, or a few contracts at the money."""

    def initialize(self) -> None:
        self.set_start_date(2015, 12, 24)
        self.set_end_date(2015, 12, 24)
        self.model, self.what = self.get_parameter("model"), self.get_parameter("read")
        self.every = int(self.get_parameter("every"))
        option = self.add_option("GOOG", Resolution.MINUTE)
        if few := int(self.get_parameter("contracts")):
            option.set_filter(lambda universe: universe.contracts(_at_the_money(universe)[:few]))
        else:
            option.set_filter(-40, 40, 0, 180)
        if self.model == "ours":
            option.set_price_model(AloOptionPriceModel(self))
        self.chain = option.symbol
        self.slices = self.contracts = 0
        self.seconds = self.wall = self.total = 0.0
        self.threads = int(self.get_parameter("threads"))
        self.different = 0
        self.failures: list[str] = []
        self.rows: list[dict[str, object]] = []
        self.begin = time.process_time()

    def on_data(self, slice: Slice) -> None:
        chain: OptionChain | None = slice.option_chains.get(self.chain)
        if chain is None:
            return
        self.slices += 1
        if self.slices % self.every:
            return
        begin = time.thread_time(), time.perf_counter()
        if self.threads > 1:
            self.read_at_once(list(chain))
        else:
            self.read(chain)
        self.seconds += time.thread_time() - begin[0]
        self.wall += time.perf_counter() - begin[1]
        self.contracts += chain.contracts.count
        if self.model == "ours" and self.what == "all" and f"{self.time:%H:%M}" in _KEPT:
            self.keep(chain)

    def read(self, chain: OptionChain) -> None:
        if self.what == "delta":
            for contract in chain:
                self.total += contract.greeks.delta
        elif self.what == "all":
            for contract in chain:
                greeks = contract.greeks
                self.total += greeks.delta + greeks.gamma + greeks.vega + greeks.theta + greeks.rho
                self.total += contract.implied_volatility
        else:
            for contract in chain:
                self.total += contract.strike

    def read_at_once(self, contracts: list[OptionContract]) -> None:
        """Deltas by threads that begin at one time, every other backwards; they are compared, and all time counts."""
        found: list[dict[Symbol, float]] = [{} for _ in range(self.threads)]
        took = [0.0] * self.threads

        def read(number: int) -> None:
            begin = time.thread_time()
            try:
                for contract in contracts[:: -1 if number % 2 else 1]:
                    found[number][contract.symbol] = contract.greeks.delta
            except Exception as error:
                self.failures.append(str(error)[:100])
            took[number] = time.thread_time() - begin

        threads = [threading.Thread(target=read, args=(number,)) for number in range(self.threads)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.seconds += sum(took)
        for contract in contracts:
            told = {one.get(contract.symbol) for one in found}
            self.different += len(told) - 1
            self.total += found[0].get(contract.symbol, 0.0)

    def keep(self, chain: OptionChain) -> None:
        rate = float(self.risk_free_interest_rate_model.get_interest_rate(self.time))
        for contract in chain:
            greeks = contract.greeks
            self.rows.append(
                {
                    "time": f"{self.time:%Y-%m-%d %H:%M}",
                    "expiry": f"{contract.expiry:%Y-%m-%d}",
                    "strike": float(contract.strike),
                    "right": -1.0 if int(contract.right) else 1.0,
                    "bid": float(contract.bid_price),
                    "ask": float(contract.ask_price),
                    "spot": float(contract.underlying_last_price),
                    "rate": rate,
                    "volatility": float(contract.implied_volatility),
                    **{name: float(getattr(greeks, name)) for name in _GREEKS},
                }
            )

    def on_end_of_algorithm(self) -> None:
        result: dict[str, object] = {
            "contracts": self.contracts,
            "seconds": self.seconds,
            "wall": self.wall,
            "total": self.total,
            "slices": self.slices,
            "different": self.different,
            "failures": len(self.failures),
        }
        result["backtest"] = time.process_time() - self.begin
        self.object_store.save("result", json.dumps(result | {"rows": self.rows}))


def _at_the_money(universe: OptionFilterUniverse) -> list[Symbol]:
    """The contracts of 15 January 2016 by the distance of their strike from 750, a call before its put."""
    month = [row.symbol for row in universe if row.symbol.id.date == dt.datetime(2016, 1, 15)]
    return sorted(month, key=lambda symbol: (abs(float(symbol.id.strike_price) - 750.0), str(symbol.value)))
