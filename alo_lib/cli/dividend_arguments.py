"""Dividends as people type them for the pricing commands, and as those show them."""

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import click

from alo_lib.cli.option_arguments import years_of

if TYPE_CHECKING:
    from alo_lib.pricing import DividendModel, Dividends

__all__ = [
    "DIVIDEND_MODEL",
    "DatedCash",
    "TimedDividends",
    "dividend_options",
    "dividends_in_words",
    "schedule_of",
    "told_dividends",
]

Command = TypeVar("Command", bound=Callable[..., Any])
TimedDividends = tuple[tuple[float, float, float], ...]
"""Ex-times in years, cash a share, and fractions of the spot."""


class TimedDividend(click.ParamType[tuple[float, float, float]]):
    """A dividend, ``TIME:AMOUNT``; an amount in percent is a fraction of the spot."""

    name = "TIME:AMOUNT"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float, float]:
        """Ex-time in years, cash a share, and fraction of the spot."""
        if isinstance(value, tuple):
            return cast(tuple[float, float, float], value)
        from alo_lib.records.spelling import number_of

        time, _, amount = str(value).partition(":")
        number, percent, rest = amount.partition("%")
        try:
            if rest.strip():
                raise ValueError(amount)
            paid = number_of(number)
            return (years_of(time), 0.0, 0.01 * paid) if percent else (years_of(time), paid, 0.0)
        except ValueError:
            self.fail(
                f"{value!r} is no dividend; write the ex-time and the amount, such as 0.25:1.50 or 90d:1.50, "
                "or 90d:0.5% of the spot"
            )


class DatedCash(click.ParamType[tuple[date, float]]):
    """A cash dividend, ``DATE:AMOUNT``."""

    name = "DATE:AMOUNT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[date, float]:
        """Ex-date, and cash a share."""
        if isinstance(value, tuple):
            return cast(tuple[date, float], value)
        from alo_lib.pricing.arguments import DOMAINS
        from alo_lib.records.spelling import number_of

        day, _, amount = str(value).partition(":")
        if "%" in amount:
            self.fail(f"{value!r} is in percent; allowed: cash a share, such as 2015-11-05:0.52")
        try:
            ex_date, cash = date.fromisoformat(day.strip()), number_of(amount)
        except ValueError:
            ex_date, cash = date.min, 0.0
        if not cash > 0.0:
            self.fail(f"{value!r} is no dividend; write the ex-date and a positive amount, such as 2015-11-05:0.52")
        if not cash < (most := DOMAINS["spot"][1]):  # none is more than the spot
            self.fail(f"{value!r} is out of range; allowed: less than {most:z,.0f} a share")
        return ex_date, cash


DIVIDEND_MODEL: Final = click.option(
    "--dividend-model",
    type=click.Choice(["spot", "escrowed"]),
    default="spot",
    show_default=True,
    help="What diffuses: the spot, which falls by the dividends, or, as many vendors have it, the spot less the "
    "present value of the cash still paid before expiry.",
)
_OPTIONS: Final = (
    click.option(
        "--dividend",
        "dividends",
        type=TimedDividend(),
        multiple=True,
        help="Dividend: ex-time (years, or days with a d) and money a share, or percent of the spot, such as 90d:1.50 "
        "or 90d:0.5%. Repeat it.",
    ),
    DIVIDEND_MODEL,
    click.option(
        "--cum",
        "spot_is_cum",
        is_flag=True,
        help="The spot still has the dividend that goes ex now, at time 0; without this it is ex already.",
    ),
)


def dividend_options(command: Command) -> Command:
    """What is paid, and how it is priced."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def schedule_of(given: TimedDividends, model: "DividendModel", spot_is_cum: bool) -> "Dividends | None":
    """Dividends as the pricing functions take them; None without any.

    :raises UserError: for a model, or a cum spot, without dividends.
    """
    from alo_lib.cli.failures import UserError
    from alo_lib.pricing import Dividends

    if given:
        times, amounts, fractions = zip(*given, strict=True)
        return Dividends(times, amounts, fractions, model=model, spot_is_cum=spot_is_cum)
    for option, told in (("--dividend-model escrowed", model == "escrowed"), ("--cum", spot_is_cum)):
        if told:
            raise UserError(f"{option} is given without --dividend; allowed: with one or more")
    return None


def told_dividends(schedule: "Dividends | None") -> dict[str, Any]:
    """A schedule as a JSON object has it."""
    paid = [] if schedule is None else zip(schedule.times, schedule.amounts, schedule.fractions, strict=True)
    return {
        "dividends": [{"years": time, "cash": cash, "fraction": fraction} for time, cash, fraction in paid],
        "dividend_model": None if schedule is None else schedule.model,
        "spot_is_cum": schedule is not None and schedule.spot_is_cum,
    }


def dividends_in_words(schedule: "Dividends | None") -> str:
    """A schedule as a line of a table has it; nothing without one."""
    if schedule is None:
        return ""
    paid = []
    for time, cash, fraction in zip(schedule.times, schedule.amounts, schedule.fractions, strict=True):
        parts = [f"cash {cash:z.15g}"] if cash > 0.0 else []
        parts += [f"{100.0 * fraction:z.15g}% of spot"] if fraction > 0.0 else []
        paid.append(f"{' and '.join(parts) or 'nothing'} at {time:z.4g}")
    how = [str(schedule.model)] if schedule.model != "spot" else []
    if schedule.times[0] == 0.0 or schedule.spot_is_cum:
        how.append("spot cum" if schedule.spot_is_cum else "spot ex")
    return ", ".join(paid) + (f" ({', '.join(how)})" if how else "")
