"""``alo monitor``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alo_lib.cli.failures import UserError
from alo_lib.cli.json_output import print_json
from alo_lib.cli.operation_arguments import config_option
from alo_lib.cli.option_arguments import Amount, FilePath
from alo_lib.cli.project import BACKTESTS

if TYPE_CHECKING:
    from alo_lib.monitor import Monitor
    from alo_lib.monitor.event_log import EventLog
    from alo_lib.monitor.server import Listening
    from alo_lib.settings.operation import OperationSettings

__all__ = ["monitor"]


def _of_file(config: OperationSettings) -> dict[str, Any]:
    """Options by what a file of host and core settings says."""
    from alo_lib.runtime.link import channel_folder

    of = config.core
    run = of.name if of.folder is None else str(channel_folder(of.name, Path(of.folder)))
    return {"run": run, "listen": config.monitor.listen, "control": config.monitor.control}


@click.command(short_help="Watch a run while it runs: state, latencies, queues, book, journal.")
@click.argument("run", metavar="[NAME|RUN|FOLDER]", type=FilePath(), required=False)
@click.option("--once", is_flag=True, help="Show it once, and stop.")
@click.option("--every", type=Amount(0.05, 3600), default=1.0, show_default=True, help="Seconds between two looks.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON objects, one a line; with --once one.")
@click.option("--serve", is_flag=True, help="Serve it as a page, with metrics for Prometheus, until it is interrupted.")
@click.option(
    "--listen", metavar="HOST:PORT", default="127.0.0.1:9464", show_default=True, help="Where to serve; port 0 is any."
)
@click.option(
    "--control",
    type=FilePath(),
    help="Serve commands too, to who knows the token in this file, which is made where there is none.",
)
@click.option(
    "--log",
    type=FilePath(file_okay=False),
    help="Write notices, orders, commands, overruns and recoveries as JSON lines into this folder, each once.",
)
@config_option(_of_file)
def monitor(
    run: Path | None,
    once: bool,
    every: float,
    as_json: bool,
    serve: bool,
    listen: str,
    control: Path | None,
    log: Path | None,
    config: OperationSettings | None,
) -> None:
    """Show how a run stands: that of a core process by its NAME, a RUN's folder or name, a FOLDER of LEAN's results.

    Without one it is what runs now. It only reads, so a run is neither slowed nor stopped by it.

    \b
    Examples:
      alo monitor core
      alo monitor --once --json
      alo monitor core --serve
      alo monitor core --serve --control ~/.alo-token --log /var/log/alo
      alo monitor --config /etc/alo/alo.json --serve
    """
    from alo_lib.monitor import Monitor, MonitorError, find_source

    if serve and (once or as_json):
        raise UserError("--serve goes on until it is interrupted; it takes neither --once nor --json")
    if control is not None and not serve:
        raise UserError("--control goes with --serve; a terminal steers by 'alo command'")
    if log is not None and not serve:
        raise UserError("--log goes with --serve")
    try:
        watched = Monitor(find_source(run, BACKTESTS))
    except MonitorError as error:
        raise UserError(str(error)) from error
    try:
        if serve:
            _serve(watched, listen, control, log)
        elif as_json:
            _print(watched, once, every)
        else:
            from alo_lib.monitor.terminal import show

            show(watched, once=once, every=every)
    except MonitorError as error:
        raise UserError(str(error)) from error
    finally:
        watched.close()


def _print(watched: Monitor, once: bool, every: float) -> None:
    import time

    from alo_lib.monitor import NOT_SEEN

    if once:
        print_json(watched.look().told)
        return
    while True:
        try:
            told = watched.look().told
        except NOT_SEEN as error:
            told = {"problem": str(error)}
        print_json(told)
        time.sleep(every)


def _serve(watched: Monitor, listen: str, control: Path | None, log: Path | None) -> None:
    try:
        from alo_lib.monitor.server import ListenError, listening_of
        from alo_lib.monitor.server import serve as serve_page
    except ModuleNotFoundError as error:
        raise UserError(
            f"--serve needs the package {error.name}, which requirements/serve.txt lists and ./alo installs when it is "
            "asked for"
        ) from error
    try:
        listening = listening_of(listen)
    except ListenError as error:
        raise UserError(f"--listen is {error}") from error
    token = None if control is None else _token(watched, listening, control)
    events = None if log is None else _log(watched, log)
    try:
        if not serve_page(watched, listening, token, events):
            raise UserError(f"--listen is {listen!r}, where nothing can listen now; name another port")
    finally:
        if events is not None:
            events.close()


def _log(watched: Monitor, folder: Path) -> EventLog:
    from alo_lib.monitor.event_log import EventLog, EventLogError

    try:
        return EventLog(watched.source, folder)
    except EventLogError as error:
        raise UserError(f"--log: {error}") from error


def _token(watched: Monitor, listening: Listening, file: Path) -> str:
    from alo_lib.monitor.control import ControlError, token_of

    if not watched.source.channel:
        raise UserError(
            f"--control steers a core that 'alo core' runs, and {watched.source.name} is none; LEAN takes commands by "
            "'lean live command'"
        )
    if not listening.local:
        click.echo(f"the token and what it asks travel to {listening.host} as they are: put TLS in front", err=True)
    try:
        return token_of(file)
    except ControlError as error:
        raise UserError(f"--control: {error}") from error
