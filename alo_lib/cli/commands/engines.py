"""``alo engines``."""

import click

from alo_lib.cli.json_output import print_json

__all__ = ["engines"]


@click.command(short_help="Show which engines are found, and where.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def engines(as_json: bool) -> None:
    """Show which engines a backtest can run on here, and what is missing for the others."""
    from alo_lib.cli.engines import EngineState, states

    found = states(ask_daemon=True)
    if as_json:
        print_json({state.name: {"ready": state.ready, "detail": state.detail} for state in found})
        return

    def line(state: EngineState) -> str:
        return f"{state.name:<10}{'ready' if state.ready else 'not here':<10}{state.detail}"

    for state in found:
        click.echo(line(state))
