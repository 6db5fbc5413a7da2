"""What ``python -m alo_lib.cli.carry`` compiles is all that a price and a frame need, and changes no bit."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from alo_lib.cli.carry import carry
from alo_lib.cli.project import ROOT
from alo_lib.numerics.carried import PROCESSOR

_RUN = (
    "import hashlib, numpy as np; from numba.core import event; record = event.RecordingListener()\n"
    "with event.install_listener('numba:compile', record):\n"
    "    from alo_lib.pricing import Chain, greeks, price\n"
    "    from alo_lib.runtime.warm_up import warm_up\n"
    "    from alo_lib.settings import Settings\n"
    "    strikes = np.arange(60.0, 140.0, 2.0)\n"
    "    chain = Chain(np.tile(strikes, 2), np.repeat([0.1, 1.0], 40), np.tile([-1.0, 1.0], 40))\n"
    "    seen = chain.greeks(100.0, 0.04, 0.01, 0.3)\n"
    "    found = [seen.price, seen.gamma, chain.implied_volatility(seen.price, 100.0, 0.04, 0.01)]\n"
    "    found += [greeks(strikes, 100.0, 0.05, rate, 0.2, 1.0, -1).charm for rate in (0.0, 0.08)]\n"
    "    found += [price(strikes, 100.0, 0.05, 0.01, 0.2, 1.0, -1, dividends=([0.25], [1.0]))]\n"
    "    from alo_lib.pricing import Contracts, MarketTerms, QuotedChain, market_price\n"
    "    market, status = market_price([1e-9, 60.0, 4.0, 4.0], [1e-9, 60.0, 4.2, 4.2], 0.0)\n"
    "    styles = np.repeat(['american', 'european'], 2)\n"
    "    contracts = Contracts(50.0 * np.ones(4), np.ones(4), np.tile([1.0, -1.0], 2), styles)\n"
    "    found += [QuotedChain(contracts, MarketTerms(50.0, 0.05, 0.01), market, status).greeks.delta]\n"
    "    warm_up(Settings.of({'underlyings': 'GOOG'}))\n"
    "bits = hashlib.sha256(np.concatenate(found).tobytes()).hexdigest()\n"
    "print(sum(item.is_start for _, item in record.buffer), bits)"
)


def counted(**environment: str) -> tuple[int, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in (*PROCESSOR, "ALO_KERNELS")}
    environment = inherited | {"PYTHONPATH": str(ROOT)} | environment
    done = subprocess.run(
        [sys.executable, "-P", "-c", _RUN], env=environment, capture_output=True, text=True, check=True
    )
    count, bits = done.stdout.split()
    return int(count), bits


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "'' names no folder; '.' is the working folder"),
        ("a-file", "a-file cannot be written to: File exists"),
        ("a-file/below", "a-file/below cannot be written to: Not a directory"),
        ("/proc/x", "/proc/x cannot be written to: No such file or directory"),
    ],
)
def test_what_is_no_folder_to_write_to_is_one_sentence(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "a-file").touch()
    done = subprocess.run(
        [sys.executable, "-P", "-m", "alo_lib.cli.carry", name],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"alo_lib.cli.carry: {reason}\n")
    assert [each.name for each in tmp_path.iterdir()] == ["a-file"]


@pytest.mark.slow
def test_an_image_with_kernels_compiles_nothing_and_finds_the_same_bits(tmp_path: Path) -> None:
    carry(tmp_path / "kernels")
    compiled, bits = counted(ALO_KERNELS=str(tmp_path / "kernels"), NUMBA_CACHE_DIR=str(tmp_path / "own"))
    assert compiled == 0
    assert bits == counted(NUMBA_CACHE_DIR=str(tmp_path / "here"))[1]


def test_a_folder_of_kernels_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    option = ("--spot", "100", "--strike", "95", "--time", "0.5", "--volatility", "0.2", "--style", "european")
    none = tmp_path / "none"
    done = subprocess.run(
        [sys.executable, "-P", "-m", "alo_lib.cli", "price", *option],
        env=os.environ | {"PYTHONPATH": str(ROOT), "ALO_KERNELS": str(none)},
        capture_output=True,
        text=True,
        check=True,
    )
    told = f"alo: the kernels in {none} are not taken, and the numerical code is compiled anew: there is no such folder"
    assert [line for line in done.stderr.splitlines() if "Compiling" not in line] == [told]
