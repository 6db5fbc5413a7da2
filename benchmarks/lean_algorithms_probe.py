"""One of LEAN's own algorithms with the one line, or without it, and what its chains' greeks are then."""

import json
import resource
import time
from pathlib import Path
from typing import Any

from AlgorithmImports import Security, SecurityType, Slice

from models import AloOptionPriceModel

__all__ = ["probed"]

_OPTIONS = (SecurityType.OPTION, SecurityType.INDEX_OPTION, SecurityType.FUTURE_OPTION)


def probed(theirs: Any, module: str, *, with_line: bool, written: Path) -> Any:
    """A subclass of the algorithm ``theirs``, in the module that LEAN loads, which reads each delta of each chain.

    with_line: every option that is added gets ``option.set_price_model(AloOptionPriceModel(self))``; those that LEAN
    adds itself, of universes and on futures, by an initializer. What was read is kept as JSON in ``written``.
    """

    class Probed(theirs):  # type: ignore[misc]
        __module__, __qualname__ = module, "Probed"  # LEAN takes what the module itself defines

        def initialize(self) -> None:
            self.told = {"contracts": 0, "zeros": 0, "quoted": 0, "quoted_zeros": 0, "reading": 0.0}
            self.started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
            if with_line:
                self.model = AloOptionPriceModel(self)
                self.add_security_initializer(self.give_to_options)
            super().initialize()

        def with_the_line(self, option: Any) -> Any:
            if with_line:
                option.set_price_model(self.model)
            return option

        def add_option(self, *given: Any, **named: Any) -> Any:
            return self.with_the_line(super().add_option(*given, **named))

        def add_option_contract(self, *given: Any, **named: Any) -> Any:
            return self.with_the_line(super().add_option_contract(*given, **named))

        def add_index_option(self, *given: Any, **named: Any) -> Any:
            return self.with_the_line(super().add_index_option(*given, **named))

        def add_index_option_contract(self, *given: Any, **named: Any) -> Any:
            return self.with_the_line(super().add_index_option_contract(*given, **named))

        def give_to_options(self, security: Security) -> None:
            if security.type in _OPTIONS:
                security.set_price_model(self.model)

        def on_data(self, slice: Slice) -> None:
            if "on_data" in (name for kind in theirs.__mro__ for name in vars(kind)):
                super().on_data(slice)
            begin = time.thread_time()
            for chain in slice.option_chains.values():
                for contract in chain:
                    zero = contract.greeks.delta == 0.0
                    quoted = 0.0 < contract.bid_price <= contract.ask_price
                    self.told["contracts"] += 1
                    self.told["zeros"] += zero
                    self.told["quoted"] += quoted
                    self.told["quoted_zeros"] += quoted and zero
            self.told["reading"] += time.thread_time() - begin

        def on_end_of_algorithm(self) -> None:
            super().on_end_of_algorithm()
            (before, clock), after = self.started, resource.getrusage(resource.RUSAGE_SELF)
            processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            seconds = {"processor": processor, "wall": time.perf_counter() - clock, "memory": after.ru_maxrss / 1024.0}
            unpriced = {one.name: count for one, count in self.model.unpriced.items()} if with_line else {}
            options = (pair.value for pair in self.securities if pair.value.type in _OPTIONS)
            models = sorted({type(option.price_model).__name__ for option in options})
            written.write_text(json.dumps(self.told | seconds | {"unpriced": unpriced, "models": models}))

    return Probed
