"""Where LEAN's sample data is: the one option that benchmarks over real quotes share."""

import argparse
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from alo_lib.cli.project import DATA
from benchmarks.harness import Row, options_of, report

__all__ = ["add_data_option", "data_options", "report_on_data"]


def add_data_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--data``, by default what LEAN_DATA names, else the project's data folder."""
    default = Path(os.environ.get("LEAN_DATA") or DATA)
    parser.add_argument("--data", type=Path, default=default, help="LEAN's sample data (default: LEAN_DATA)")


def data_options(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """What the command line says, once the data folder is there."""
    options = parser.parse_args()
    if not options.data.is_dir():
        parser.error(f"there is no data folder at {options.data}")
    return options


def report_on_data(description: str | None, measure: Callable[[Path, bool], Iterable[Row]]) -> int:
    """Run a benchmark that needs the data and no option of its own. Returns the exit status."""
    parser = options_of(description)
    add_data_option(parser)
    options = data_options(parser)
    return report(measure(options.data, options.quick), as_json=options.json)
