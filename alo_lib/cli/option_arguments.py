"""What people may type for the options of commands, and those options that the pricing commands share."""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import click

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from alo_lib.pricing import Scheme
    from alo_lib.settings.basket import Basket

__all__ = [
    "BASKET",
    "CLOCK",
    "DAY",
    "NUMBER",
    "SCHEME",
    "TIMES",
    "Amount",
    "FilePath",
    "Number",
    "Numbers",
    "Whole",
    "check_future",
    "contract_options",
    "side_by_side",
    "years_of",
]

_MAX_NUMBERS: Final = 10_000
"""Values that one option may name."""

_SHARES: Final = ("volatility", "rate", "dividend_yield")
"""Domains of what people know in percent."""

_END_OF_THOUSANDS: Final = re.compile(r"0\d\d")
"""What follows the comma of 1,000, and nobody writes for a value."""

Command = TypeVar("Command", bound=Callable[..., Any])


def _number(text: str) -> float:
    """A finite number as people write it. ValueError when it is none."""
    from alo_lib.records.spelling import number_of

    return number_of(text)


def years_of(text: str) -> float:
    """A time in years, or in days where it ends in ``d``. ValueError when it is none."""
    from alo_lib.records import DAYS_A_YEAR

    shown = text.strip()
    return _number(shown[:-1]) / DAYS_A_YEAR if shown.endswith("d") else _number(shown)


def _shown(number: float) -> str:
    """A number with all its digits, thousands separated: no exponent, which not everyone reads."""
    return f"{Decimal(str(number)):,f}".removesuffix(".0")


def _bounds(low: float | None, high: float | None) -> str:
    """Where a number has to lie, in words; it may be one of the bounds."""
    if low is None or high is None:
        return " and ".join(
            f"{words} {_shown(bound)}" for words, bound in (("at least", low), ("at most", high)) if bound is not None
        )
    return f"from {_shown(low)} to {_shown(high)}"


def _require_domain(
    kind: click.ParamType[Any],
    domain: str,
    number: float,
    text: str,
    param: click.Parameter | None,
    ctx: click.Context | None,
) -> None:
    """Usage error unless a number lies where pricing takes it."""
    from alo_lib.pricing.arguments import DOMAINS

    low, high = DOMAINS[domain]
    if not low <= number <= high:
        unit = " years" if domain == "time_to_expiry" else ""
        in_percent = domain in _SHARES and "%" not in text and high < number <= 100.0 * high
        percent = f"; {number:g} percent is written {number:g}%" if in_percent else ""
        kind.fail(f"{text.strip()!r} is out of range; allowed: {_bounds(low, high)}{unit}{percent}", param, ctx)


class Numbers(click.ParamType[tuple[float, ...]]):
    """Numbers separated by commas, each a decimal, a percentage or a range ``first:last:step`` (both ends included)."""

    name = "NUMBERS"

    def __init__(
        self, domain: str, one: Callable[[str], float] = _number, what: str = "a number such as 0.25 or 25%"
    ) -> None:
        self._domain = domain
        self._one = one
        self._what = what

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """The numbers that the text names; usage errors name the part that is none."""
        if isinstance(value, tuple):
            return value
        found: list[float] = []
        for part in str(value).split(","):
            found += self._part(part, param, ctx)
            if len(found) > _MAX_NUMBERS:
                self.fail(f"{value!r} names more than {_MAX_NUMBERS} values", param, ctx)
        return tuple(found)

    def _part(self, text: str, param: click.Parameter | None, ctx: click.Context | None) -> list[float]:
        if _END_OF_THOUSANDS.fullmatch(text.strip()):
            self.fail(f"a comma separates values here, and {text.strip()!r} is none; write 1000 for 1,000", param, ctx)
        ends = text.split(":")
        try:
            numbers = [self._one(end) for end in ends]
        except ValueError:
            self.fail(f"{text.strip()!r} is not {self._what}", param, ctx)
        for end, number in zip(ends, numbers[:2], strict=False):
            _require_domain(self, self._domain, number, end, param, ctx)
        if len(numbers) == 1:
            return numbers
        if len(numbers) != 3 or numbers[2] <= 0.0 or numbers[1] < numbers[0]:
            self.fail(f"{text.strip()!r} is no range; write first:last:step with a positive step", param, ctx)
        first, last, step = numbers
        count = (last - first) / step
        if count > _MAX_NUMBERS:
            self.fail(f"{text.strip()!r} names more than {_MAX_NUMBERS} values", param, ctx)
        return [first + step * index for index in range(math.floor(count + 1e-9) + 1)]


class Number(click.ParamType[float]):
    """One number, a decimal or a percentage; of a pricing argument's domain, where one is named."""

    name = "NUMBER"

    def __init__(self, domain: str | None = None) -> None:
        self._domain = domain

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number."""
        if isinstance(value, float):
            return value
        try:
            number = _number(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a number such as 0.25 or 25%", param, ctx)
        if self._domain is not None:
            _require_domain(self, self._domain, number, str(value), param, ctx)
        return number


def _require_bounds(
    kind: click.IntRange | click.FloatRange,
    number: float,
    given: Any,
    param: click.Parameter | None,
    ctx: click.Context | None,
) -> None:
    """Usage error, in words where click has signs, unless a number lies within the bounds of its kind."""
    if (kind.min is not None and number < kind.min) or (kind.max is not None and number > kind.max):
        kind.fail(f"{str(given)!r} is out of range; allowed: {_bounds(kind.min, kind.max)}", param, ctx)


class Whole(click.IntRange):
    """A whole number as people write it, with thousands separated or not, and its bounds."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number."""
        from alo_lib.records.spelling import whole_number_of

        try:
            number = whole_number_of(value) if isinstance(value, str) else value
        except ValueError:
            self.fail(f"{value!r} is not a whole number such as 20000 or 20,000", param, ctx)
        _require_bounds(self, number, value, param, ctx)
        return super().convert(number, param, ctx)

    def _describe_range(self) -> str:
        """What click puts into the help."""
        return _bounds(self.min, self.max)


class Amount(click.FloatRange):
    """A number as people write it, with thousands separated or not, and its bounds."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number."""
        try:
            number = _number(value) if isinstance(value, str) else value
        except ValueError:
            self.fail(f"{value!r} is not a number such as 1.5 or 2,000", param, ctx)
        _require_bounds(self, number, value, param, ctx)
        return super().convert(number, param, ctx)

    def _describe_range(self) -> str:
        """What click puts into the help."""
        return _bounds(self.min, self.max)


class Moment(click.DateTime):
    """A day or a time of day, told in words where it is none."""

    def __init__(self, formats: Sequence[str], words: str) -> None:
        super().__init__(formats)
        self._words = words

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The day or time."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} is not {self._words}", param, ctx)


class FilePath(click.Path):
    """A file or a folder. Nothing names none: it would be the working folder."""

    def __init__(self, *, exists: bool = False, file_okay: bool = True, dir_okay: bool = True) -> None:
        super().__init__(exists=exists, file_okay=file_okay, dir_okay=dir_okay, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path."""
        if not str(value).strip():
            self.fail(f"{value!r} names no file or folder; '.' is the working folder", param, ctx)
        return super().convert(value, param, ctx)


class SchemeName(click.ParamType["Scheme"]):
    """A scheme by its name or its four numbers."""

    name = "SCHEME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "Scheme":
        """The scheme that is meant."""
        from alo_lib.pricing.scheme import Scheme, resolve_scheme

        if isinstance(value, Scheme):
            return value
        numbers = str(value).split(",")
        try:
            given = (
                cast(tuple[int, int, int, int], tuple(int(number) for number in numbers)) if len(numbers) > 1 else value
            )
            return resolve_scheme(given)
        except ValueError:
            self.fail(
                f"{value!r} is no scheme; write fast, accurate, high_precision or four numbers such as 4,10,14,32",
                param,
                ctx,
            )


class BasketWeights(click.ParamType["Basket"]):
    """An index with its members and their weights, such as INDX=ALFA:0.6,BRVO:0.4."""

    name = "INDEX=TICKER:WEIGHT,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "Basket":
        """The basket that is meant."""
        from alo_lib.settings.basket import Basket

        if isinstance(value, Basket):
            return value
        try:
            return Basket.of(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


BASKET: Final = BasketWeights()
NUMBER: Final = Number()
TIMES: Final = Numbers("time_to_expiry", years_of, "a time such as 0.5 (years) or 90d (days)")
DAY: Final = Moment(["%Y-%m-%d"], "a day as yyyy-mm-dd, such as 2024-01-31")
CLOCK: Final = Moment(["%H:%M", "%H:%M:%S"], "a time of day such as 12:30 or 12:30:15")
SCHEME: Final = SchemeName()

_STYLE = click.option(
    "--style",
    type=click.Choice(["american", "european"]),
    default="american",
    show_default=True,
    help="When it may be exercised.",
)
_SCHEME = click.option(
    "--scheme",
    type=SCHEME,
    default="accurate",
    show_default=True,
    help="fast, accurate, high_precision, or the four numbers m,n,l,p of the method.",
)
_OPTIONS: Final = (
    click.option("--spot", type=Numbers("spot"), required=True, help="Price of the underlying."),
    click.option(
        "--strike", type=Numbers("strike"), required=True, help="Strike price; a list or a range gives a table."
    ),
    click.option(
        "--time", "times", type=TIMES, required=True, help="Time to expiry in years, or in days with a d: 0.5, 182d."
    ),
    click.option(
        "--rate", type=Numbers("rate"), default="0", show_default=True, help="Interest a year, compounded continuously."
    ),
    click.option(
        "--dividend-yield",
        type=Numbers("dividend_yield"),
        default="0",
        show_default=True,
        help="Dividends a year over price, compounded continuously.",
    ),
    click.option(
        "--future",
        "on_future",
        is_flag=True,
        help="The spot is a future's price (Black 1976), which costs nothing to hold: the rate only discounts.",
    ),
    _STYLE,
    _SCHEME,
    click.option("--json", "as_json", is_flag=True, help="Print one JSON object."),
)


def contract_options(command: Command) -> Command:
    """What a contract and its market are made of, from spot to style and scheme, and --json."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def check_future(
    on_future: bool, dividend_yield: tuple[float, ...], dividends: tuple[tuple[float, float, float], ...]
) -> None:
    """Refuse what a future does not have.

    :raises UserError: naming it.
    """
    from alo_lib.cli.failures import UserError

    for option, given in (("--dividend-yield", dividend_yield != (0.0,)), ("--dividend", bool(dividends))):
        if on_future and given:
            raise UserError(f"{option} is given with --future, which pays none; allowed: one of the two")


def side_by_side(given: Mapping[str, tuple[float, ...]]) -> "Iterator[NDArray[np.float64]]":
    """Lists by option name as arrays of one length; a single value goes with each element of the others.

    :raises UserError: where two lists have different lengths.
    """
    import numpy as np

    from alo_lib.cli.failures import UserError

    count = max(map(len, given.values()))
    for name, values in given.items():
        if len(values) not in (1, count):
            raise UserError(f"{name} has {len(values)} values and another option {count}; one, or as many, is allowed")
    return (np.array(np.broadcast_to(values, count)) for values in given.values())
