"""Where LEAN's sample data is: the one option that benchmarks over real quotes share."""

import argparse
import os
from pathlib import Path

from alo_lib.cli.project import DATA

__all__ = ["add_data_option"]


def add_data_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--data``, by default what LEAN_DATA names, else the project's data folder."""
    default = Path(os.environ.get("LEAN_DATA") or DATA)
    parser.add_argument("--data", type=Path, default=default, help="LEAN's sample data (default: LEAN_DATA)")
