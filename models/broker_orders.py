"""What a broker's order says of itself, also where it leaves something out: identifiers, tag or symbol."""

from typing import Final

from AlgorithmImports import Order, Symbol

__all__ = ["broker_identifiers", "name_of_order", "name_of_symbol", "shown_tag"]

_SHOWN: Final = 80
"""Characters of a tag that a sentence repeats."""


def broker_identifiers(order: Order) -> tuple[str, ...]:
    """The broker's identifiers of an order; none where it gives none."""
    names = () if order.broker_id is None else order.broker_id
    return tuple(str(name) for name in names if name is not None and str(name))


def shown_tag(tag: str | None) -> str:
    """A tag as a sentence quotes it: the beginning of a long one."""
    return repr(tag) if tag is None or len(tag) <= _SHOWN else f"{tag[:_SHOWN]!r}... ({len(tag):,} characters)"


def name_of_symbol(symbol: Symbol | None) -> str:
    """What an order is for, as a sentence has it."""
    return "no symbol" if symbol is None else str(symbol.value)


def name_of_order(order: Order) -> str:
    """An order as a sentence has it: its tag, quoted, and what it is for."""
    return f"{shown_tag(order.tag)} for {name_of_symbol(order.symbol)}"
