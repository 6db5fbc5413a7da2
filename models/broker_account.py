"""What the broker says of its account while LEAN runs: LEAN itself asks once, when it starts.

Events that come twice, or not at all, leave LEAN with other positions than the broker's. So the broker is asked again,
once a minute, and more often once its connection is back.
"""

from typing import Any, Final

from AlgorithmImports import Composer, IBrokerage, QCAlgorithm, Symbol

from alo_lib.records import SECOND
from alo_lib.runtime.account_watch import AccountWatch
from alo_lib.runtime.host_position import HostPosition
from models.marshalling import Marshal

__all__ = ["BrokerAccount"]

_RARELY: Final = 60 * SECOND
_OFTEN: Final = 2 * SECOND


class BrokerAccount:
    """Compares LEAN's positions and orders with the broker's, and puts right in LEAN's what stays otherwise."""

    def __init__(self, algorithm: QCAlgorithm, marshal: Marshal) -> None:
        self._algorithm, self._marshal, self._watch = algorithm, marshal, AccountWatch()
        self._next = 0
        self._unheard = ""  # why the broker could not be asked last

    @property
    def is_sure(self) -> bool:
        """Whether the broker is connected, and LEAN's positions are its own as far as they were looked at."""
        return self._watch.is_sure

    def gone(self) -> None:
        """The connection is lost: from now on nobody knows what the broker holds."""
        self._watch.gone()

    def back(self) -> None:
        """The connection is back: what the broker holds is to be seen before it is believed."""
        self._watch.back({int(order.id) for order in self._algorithm.transactions.get_open_orders()})
        self._next = 0

    def look(self, time: int, *, at_once: bool = False) -> list[str]:
        """Look at ``time``, ns UTC, where it is due. Returns what was put right in LEAN's account, in sentences."""
        if not (at_once or time >= self._next) or not self._watch.connected:
            return []
        broker = self._broker()
        told = None if broker is None else self._told(broker)
        self._next = time + _RARELY
        if broker is None or told is None:
            return []
        held, ids = told
        ours = {int(order.id): order for order in self._algorithm.transactions.get_open_orders()}
        theirs = {number for number, order in ours.items() if not ids.isdisjoint(map(str, order.broker_id))}
        working = {number: order.symbol for number, order in ours.items()}
        wrong, lost = self._watch.look(time, self._believed(), held, working, theirs)
        self._marshal.lose(lost)
        if not self._watch.is_sure:
            self._next = time + _OFTEN
        said = [f"the broker works LEAN's order {number} for {working[number].value} no more" for number in lost]
        for symbol, (quantity, price) in sorted(wrong.items(), key=lambda each: str(each[0].value)):
            before = int(self._algorithm.portfolio[symbol].quantity)
            self._algorithm.securities[symbol].holdings.set_holdings(price, quantity)
            said.append(
                f"the broker holds {quantity} {symbol.value}, LEAN held {before}: LEAN's is set to the broker's"
            )
        return said

    def _broker(self) -> Any:
        composer: Any = Composer.INSTANCE  # its generic methods are asked for interfaces
        return composer.get_part[IBrokerage]()

    def _told(self, broker: Any) -> tuple[dict[Symbol, HostPosition], set[str]] | None:
        """What the broker holds of securities that LEAN knows, and the identifiers of the orders that it works.

        None where it does not say, which is told once.
        """
        try:
            held = {
                each.symbol: HostPosition(int(each.quantity), float(each.average_price))
                for each in broker.get_account_holdings()
            }
            ids = {str(name) for order in broker.get_open_orders() for name in order.broker_id}
        except Exception as error:  # whatever a broker's plug-in raises
            if str(error) != self._unheard:
                self._unheard = str(error)
                self._algorithm.log(f"alo: the broker does not tell what it holds: {error}")
            return None
        self._unheard = ""
        known = self._algorithm.securities
        return {symbol: each for symbol, each in held.items() if known.contains_key(symbol)}, ids

    def _believed(self) -> dict[Symbol, HostPosition]:
        return {
            pair.key: HostPosition(int(pair.value.quantity), float(pair.value.average_price))
            for pair in self._algorithm.portfolio
            if pair.value.invested
        }
