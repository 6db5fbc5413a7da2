"""``alo backtest``."""

from pathlib import Path
from typing import Any, Literal

import click

from alo_lib.cli.option_arguments import FilePath
from alo_lib.cli.project import BACKTESTS, CONFIG, DATA

__all__ = ["assignment", "backtest"]

ENGINES = ("embedded", "native", "docker")


@click.command(short_help="Trade over past data and report what came of it.")
@click.option(
    "--engine",
    type=click.Choice(ENGINES),
    default="embedded",
    show_default=True,
    help="embedded needs nothing else; native is a LEAN on this machine; docker is LEAN's own command line.",
)
@click.option(
    "--data",
    type=FilePath(),
    help="LEAN data folder.  [default: data/ of the project; a synthetic market is written there when it is empty]",
)
@click.option("--start", metavar="DATE", help="First day, yyyy-mm-dd.")
@click.option("--end", metavar="DATE", help="Last day, yyyy-mm-dd.")
@click.option(
    "--underlying",
    "underlyings",
    metavar="TICKERS",
    multiple=True,
    help="Tickers to trade options on; repeat it, or separate them by commas.",
)
@click.option("--resolution", metavar="minute|hour", help="Bars that are traded on.")
@click.option("--cash", metavar="MONEY", help="Money at the start.")
@click.option(
    "--set",
    "assignments",
    metavar="NAME=VALUE",
    multiple=True,
    help="Any other setting, as often as you like; 'alo backtest --settings' lists them.",
)
@click.option(
    "--output",
    type=FilePath(),
    default=BACKTESTS,
    help="Folder that gets a folder a run.  [default: backtests/ of the project]",
)
@click.option(
    "--resume",
    metavar="FOLDER",
    type=FilePath(),
    help="Go on with a run that was interrupted or killed, under its own settings; its folder's name ends in .partial.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; everything else goes to standard error.")
@click.option("--verbose", "-v", is_flag=True, help="Show the run's log while it runs.")
@click.option("--log-format", type=click.Choice(["human", "json"]), default="human", help="How its lines look.")
@click.option(
    "--settings",
    "list_settings",
    is_flag=True,
    help="List every setting with its value here and what it may be, and stop.",
)
def backtest(
    engine: str,
    data: Path | None,
    output: Path,
    as_json: bool,
    verbose: bool,
    log_format: Literal["human", "json"],
    list_settings: bool,
    resume: Path | None,
    assignments: tuple[str, ...],
    underlyings: tuple[str, ...],
    **options: str | None,
) -> None:
    """Trade volatility on past data and report what came of it.

    Settings come from the "parameters" of config.json; the options here go before them. Each run leaves a folder
    with its settings, orders, journal, results in LEAN's format and a report to open in a browser.

    \b
    Examples:
      alo backtest
      alo backtest --data ~/lean/data --start 2015-12-24 --end 2015-12-24 --underlying GOOG
      alo backtest --engine native --set structures=strangle,calendar --set entry-edge=0.03
      alo backtest --json | jq .net_profit
    """
    from alo_lib.settings import Settings

    chosen: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    if underlyings:
        chosen["underlyings"] = ",".join(underlyings)
    chosen |= dict(map(assignment, assignments))
    if resume is not None:
        _resume(resume, engine, data, output, as_json, verbose, log_format, chosen)
        return
    sources = Settings.parameters_of(CONFIG), chosen
    settings = Settings.of(*sources)
    if list_settings:
        _list(settings)
        return

    from alo_lib.cli.backtesting import BacktestRequest, run
    from alo_lib.market import DataError

    given = click.get_current_context().get_parameter_source("engine") is not click.core.ParameterSource.DEFAULT
    request = BacktestRequest(
        engine=engine,
        settings=settings,
        data=data,
        default_data=DATA,
        output=output,
        as_json=as_json,
        verbose=verbose,
        log_style=log_format,
        asks_for_engines=verbose or given,
    )
    try:
        run(request)
    except DataError as error:
        raise DataError(settings.named_with_files(str(error), *sources)) from None


def _resume(
    path: Path,
    engine: str,
    data: Path | None,
    output: Path,
    as_json: bool,
    verbose: bool,
    log_format: Literal["human", "json"],
    chosen: dict[str, Any],
) -> None:
    """Go on with a run under the settings that it was begun with."""
    from alo_lib.cli.backtesting import BacktestRequest, run
    from alo_lib.cli.failures import UserError
    from alo_lib.cli.run_folder import RunFolder
    from alo_lib.journal import JOURNAL_FOLDER, require_no_writer
    from alo_lib.records.spelling import spelled
    from alo_lib.settings import Settings

    if chosen:
        raise UserError(
            f"a run goes on under its own settings: {', '.join(sorted(map(spelled, chosen)))} cannot be given"
        )
    if engine != "embedded":
        raise UserError(f"the {engine} engine begins its backtests anew; only embedded runs can go on")
    folder = RunFolder.reopen(path)
    require_no_writer(folder.path / JOURNAL_FOLDER)
    recorded = folder.recorded()
    settings = Settings.of(recorded.settings)
    source = data or Path(recorded.says("data.json", recorded.data, "folder", str))
    run(
        BacktestRequest(
            engine=engine,
            settings=settings,
            data=source,
            default_data=DATA,
            output=output,
            as_json=as_json,
            verbose=verbose,
            log_style=log_format,
            asks_for_engines=verbose,
            resume=folder,
        )
    )


def assignment(text: str) -> tuple[str, str]:
    """The name and value of a NAME=VALUE of the command line."""
    from alo_lib.records.spelling import unspelled

    name, equals, value = text.partition("=")
    if not (equals and name.strip() and value.strip()):
        raise click.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="'--set'")
    return unspelled(name.strip()), value.strip()


def _list(settings: Any) -> None:
    from rich.table import Table

    from alo_lib.cli.console import print_table
    from alo_lib.records.spelling import spelled

    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for title in ("setting", "value", "unit", "allowed", "meaning"):
        table.add_column(title, no_wrap=title == "setting", overflow="fold")
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        text = ",".join(value) if isinstance(value, tuple) else str(value)
        table.add_row(spelled(name), text, settings.unit_of(name), settings.allowed(name), field.description or "")
    print_table(table)
