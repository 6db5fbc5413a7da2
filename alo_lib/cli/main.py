"""The command line as a whole: its commands, and the one place where errors become sentences and exit statuses."""

import os
import re
import signal
import sys
import warnings
from collections.abc import Sequence
from typing import Final, NoReturn

import click

from alo_lib.cli.commands.backtest import backtest
from alo_lib.cli.commands.benchmark import benchmark
from alo_lib.cli.commands.chain import chain
from alo_lib.cli.commands.cloud import cloud
from alo_lib.cli.commands.command import command_core
from alo_lib.cli.commands.compare import compare
from alo_lib.cli.commands.core import core
from alo_lib.cli.commands.data import data
from alo_lib.cli.commands.deploy import deploy
from alo_lib.cli.commands.docs import docs
from alo_lib.cli.commands.doctor import doctor
from alo_lib.cli.commands.engines import engines
from alo_lib.cli.commands.exercise import exercise
from alo_lib.cli.commands.generate import generate
from alo_lib.cli.commands.import_data import import_data
from alo_lib.cli.commands.iv import iv
from alo_lib.cli.commands.journal import journal
from alo_lib.cli.commands.monitor import monitor
from alo_lib.cli.commands.price import price
from alo_lib.cli.commands.replay import replay
from alo_lib.cli.commands.report import report
from alo_lib.cli.commands.risk import risk
from alo_lib.cli.commands.runs import runs
from alo_lib.cli.commands.scan import scan
from alo_lib.cli.commands.schedule import schedule
from alo_lib.cli.commands.sweep import sweep
from alo_lib.cli.commands.test import test
from alo_lib.cli.commands.train import train
from alo_lib.cli.commands.transport import transport
from alo_lib.cli.commands.volatility import volatility
from alo_lib.cli.compiling import tells_compilation
from alo_lib.cli.failures import RUN_FAILED, USER_ERROR, RunFailedError, sentence_of
from alo_lib.cli.interruption import Interrupted, interruptible
from alo_lib.cli.project import prepare_compilation_cache

__all__ = ["alo", "main"]

_LONG_WORD: Final = re.compile(r"\S{300,}")
_SHOWN: Final = 40
"""Characters that are told of both ends of a long word."""

_PYTHONS_FORMAT: Final = warnings.formatwarning

_CHECK_USAGE: Final = "--check-usage"
"""How the ./alo script asks whether a command is well formed, before it fetches the packages that the command needs."""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def alo() -> None:
    """Volatility arbitrage on American options, in QuantConnect LEAN and without it.

    \b
    Start here:
      alo backtest          trade a synthetic month, and get a report
      alo backtest --help   on your own data, in LEAN, with other settings
    """


for command in (
    backtest,
    sweep,
    report,
    runs,
    compare,
    replay,
    risk,
    journal,
    scan,
    chain,
    exercise,
    price,
    iv,
    volatility,
    schedule,
    core,
    command_core,
    monitor,
    doctor,
    deploy,
    transport,
    engines,
    generate,
    import_data,
    data,
    cloud,
    train,
    test,
    benchmark,
    docs,
):
    alo.add_command(command)

for command in (backtest, sweep, replay, risk, scan, chain, exercise, price, iv, volatility, train):
    assert command.callback is not None
    command.callback = tells_compilation(command.callback)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 done, 1 a run failed, 2 the user can put it right.

    A signal that ends it gives 128 and its number: 130 for Ctrl-C, 143 for SIGTERM, 129 for SIGHUP.
    """
    prepare_compilation_cache()
    warnings.formatwarning = _told_warning
    try:
        with interruptible():
            given = sys.argv[1:] if arguments is None else list(arguments)
            if given[:1] == [_CHECK_USAGE]:
                _check_usage(given[1:])
                sys.exit(0)
            status = alo.main(given, prog_name="alo", standalone_mode=False)
    except Interrupted as interruption:
        _end(str(interruption), interruption.status)
    except click.Abort:  # a question that nobody answers
        _end("interrupted", Interrupted(signal.SIGINT).status)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help())
        sys.exit(USER_ERROR)
    except RunFailedError as error:
        _end(str(error), RUN_FAILED)
    except BrokenPipeError:  # whoever read our output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(RUN_FAILED)
    except Exception as error:
        sentence = sentence_of(error)
        if sentence is None:
            raise
        _end(sentence, USER_ERROR)
    sys.exit(status if isinstance(status, int) else 0)


def _told_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """A warning of the project's own as people are told it, in one line; others with the place that they come from."""
    if category.__module__.partition(".")[0] == "alo_lib":
        return f"alo: {message}\n"
    return _PYTHONS_FORMAT(message, category, filename, lineno, line)


def _check_usage(arguments: Sequence[str]) -> None:
    """Usage errors of a command, which is not run."""
    with click.Context(alo, info_name="alo", **alo.context_settings) as context:
        name, *rest = arguments
        alo.commands[name].make_context(name, rest, parent=context)


def _end(sentence: str, status: int) -> NoReturn:
    click.echo(f"alo: {_LONG_WORD.sub(_shortened, sentence)}", err=True)
    sys.exit(status)


def _shortened(word: re.Match[str]) -> str:
    """A number or a name that nobody reads to its end."""
    text = word[0]
    return f"{text[:_SHOWN]}...{text[-_SHOWN:]} ({len(text):,} characters)"
