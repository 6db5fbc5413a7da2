"""What the broker says of its account while LEAN runs: LEAN itself asks once, when it starts.

Events that come twice, or not at all, leave LEAN with other positions than the broker's. So the broker is asked again,
once a minute, and more often once its connection is back. Nor does LEAN hear of what others send: an order that is
ours, of a term that has ended, was sent by a process that was stopped while it led, and woken when another did.
"""

from collections.abc import Iterator
from typing import Any, Final

from AlgorithmImports import Composer, IBrokerage, QCAlgorithm, Symbol

from alo_lib.records import SECOND
from alo_lib.runtime.account_watch import AccountWatch
from alo_lib.runtime.host_position import HostPosition
from models.broker_orders import broker_identifiers, name_of_order, name_of_symbol
from models.marshalling import Marshal, order_term

__all__ = ["BrokerAccount"]

_RARELY: Final = 60 * SECOND
_OFTEN: Final = 2 * SECOND
_STOPPED: Final = 5 * SECOND
"""LEAN asks for a look each second: after so long without one another process may have gone on."""


class BrokerAccount:
    """Compares LEAN's positions and orders with the broker's, and puts right in LEAN's what stays otherwise."""

    def __init__(self, algorithm: QCAlgorithm, marshal: Marshal) -> None:
        self._algorithm, self._marshal, self._watch = algorithm, marshal, AccountWatch()
        self._next = 0
        self._looked = 0  # when LEAN asked for a look last, due or not
        self._unheard = ""  # why the broker could not be asked last
        # The broker's identifiers of orders that it was asked to cancel: those that it said it does, and all of them.
        self._canceled: set[str] = set()
        self._asked: set[str] = set()

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
        """Look at ``time``, ns UTC, where it is due. Returns what was put right in LEAN's account, in sentences.

        It is due at once where this process may have been stopped: another one may lead.

        :raises JournalError: where the broker works an order of a process that leads in this one's place.
        """
        at_once, self._looked = at_once or time - self._looked > _STOPPED, time
        if not (at_once or time >= self._next) or not self._watch.connected:
            return []
        broker = self._broker()
        told = None if broker is None else self._told(broker)
        self._next = time + _RARELY
        if broker is None or told is None:
            return []
        held, works = told
        fenced = list(self._fence(broker, works))
        ids = {name for order in works for name in broker_identifiers(order)}
        ours = {int(order.id): order for order in self._algorithm.transactions.get_open_orders()}
        theirs = {number for number, order in ours.items() if not ids.isdisjoint(broker_identifiers(order))}
        working = {number: order.symbol for number, order in ours.items()}
        wrong, lost = self._watch.look(time, self._believed(), held, working, theirs)
        self._marshal.lose(lost)
        if not self._watch.is_sure:
            self._next = time + _OFTEN
        said = [
            f"the broker works LEAN's order {number} for {name_of_symbol(working[number])} no more" for number in lost
        ]
        for symbol, (quantity, price) in sorted(wrong.items(), key=lambda each: str(each[0].value)):
            before = int(self._algorithm.portfolio[symbol].quantity)
            self._algorithm.securities[symbol].holdings.set_holdings(price, quantity)
            said.append(
                f"the broker holds {quantity} {symbol.value}, LEAN held {before}: LEAN's is set to the broker's"
            )
        if wrong:
            said += self._take_cash(broker)
        return fenced + said

    def _take_cash(self, broker: Any) -> Iterator[str]:
        """Set LEAN's cash to the broker's: what changed its positions unheard was paid, and LEAN does so once a day."""
        try:
            told = {str(each.currency): float(each.amount) for each in broker.get_cash_balance()}
        except Exception as error:  # whatever a broker's plug-in raises
            yield f"the broker does not tell its cash, so LEAN's stays as it was: {error}"
            return
        book = self._algorithm.portfolio.cash_book
        for currency, amount in sorted(told.items()):
            if not book.contains_key(currency):
                continue
            before = float(book[currency].amount)
            book[currency].set_amount(amount)
            if round(amount - before, 2):
                yield f"the broker has {amount:.2f} {currency}, LEAN had {before:.2f}: LEAN's is set to the broker's"

    def _fence(self, broker: Any, works: list[Any]) -> Iterator[str]:
        """Cancel, once, the orders of terms that had ended before LEAN began, which it did not find when it did."""
        terms = self._marshal.terms
        for order in works:
            terms.look(order_term(order.tag), name_of_order(order))
        for order in works:
            ids = set(broker_identifiers(order))
            names = ids or {f"{order.tag} {name_of_symbol(order.symbol)}"}  # of a broker that gives no identifier
            if not terms.is_earlier(order_term(order.tag)) or names & self._canceled or self._is_known(ids):
                continue
            done, how = self._cancel(broker, order)
            if done:
                self._canceled.update(names)
            if done or not names & self._asked:
                yield (
                    f"the broker works {name_of_order(order)}, sent by a process that led no more: this is "
                    f"term {terms.now}; {how}"
                )
            self._asked.update(names)

    def _is_known(self, ids: set[str]) -> bool:
        return any(len(self._algorithm.transactions.get_orders_by_brokerage_id(name)) for name in ids)

    def _cancel(self, broker: Any, order: Any) -> tuple[bool, str]:
        try:
            done = bool(broker.cancel_order(order))
        except Exception as error:  # whatever a broker's plug-in raises
            return False, f"it could not be canceled, cancel it there: {error}"
        return done, "it is canceled" if done else "the broker does not cancel it, cancel it there"

    def _broker(self) -> Any:
        composer: Any = Composer.INSTANCE  # its generic methods are asked for interfaces
        return composer.get_part[IBrokerage]()

    def _told(self, broker: Any) -> tuple[dict[Symbol, HostPosition], list[Any]] | None:
        """What the broker holds of securities that LEAN knows, and the orders that it works.

        None where it does not say, which is told once.
        """
        try:
            held = {
                each.symbol: HostPosition(int(each.quantity), float(each.average_price))
                for each in broker.get_account_holdings()
            }
            works = list(broker.get_open_orders())
        except Exception as error:  # whatever a broker's plug-in raises
            if str(error) != self._unheard:
                self._unheard = str(error)
                self._algorithm.log(f"alo: the broker does not tell what it holds: {error}")
            return None
        self._unheard = ""
        known = self._algorithm.securities
        return {symbol: each for symbol, each in held.items() if known.contains_key(symbol)}, works

    def _believed(self) -> dict[Symbol, HostPosition]:
        return {
            pair.key: HostPosition(int(pair.value.quantity), float(pair.value.average_price))
            for pair in self._algorithm.portfolio
            if pair.value.invested
        }
