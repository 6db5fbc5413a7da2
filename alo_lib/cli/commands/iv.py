"""``alo iv``."""

from typing import TYPE_CHECKING, Any

import click

from alo_lib.cli.dividend_arguments import (
    TimedDividends,
    dividend_options,
    dividends_in_words,
    schedule_of,
    told_dividends,
)
from alo_lib.cli.json_output import print_json
from alo_lib.cli.option_arguments import Numbers, check_future, contract_options, side_by_side
from alo_lib.cli.option_table import show

if TYPE_CHECKING:
    from alo_lib.pricing import DividendModel, Dividends, QuotedChain, Scheme, Style

__all__ = ["iv"]


@click.command(short_help="Find the volatility that a price implies.")
@contract_options
@dividend_options
@click.option(
    "--price", "prices", type=Numbers("price"), required=True, help="Price of the option, in the spot's currency."
)
@click.option("--right", type=click.Choice(["call", "put"]), required=True, help="Call or put.")
def iv(
    spot: tuple[float, ...],
    strike: tuple[float, ...],
    times: tuple[float, ...],
    rate: tuple[float, ...],
    dividend_yield: tuple[float, ...],
    prices: tuple[float, ...],
    dividends: TimedDividends,
    dividend_model: "DividendModel",
    spot_is_cum: bool,
    on_future: bool,
    right: str,
    style: "Style",
    scheme: "Scheme",
    as_json: bool,
) -> None:
    """Find the volatility that a price implies, and the vega there: for a percentage point, raw with --json.

    Every option may be a list; lists go together element by element, and a single value goes with each of them. A
    price that no volatility explains (at or below what the option is worth without volatility, or above what any
    volatility can give) has none: in a list it is a dash, null with --json, and its status says why; of a single one
    that is told.

    \b
    Examples:
      alo iv --price 5.20 --right put --spot 100 --strike 100 --time 91d --rate 5%
      alo iv --price 12.1,7.9,4.8 --strike 90,95,100 --right call --spot 100 --time 0.5 --json
    """
    import numpy as np

    from alo_lib.cli.failures import UserError
    from alo_lib.pricing import Contracts, ContractStatus, MarketTerms, QuotedChain
    from alo_lib.pricing.arguments import prepare
    from alo_lib.views.units import RAW_UNITS

    check_future(on_future, dividend_yield, dividends)
    schedule = schedule_of(dividends, dividend_model, spot_is_cum)
    given = {
        "--price": prices,
        "--spot": spot,
        "--strike": strike,
        "--rate": rate,
        "--dividend-yield": dividend_yield,
        "--time": times,
    }
    price, s, k, r, q, years = side_by_side(given)
    count = price.size
    side = np.full(count, 1.0 if right == "call" else -1.0)
    terms = MarketTerms(s, r, q, schedule, on_future).check()
    prepare("raise", strike=k, time_to_expiry=years)
    priced = np.full(count, ContractStatus.PRICED, np.int8)
    found = QuotedChain(Contracts(k, years, side, style), terms, price, priced, scheme=scheme, panels=False)
    status = [ContractStatus(code) for code in found.status]
    if count == 1 and status[0] is not ContractStatus.PRICED:
        one = (s[0], k[0], r[0], found.dividend_yield[0], years[0], side[0])
        raise UserError(_unexplained(price[0], status[0].words, right, one, style, schedule))
    rows = _rows(found, {"price": price, "spot": s, "strike": k, "rate": r}, right)
    if as_json:
        said = {"style": style} | told_dividends(schedule)
        said |= {"on_future": on_future, "units": {"vega": RAW_UNITS["vega"]}}
        print_json(said | {"options": rows})
        return
    results = {"price": "z.4f", "implied_volatility": "z.6f", "vega": ""}
    results |= {"status": "s"} if found.status.any() else {}
    show(rows, results, note=dividends_in_words(schedule))


def _rows(found: "QuotedChain", given: dict[str, Any], right: str) -> list[dict[str, Any]]:
    """A row an option."""
    from alo_lib.pricing import ContractStatus

    known = found.status == ContractStatus.PRICED
    columns = given | {"dividend_yield": found.dividend_yield, "time_to_expiry": found.contracts.time_to_expiry}
    return [
        {name: column[i] for name, column in columns.items()}
        | {
            "right": right,
            "implied_volatility": found.implied_volatility[i] if known[i] else None,
            "vega": found.greeks.vega[i] if known[i] else None,
            "status": ContractStatus(found.status[i]).words,
        }
        for i in range(found.status.size)
    ]


def _unexplained(
    price: float,
    why: str,
    right: str,
    option: tuple[float, ...],
    style: "Style",
    dividends: "Dividends | None",
) -> str:
    """Why no volatility explains a price, and between which values one would."""
    from alo_lib.pricing import price as worth
    from alo_lib.pricing.arguments import DOMAINS

    spot, strike, rate, dividend_yield, years, side = option
    highest = DOMAINS["volatility"][1]
    low, high = worth(spot, strike, rate, dividend_yield, [0.0, highest], years, side, style=style, dividends=dividends)
    return (
        f"no volatility explains --price {price:g}: {why}; allowed: above {low:z.6g}, what the {right} is worth "
        f"without volatility, and below {high:z.6g}, what it is worth at {highest:z.0%}"
    )
