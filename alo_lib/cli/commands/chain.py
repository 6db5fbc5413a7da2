"""``alo chain``."""

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from alo_lib.cli.chain_arguments import MANY, check_chain, cut, market_options, selection_options, snapshot_of
from alo_lib.cli.console import say, working
from alo_lib.cli.dividend_arguments import DIVIDEND_MODEL
from alo_lib.cli.json_output import print_json
from alo_lib.cli.option_arguments import SCHEME, FilePath, Number
from alo_lib.cli.option_table import print_whole

if TYPE_CHECKING:
    from alo_lib.pricing import DividendModel, Scheme
    from alo_lib.views.chain import Carry, ChainView

__all__ = ["chain"]


@click.command(short_help="Implied volatilities and greeks of a real chain, with its smiles.")
@selection_options
@click.option("--right", type=click.Choice(["call", "put"]), help="Only calls or only puts.")
@market_options
@click.option(
    "--dividends",
    type=click.Choice(["yield", "cash", "proportional", "parity", "cash-parity", "none"]),
    default="yield",
    show_default=True,
    help="Those ahead in the factor file, and announced, as a yield with the same forward, or as cash; "
    "proportional: as fractions of spot; parity: the yield, borrowing "
    "included, at which calls and puts agree (as 'yield' where an expiry's quotes give none); cash-parity: the cash, "
    "and the yield beside it at which they agree, what borrowing costs; none.",
)
@DIVIDEND_MODEL
@click.option(
    "--dividend-yield", type=Number("dividend_yield"), help="A dividend yield a year instead, compounded continuously."
)
@click.option("--scheme", type=SCHEME, default="accurate", show_default=True, help="As in 'alo price'.")
@click.option("--all", "every", is_flag=True, help=f"List contracts even where there are more than {MANY}.")
@click.option("--html", type=FilePath(), help="Write a page with the smiles and all contracts there.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object with every contract.")
def chain(
    ticker: str,
    day: dt.datetime,
    data: Path,
    clock: dt.datetime | None,
    resolution: str | None,
    expiries: tuple[dt.datetime, ...],
    days: tuple[float, float] | None,
    strike: tuple[float, float] | None,
    right: str | None,
    spot: float | None,
    rate: float | None,
    dividends: "Carry",
    dividend_model: "DividendModel",
    dividend_yield: float | None,
    scheme: "Scheme",
    every: bool,
    html: Path | None,
    as_json: bool,
) -> None:
    """Show what the quotes of TICKER's options on DAY imply, from data in LEAN's format.

    Implied volatilities of bid, mid and ask, and greeks at the mid's, in the units of 'alo price'. A quote that no
    volatility explains has none, a dash, and its status says why. More than 200 contracts are summed up an expiry.
    Index options have their own ticker (SPXW), and European exercise.

    \b
    Examples:
      alo chain GOOG 2015-12-24 --data ~/lean/data --time 12:30 --html goog.html
      alo chain GOOG 2015-12-24 --data ~/lean/data --days 10 40 --strike 740 760
      alo chain AAPL 2014-06-06 --data ~/lean/data --dividends parity --json | jq '.contracts | length'
    """
    from alo_lib.cli.failures import UserError
    from alo_lib.market import DataFolder
    from alo_lib.views.chain import chain_view

    check_chain(days, strike, html)
    folder = DataFolder(data)
    snapshot = snapshot_of(folder, ticker, day, clock, resolution, spot)
    interest = folder.interest_rates.rate_at(day.date()) if rate is None else rate
    kept = cut(snapshot, expiries, days, strike)
    if right is not None:
        kept &= snapshot.contracts["right"] == (1 if right == "call" else -1)
    snapshot = snapshot.where(kept)
    if not len(snapshot):
        raise UserError(f"no contract of {snapshot.ticker} is left by --expiry, --days, --strike and --right")
    carry = _carry(dividends, dividend_yield, dividend_model)
    with working(f"Pricing {len(snapshot):,} contracts ..."):
        view = chain_view(snapshot, rate=interest, carry=carry, dividend_model=dividend_model, scheme=scheme)
    if folder.faults:
        say(f"Left out: {folder.faults.with_first}.")
    if html is not None:
        from alo_lib.records.whole_files import write_whole
        from alo_lib.views.chain_page import chain_html

        write_whole(html, chain_html(view))
    if as_json:
        print_json(_object(view))
        return
    _show(view, every or len(snapshot) <= MANY)
    if html is not None:
        click.echo(f"\nSmiles: {html}")


def _carry(dividends: "Carry", dividend_yield: float | None, model: "DividendModel") -> "Carry | float":
    """How dividends enter; UserError for the escrowed model without cash."""
    from alo_lib.cli.failures import UserError

    carry = dividends if dividend_yield is None else dividend_yield
    if model == "escrowed" and carry not in ("cash", "cash-parity"):
        raise UserError("--dividend-model escrowed is of cash; allowed: with --dividends cash or cash-parity")
    return carry


def _object(view: "ChainView") -> dict[str, Any]:
    from alo_lib.records import years_between
    from alo_lib.views.units import RAW_UNITS

    snapshot = view.snapshot
    return _head(view) | {
        "units": RAW_UNITS,
        "dividends_ahead": [
            {"years": float(years_between(snapshot.time, when)), "cash": cash} for when, cash in snapshot.dividends
        ],
        "statuses": view.statuses(),
        "expiries": [one._asdict() for one in view.expiries()],
        "contracts": list(view.rows()),
    }


def _head(view: "ChainView") -> dict[str, Any]:

    from alo_lib.records import NEW_YORK
    from alo_lib.views.run import exchange_moment

    snapshot = view.snapshot
    return {
        "ticker": snapshot.ticker,
        "time": exchange_moment(snapshot.time),
        "time_zone": str(NEW_YORK),
        "style": "american" if snapshot.american else "european",
        "resolution": str(snapshot.resolution),
        "spot": snapshot.spot,
        "spot_from": snapshot.spot_from,
        "rate": view.rate,
        "dividends": view.carry,
        "dividend_model": view.dividend_model,
    }


def _show(view: "ChainView", every: bool) -> None:
    from rich.table import Table

    from alo_lib.pricing import ContractStatus
    from alo_lib.views.units import PEOPLES, shown

    head, expiries = _head(view), view.expiries()
    click.echo(
        f"{head['ticker']} {head['time'][:16]} New York, {head['style']}, {head['resolution']} bars; "
        f"spot {head['spot']:g} ({head['spot_from']}), rate {head['rate']:z.3%}, dividends: {view.carry_in_words}\n"
        f"{len(view.snapshot):,} contracts, {sum(one.quoted for one in expiries):,} quoted on both sides, "
        f"{sum(one.explained for one in expiries):,} explained by a volatility"
    )
    others = [f"{count:,} {words}" for words, count in view.statuses().items() if words != ContractStatus.PRICED.words]
    if others:
        click.echo(f"Without a volatility of their own: {', '.join(others)}")
    without = [one.expiry for one in expiries if not one.from_parity]
    if view.carry == "parity" and without:
        click.echo(f"No yield from calls and puts, so that of the dividends ahead: {', '.join(without)}")
    if view.carry == "cash-parity" and without:
        click.echo(f"No yield from calls and puts beside the cash, so none: {', '.join(without)}")
    click.echo()
    table = Table(box=None, header_style="bold", padding=(0, 1, 0, 0))
    names = _CONTRACT if every else _EXPIRY
    for title, (key, _) in names.items():
        named = PEOPLES[key].title if key in PEOPLES else title
        table.add_column(named, justify="left" if title in ("expiry", "right", "status") else "right", no_wrap=True)
    rows = view.rows() if every else (one._asdict() for one in expiries)
    for row in rows:
        table.add_row(*(_cell(shown(key, row[key]), form) for key, form in names.values()))
    print_whole(table)


def _cell(value: Any, form: str) -> str:
    from alo_lib.views.spoken import DASH

    return DASH if value is None or value != value else format(value, form)


_EXPIRY: Final = {
    "expiry": ("expiry", ""),
    "days": ("days", "z.2f"),
    "contracts": ("contracts", ","),
    "quoted": ("quoted", ","),
    "explained": ("explained", ","),
    "yield": ("dividend_yield", "z.3%"),
    "forward": ("forward", "z.2f"),
    "at the money": ("at_the_money", "z.2%"),
}
_CONTRACT: Final = {
    "expiry": ("expiry", ""),
    "strike": ("strike", "g"),
    "right": ("right", ""),
    "bid": ("bid", "z.2f"),
    "ask": ("ask", "z.2f"),
    "bid IV": ("bid_volatility", "z.2%"),
    "mid IV": ("mid_volatility", "z.2%"),
    "ask IV": ("ask_volatility", "z.2%"),
    "delta": ("delta", "z.4f"),
    "gamma": ("gamma", "z.4g"),
    "vega": ("vega", "z.4g"),
    "theta": ("theta", "z.4g"),
    "rho": ("rho", "z.4g"),
    "status": ("status", ""),
}
