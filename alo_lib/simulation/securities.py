"""The order in which LEAN enumerates the securities of an algorithm."""

from collections.abc import Iterator

__all__ = ["Securities"]


class Securities:
    """Contracts in the places of the .NET dictionary that holds LEAN's securities.

    A contract takes the place that was freed last, or else a new one behind all others; LEAN goes through them by
    place. Underlyings are not here: LEAN adds them before any contract and never removes them.
    """

    _places: dict[int, int]  # by contract
    _freed: list[int]

    def __init__(self) -> None:
        self._places = {}
        self._freed = []

    def __iter__(self) -> Iterator[int]:
        return iter(sorted(self._places, key=self._places.__getitem__))

    def add(self, contract: int) -> None:
        """Put a contract in that is not there."""
        self._places[contract] = self._freed.pop() if self._freed else len(self._places)

    def remove(self, contract: int) -> None:
        """Take a contract out."""
        self._freed.append(self._places.pop(contract))
