"""What the account holds, told from order events alone, so that it is the same in every engine."""

from collections.abc import Iterator

from alo_lib.records import whole_shares

__all__ = ["Portfolio"]


class Portfolio:
    """Cash and signed quantities by instrument."""

    cash: float
    _quantity: dict[int, int]

    def __init__(self, cash: float) -> None:
        self.cash = cash
        self._quantity = {}

    def quantity(self, instrument: int) -> int:
        """Shares or contracts held; negative when short, 0 when not held."""
        return self._quantity.get(instrument, 0)

    def held(self) -> Iterator[int]:
        """Numbers of the instruments held, ascending."""
        return iter(sorted(self._quantity))

    def fill(self, instrument: int, quantity: int, price: float, multiplier: int, fee: float) -> None:
        """Book a fill of a signed ``quantity`` at ``price`` per share, and its fee."""
        self.cash -= quantity * price * multiplier + fee
        self._set(instrument, self.quantity(instrument) + quantity)

    def receive_dividend(self, instrument: int, amount: float) -> float:
        """Book a cash dividend per share; a short position pays it. Returns the money booked."""
        money = self.quantity(instrument) * amount
        self.cash += money
        return money

    def split(self, instrument: int, factor: float, price: float) -> None:
        """Book a split: quantity over ``factor``, whole shares, the rest in cash at ``price`` after the split."""
        if not self.quantity(instrument):
            return
        exact = self.quantity(instrument) / factor
        whole = whole_shares(self.quantity(instrument), factor)
        self.cash += (exact - whole) * price
        self._set(instrument, whole)

    def _set(self, instrument: int, quantity: int) -> None:
        if quantity:
            self._quantity[instrument] = quantity
        else:
            self._quantity.pop(instrument, None)
