"""Models, simulated samples and real daily bars for the volatility tests."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from alo_lib.volatility import DailyHistory, GjrGarch, GjrParameters

PARAMETERS = {
    "normal": GjrParameters(2e-6, 0.02, 0.12, 0.90, 1e-4, mu=3e-4),
    "t": GjrParameters(2e-6, 0.02, 0.12, 0.90, 1e-4, mu=3e-4, nu=6.0),
    "skewt": GjrParameters(2e-6, 0.02, 0.12, 0.90, 1e-4, mu=3e-4, nu=6.0, skew=-0.15),
}

days = DailyHistory.from_returns


def history_of(bars: NDArray[np.float64]) -> DailyHistory:
    """Of bars (n, 4)."""
    return DailyHistory.from_bars(*bars.T)


@pytest.fixture(scope="session", params=["normal", "t", "skewt"])
def distribution(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def model(distribution: str) -> GjrGarch:
    return GjrGarch(PARAMETERS[distribution])


@pytest.fixture(scope="session")
def sample(model: GjrGarch) -> NDArray[np.float64]:
    return model.simulate(3000, seed=7)[0]


def read_daily_bars(folder: Path, symbol: str) -> NDArray[np.float64]:
    """Split-adjusted open, high, low, close of a symbol in LEAN's daily format, shape (n, 4)."""
    with zipfile.ZipFile(folder / "equity/usa/daily" / f"{symbol}.zip") as archive:
        text = archive.read(archive.namelist()[0])
    bars = pd.read_csv(io.BytesIO(text), header=None)
    dates = bars[0].str.slice(0, 8).astype(int).to_numpy()
    factors = pd.read_csv(folder / "equity/usa/factor_files" / f"{symbol}.csv", header=None)
    # A row holds for the days up to and including its date.
    rows = np.searchsorted(factors[0].to_numpy(), dates, side="left")
    splits = factors[2].to_numpy(dtype=float)[rows]
    prices: NDArray[np.float64] = bars[[1, 2, 3, 4]].to_numpy(dtype=float) / 10_000.0 * splits[:, None]
    return prices


@pytest.fixture(scope="session", params=["spy", "aapl"])
def daily_bars(request: pytest.FixtureRequest, lean_data: Path) -> NDArray[np.float64]:
    return read_daily_bars(lean_data, str(request.param))
