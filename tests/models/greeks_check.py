"""Compare what LEAN got from the price model with the pricer called directly."""

import datetime as dt
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from alo_lib.pricing import Dividends, Greeks, greeks, implied_volatility

__all__ = ["CHICAGO", "CLOSE", "NEW_YORK", "at", "check", "columns", "years"]

NEW_YORK = ZoneInfo("America/New_York")
CHICAGO = ZoneInfo("America/Chicago")
CLOSE = dt.time(16)


def columns(rows: list[dict[str, Any]], *names: str) -> list[npt.NDArray[np.float64]]:
    return [np.array([row[name] for row in rows], dtype=float) for name in names]


def years(row: dict[str, Any], settles: dt.datetime) -> float:
    now = dt.datetime.strptime(row["time"], "%Y-%m-%d %H:%M").replace(tzinfo=NEW_YORK)
    return (settles.astimezone(dt.UTC) - now.astimezone(dt.UTC)).total_seconds() / (365 * 86_400)


def check(
    rows: list[dict[str, Any]],
    settle: Callable[[dict[str, Any]], dt.datetime],
    *,
    market: str = "mid",
    rate: Callable[[dict[str, Any]], float] = lambda row: row["rate"],
    dividend_yield: Callable[[dict[str, Any]], float] = lambda row: row["yield"],
    scheme: str = "high_precision",
    dividends: Dividends | tuple[list[float], list[float]] | None = None,
) -> None:
    """Volatilities and greeks are those of a high-precision pricer at the quotes that LEAN told.

    Where the price is at or below the floor and the ask reaches that, they are at the mirror's volatility or in the
    limit of none.
    Dividends are priced on a grid, whose own error is larger than what is to be seen here, so their reference is solved
    on the same one, by ``scheme="accurate"``; contracts that expire before the first of them have none.
    """
    if dividends is not None:
        times = dividends.times if isinstance(dividends, Dividends) else dividends[0]
        before = [row for row in rows if years(row, settle(row)) <= min(times)]
        if before:
            check(before, settle, market=market, rate=rate, dividend_yield=dividend_yield)
        rows = [row for row in rows if row not in before]
    bid, ask, spot, strike, right = columns(rows, "bid", "ask", "spot", "strike", "right")
    quoted = {"mid": 0.5 * (bid + ask), "ask": ask}[market]
    time = np.array([years(row, settle(row)) for row in rows])
    style = "american" if rows[0]["american"] else "european"
    terms = (spot, strike, np.array([rate(row) for row in rows]), np.array([dividend_yield(row) for row in rows]))
    reference = {"style": style, "scheme": scheme, "dividends": dividends}
    sigma = implied_volatility(quoted, *terms, time, right, **reference, invalid="nan")  # type: ignore[arg-type]
    found, price = columns(rows, "volatility", "price")
    priced = found > 0.0
    assert priced.sum() >= 0.7 * len(rows)
    np.testing.assert_allclose(price[priced], quoted[priced], rtol=1e-12)
    limit = greeks(*terms, 0.0, time, right, **reference)  # type: ignore[arg-type]
    _check_about_the_floor(rows, quoted, sigma, limit)
    at = np.where(np.isnan(sigma), found, sigma)
    expected = greeks(*terms, np.where(priced, at, 0.5), time, right, **reference)  # type: ignore[arg-type]
    seen_well = priced & ~np.isnan(sigma) & (expected.vega > 1e-3 * spot)
    np.testing.assert_allclose(found[seen_well], sigma[seen_well], atol=5e-6)
    for name, unit in (("delta", 1.0), ("gamma", 1.0), ("vega", 0.01), ("theta", 1.0), ("rho", 0.01)):
        (value,) = columns(rows, name)
        right_value = getattr(expected, name) * unit
        np.testing.assert_allclose(value[priced], right_value[priced], rtol=2e-4, atol=1e-5, err_msg=name)


def _check_about_the_floor(
    rows: list[dict[str, Any]], quoted: npt.NDArray[np.float64], sigma: npt.NDArray[np.float64], limit: Greeks
) -> None:
    """Contracts with greeks and no volatility of their own; limit: the values without volatility, the floor first."""
    found, delta, strike, ask = columns(rows, "volatility", "delta", "strike", "ask")
    derived = np.isnan(sigma) & (np.nan_to_num(delta) != 0.0)
    assert not (derived & (quoted > limit.price + 1e-7 * strike)).any()
    assert not (derived & (ask < limit.price - 1e-7 * strike)).any()
    np.testing.assert_allclose(delta[derived & (found == 0.0)], limit.delta[derived & (found == 0.0)], atol=1e-9)
    same = [tuple(row.get(name) for name in ("option", "kind", "time", "expiry", "strike")) for row in rows]
    told = {(*of, row["right"]): float(value) for of, row, value in zip(same, rows, found, strict=True)}
    for place in np.flatnonzero(derived & (found > 0.0)):
        mirror = (*same[place], -rows[place]["right"])
        assert told.get(mirror, found[place]) == found[place], rows[place]


def at(day: str, time: dt.time, zone: ZoneInfo = NEW_YORK) -> dt.datetime:
    return dt.datetime.combine(dt.date.fromisoformat(day), time, zone)
