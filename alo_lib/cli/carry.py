"""``python -m alo_lib.cli.carry FOLDER``: fill a folder with kernels for an image or a wheel to carry.

They are those of every command that prices or trades, compiled for :data:`alo_lib.numerics.carried.PROCESSOR`. A
process that finds the folder's name in ALO_KERNELS takes them from there, writable or not.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from alo_lib.cli.project import ROOT
from alo_lib.numerics.carried import PROCESSOR

__all__ = ["carry"]

_OPTION: Final = ("--spot", "100", "--strike", "95", "--time", "0.5", "--rate", "0.05", "--dividend-yield", "0.02")
_QUOTED: Final = (  # chains as the price model in LEAN has them, whose ways are its own
    "import numpy as np; from alo_lib.pricing import Contracts, MarketTerms, QuotedChain, market_price;"
    "market, status = market_price([1e-9, 60.0, 5.0, 5.0] * 2, [1e-9, 60.0, 5.2, 5.2] * 2, 0.0);"
    "styles = np.repeat(['american', 'european'], 4);"
    "contracts = Contracts(50.0 * np.ones(8), np.ones(8), np.tile([1.0, -1.0], 4), styles);"
    "chain = QuotedChain(contracts, MarketTerms(50.0, 0.05, 0.01), market, status);"
    "assert len(chain.greeks) and len(chain.price_at(0.2));"
    "from alo_lib.pricing.plain_chain import plain_values;"
    "from alo_lib.pricing.quoted_chain import method_without_cash; from alo_lib.pricing.scheme import ACCURATE;"
    "quotes, method = np.array([[5.0, 5.2, 0.0, 50.0]]), method_without_cash('american', ACCURATE, False);"
    "plain_values(np.array([[50.0], [1.0]]), np.ones(1), quotes, 0.05, 0.01, 0, method)"
)
_DAYS: Final = ("--start", "2024-01-08", "--end", "2024-01-09")


def _commands(work: Path) -> list[tuple[str, ...]]:
    """What is run so that everything is compiled once, module and arguments."""
    data, cli = str(work / "data"), "alo_lib.cli"
    cash = ("--dividend", "90d:0.5")
    commands: list[tuple[str, ...]] = [(cli, "generate", "--output", data)]
    for style in ("american", "european"):
        commands += [(cli, "price", *_OPTION, "--volatility", "0.2", "--style", style, *more) for more in ((), cash)]
        commands += [(cli, "iv", *_OPTION, "--price", "10", "--right", "call", "--style", style, *more)
                     for more in ((), cash)]  # fmt: skip
    commands.append((cli, "backtest", "--data", data, "--output", str(work / "run"), *_DAYS))
    return commands


def carry(folder: Path) -> None:
    """Compile into ``folder``, which may be new.

    :raises subprocess.CalledProcessError: for a command that fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if name != "ALO_KERNELS"}
    environment |= PROCESSOR | {"NUMBA_CACHE_DIR": str(folder.resolve()), "PYTHONPATH": str(ROOT)}
    rehearsal = "from alo_lib.runtime.rehearsal import rehearse; from alo_lib.settings import Settings; "
    rehearsal += "rehearse(Settings.of({'underlyings': 'ALFA'}))"
    with tempfile.TemporaryDirectory(prefix="alo-carry-") as work:
        runs = [("-m", *command) for command in _commands(Path(work))] + [("-c", code) for code in (_QUOTED, rehearsal)]
        for run in runs:
            subprocess.run([sys.executable, "-P", *run], env=environment, stdout=subprocess.DEVNULL, check=True)


def main() -> None:
    """Fill the folder that the command line names; exit 2 with a sentence where it is none to write to."""
    parser = argparse.ArgumentParser(description="Compile all kernels for any x86-64-v3 processor into a folder.")
    parser.add_argument("folder")
    name = parser.parse_args().folder
    try:
        if not name.strip():
            raise OSError(f"{name!r} names no folder; '.' is the working folder")
        folder = Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):  # minutes before the first kernel is written
            pass
    except OSError as error:
        reason = f"{name} cannot be written to: {error.strerror}" if error.strerror else str(error)
        print(f"alo_lib.cli.carry: {reason}", file=sys.stderr)
        sys.exit(2)
    carry(folder)


if __name__ == "__main__":
    main()
