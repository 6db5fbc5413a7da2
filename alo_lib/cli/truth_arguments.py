"""What people may type about a made-up market, and the truth that it comes to."""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from alo_lib.cli.failures import UserError
from alo_lib.market.generator.dynamics import DYNAMICS
from alo_lib.market.generator.truth import EDGES, OF_A_PATH, MarketTruth, sentence_of
from alo_lib.records.json_reading import json_of
from alo_lib.records.spelling import meant, number_of, spelled, unspelled
from alo_lib.settings.basket import Basket

__all__ = ["truth_of"]

Values = dict[str, Any]

_NAMED: Final = re.compile(r"([A-Za-z0-9^$][A-Za-z0-9.^$+-]*)=(.+)")
_INDEX: Final[Values] = {
    "price": 400.0,
    "dynamics": {"kind": "garch", "volatility": 0.16},
    "correlation": 1.0,
}
"""What an index is unless told otherwise."""


def truth_of(options: Mapping[str, Any], file: Path | None) -> MarketTruth:
    """The truth of a ``file``, or the default one, with what ``options`` change in it.

    :raises UserError: in one sentence that names the option, its value and what is allowed.
    """
    values = MarketTruth().model_dump() if file is None else _read(file)
    for name in ("seed", "start", "end", "history_days", "quote_minutes", "quote_lag"):
        if options.get(name) is not None:
            values[name] = options[name]
    if options["early_closes"]:
        values["early_closes"] = options["early_closes"]
    for part in ("spread", "listing"):
        for text in options[part]:
            name, number = _assigned(f"--{part}", text, values[part])
            values[part][name] = number
    if options["names"]:
        values["names"] = [_name(text) for text in options["names"]]
    if options["index"]:
        values["names"] = [*values["names"], {"ticker": options["index"], **_INDEX}]
    if options["basket"]:
        basket: Basket = options["basket"]
        values["names"] = [
            *values["names"],
            {"ticker": basket.index, "price": _INDEX["price"], "members": dict(basket.weights)},
        ]
    names: dict[str, Values] = {str(name["ticker"]).upper(): dict(name) for name in values["names"]}
    if len(names) == len(values["names"]):  # else the truth itself says what is wrong
        values["names"] = list(names.values())
        for option, change in _CHANGES.items():
            for text in options[unspelled(option)]:
                _change(f"--{option}", text, names, change, is_of_a_path=_KEYS.get(option, option) in OF_A_PATH)
    try:
        return MarketTruth.model_validate(values)
    except ValidationError as error:
        raise UserError(sentence_of(error, list(names))) from None


def _read(file: Path) -> Values:
    try:
        return MarketTruth.model_validate(json_of(file.read_bytes())).model_dump()
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        raise UserError(f"{file} is no truth of a market: {sentence_of(error)}") from None
    except ValueError as error:
        raise UserError(f"{file} {error}") from None


def _change(
    option: str,
    text: str,
    names: Mapping[str, Values],
    change: Callable[[str, Values, str], None],
    *,
    is_of_a_path: bool,
) -> None:
    """Apply an option's value to the name that it begins with, or to all names; where it moves them, not to a basket's.

    That has no path of its own.
    """
    found = _NAMED.fullmatch(text)
    ticker, rest = (found[1].upper(), found[2]) if found else ("", text)
    if ticker and ticker not in names:
        raise UserError(f"{option} {text} is about {ticker}; the names of the market are {', '.join(names)}")
    all_names = [name for name in names.values() if not (is_of_a_path and name.get("members"))]
    for name in [names[ticker]] if ticker else all_names:
        change(f"{option} {text}", name, rest)


def _name(text: str) -> Values:
    ticker, *rest = text.split(":")
    if len(rest) > 2:
        raise UserError(f"--name {text} has too many parts; write TICKER, TICKER:PRICE or TICKER:PRICE:VOLATILITY")
    numbers = [_number(f"--name {text}", part) for part in rest]
    name: Values = {"ticker": ticker, "dynamics": {"kind": "garch"}}
    if numbers:
        name["price"] = numbers[0]
    if len(numbers) > 1:
        name["dynamics"]["volatility"] = numbers[1]
    return name


def _number(told: str, text: str) -> float:
    try:
        return number_of(text)
    except ValueError:
        raise UserError(f"{told}: {text!r} is not a number such as 0.02 or 2%") from None


def _assigned(told: str, text: str, known: Iterable[str]) -> tuple[str, float]:
    """NAME=NUMBER, of a known name."""
    name, given, number = text.partition("=")
    if not given or unspelled(name) not in known:
        close = meant(name, map(spelled, known))
        hint = f"did you mean {close}" if close else f"allowed are {', '.join(map(spelled, known))}"
        raise UserError(f"{told}: {text!r} is no NAME=NUMBER that is known; {hint}")
    return unspelled(name), _number(told, number)


def _dynamics(told: str, name: Values, text: str) -> None:
    kind, *parts = text.split(",")
    model = DYNAMICS.get(kind)
    if model is None:
        raise UserError(f"{told}: {kind!r} is no dynamics; allowed are {', '.join(DYNAMICS)}")
    known = [field for field in model.model_fields if field != "kind"]
    kept = {"volatility": name["dynamics"]["volatility"]} if "volatility" in name["dynamics"] else {}
    name["dynamics"] = {"kind": kind, **kept, **dict(_assigned(told, part, known) for part in parts)}


def _of_numbers(key: str, fields: tuple[str, ...]) -> Callable[[str, Values, str], None]:
    """Up to as many numbers as there are fields, with colons between them."""

    def change(told: str, name: Values, text: str) -> None:
        numbers = [_number(told, part) for part in text.split(":")]
        if len(numbers) > len(fields):
            raise UserError(f"{told} has {len(numbers)} numbers; at most {len(fields)} are allowed: {':'.join(fields)}")
        name[key] = dict(zip(fields, numbers, strict=False))

    return change


def _plain(key: str) -> Callable[[str, Values, str], None]:
    def change(told: str, name: Values, text: str) -> None:
        name[key] = _number(told, text)

    return change


def _dated(key: str, field: str) -> Callable[[str, Values, str], None]:
    """A date and a number."""

    def change(told: str, name: Values, text: str) -> None:
        day, colon, number = text.partition(":")
        if not colon:
            raise UserError(f"{told} has no number; write yyyy-mm-dd:NUMBER")
        name[key] = [*name.get(key, ()), {"day": day, field: _number(told, number)}]

    return change


def _halt(told: str, name: Values, text: str) -> None:
    found = re.fullmatch(r"([0-9-]+):(\d\d:\d\d)-(\d\d:\d\d)", text)
    if not found:
        raise UserError(f"{told} is no halt; write yyyy-mm-dd:HH:MM-HH:MM, the exchange's time")
    day, start, end = found.groups()
    name["halts"] = [*name.get("halts", ()), {"day": day, "start": start, "end": end}]


_CHANGES: Final[dict[str, Callable[[str, Values, str], None]]] = {
    "dynamics": _dynamics,
    "jumps": _of_numbers("jumps", ("rate", "mean", "deviation")),
    **{spelled(edge): _of_numbers(edge, ("mean", "deviation", "half_life")) for edge in EDGES},
    **{name: _plain(name) for name in ("drift", "overnight", "correlation", "dividend", "borrow")},
    "split": _dated("splits", "ratio"),
    "event": _dated("events", "move"),
    "halt": _halt,
}
"""What an option changes in a name."""
_KEYS: Final = {"split": "splits", "event": "events"}
"""What they are called in a name, where that is another word."""
