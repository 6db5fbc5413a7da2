"""``alo price``."""

import itertools
from typing import TYPE_CHECKING, Final

import click

from alo_lib.cli.dividend_arguments import (
    TimedDividends,
    dividend_options,
    dividends_in_words,
    schedule_of,
    told_dividends,
)
from alo_lib.cli.json_output import print_json
from alo_lib.cli.option_arguments import Numbers, check_future, contract_options
from alo_lib.cli.option_table import show

if TYPE_CHECKING:
    from alo_lib.pricing import DividendModel, Scheme, Style

__all__ = ["price"]

_RIGHTS: Final = {"call": (1.0,), "put": (-1.0,), "both": (1.0, -1.0)}
_MOST: Final = 100_000


@click.command(short_help="Price options, with every greek.")
@contract_options
@dividend_options
@click.option(
    "--volatility",
    type=Numbers("volatility"),
    required=True,
    help="Volatility a year, as a decimal or in percent: 0.25, 25%.",
)
@click.option(
    "--right", type=click.Choice(sorted(_RIGHTS)), default="both", show_default=True, help="Calls, puts or both."
)
def price(
    spot: tuple[float, ...],
    strike: tuple[float, ...],
    times: tuple[float, ...],
    rate: tuple[float, ...],
    dividend_yield: tuple[float, ...],
    volatility: tuple[float, ...],
    dividends: TimedDividends,
    dividend_model: "DividendModel",
    spot_is_cum: bool,
    on_future: bool,
    right: str,
    style: "Style",
    scheme: "Scheme",
    as_json: bool,
) -> None:
    """Price American and European options, with every greek.

    Each of spot, strike, time, rate, yield and volatility may be a list (90,100) or a range (80:120:5); every
    combination is priced. Vega, rho and epsilon (the dividend yield's rho) are for a percentage point, theta and charm
    for a day. With --json they are raw derivatives, for 1.00 and for a year, as "units" says.

    \b
    Examples:
      alo price --spot 100 --strike 90:110:5 --time 91d --volatility 25% --rate 5%
      alo price --spot 100 --strike 100 --time 1 --volatility 0.25 --right put --dividend 90d:1.50
      alo price --spot 100 --strike 100 --time 2 --volatility 0.25 --dividend 90d:1.50 --dividend 455d:1.5%
      alo price --spot 100 --strike 100 --time 1 --volatility 0.25 --dividend 90d:1.50 --dividend-model escrowed
      alo price --spot 100 --strike 100 --time 1 --volatility 20%,30% --json | jq .options
    """
    import numpy as np

    from alo_lib.cli.failures import UserError
    from alo_lib.pricing import greeks
    from alo_lib.views.units import RAW_UNITS

    check_future(on_future, dividend_yield, dividends)
    schedule = schedule_of(dividends, dividend_model, spot_is_cum)
    lists = (spot, strike, rate, dividend_yield, volatility, times, _RIGHTS[right])
    count = int(np.prod([len(one) for one in lists]))
    if count > _MOST:
        raise UserError(f"that is {count:,} options; {_MOST:,} at once is allowed")
    columns = np.array(list(itertools.product(*lists))).T
    if on_future:
        columns[3] = columns[2]
    found = greeks(*columns, style=style, scheme=scheme, dividends=schedule, on_future=on_future)
    names = ("spot", "strike", "rate", "dividend_yield", "volatility", "time_to_expiry")
    rows = [
        dict(zip(names, row[:6].tolist(), strict=True))
        | {"right": "call" if row[6] > 0 else "put"}
        | {name: float(column[index]) for name, column in found._asdict().items()}
        for index, row in enumerate(columns.T)
    ]
    if as_json:
        said = {"style": style} | told_dividends(schedule) | {"on_future": on_future, "units": RAW_UNITS}
        print_json(said | {"options": rows})
        return
    results = {"price": "z.4f"} | dict.fromkeys(found._fields[1:], "")
    show(rows, results, note=dividends_in_words(schedule))
