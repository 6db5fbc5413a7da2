"""Forward prices, and the dividend yields that stand for cash dividends."""

import numpy as np
import numpy.typing as npt

from alo_lib.pricing.dividends import Dividends

__all__ = ["cash_as_yields", "forward_prices", "parity_yield", "trailing_yield"]

Array = npt.NDArray[np.float64]

_NEWTON_STEPS = 20
_LEAST_LEFT = 1e-3  # of spot: what a share is worth at least without the dividends ahead


def forward_prices(
    spot: npt.ArrayLike,
    rate: npt.ArrayLike,
    dividend_yield: npt.ArrayLike,
    time_to_expiry: npt.ArrayLike,
    dividends: Dividends | None = None,
) -> Array:
    """S exp((r - q) T) less the cash paid before, grown likewise; in the arguments' broadcast shape, at least 0.

    dividends: ex-times (k,) in years and amounts (k,); what goes ex at expiry or later, or went ex before now, is not
    in the forward.
    """
    s, r, q, t = (np.asarray(each, dtype=np.float64) for each in (spot, rate, dividend_yield, time_to_expiry))
    growth = r - q
    forward = s * np.exp(growth * t)
    for when, amount in _each(dividends):
        forward = forward - np.where((when > 0.0) & (when < t), amount * np.exp(growth * (t - when)), 0.0)
    return np.asarray(np.maximum(forward, 0.0))


def parity_yield(
    carried: Array, spot: Array, rate: Array, time_to_expiry: Array, dividends: Dividends | None = None
) -> Array:
    """The yield (n,) at which a share less the cash that it pays before is worth ``carried`` (n,) today.

    That is C - P + K exp(-rT) of a European pair: S exp(-qT) less each amount D exp(-rt - q(T - t)), which falls in q.
    NaN, or an infinity, where no yield makes it that; zero time gives NaN.
    """
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        paid = [
            (time_to_expiry - when, amount * np.exp(-rate * when) * ((when > 0.0) & (when < time_to_expiry)))
            for when, amount in _each(dividends)
        ]
        worth = carried + sum(cash for _, cash in paid)
        found = -np.log(np.maximum(worth, 0.0) / spot) / time_to_expiry
        for _ in range(_NEWTON_STEPS if paid else 0):
            share = spot * np.exp(-found * time_to_expiry)
            lost = [(left, cash * np.exp(-found * left)) for left, cash in paid]
            value = share - sum(cash for _, cash in lost)
            slope = -time_to_expiry * share + sum(left * cash for left, cash in lost)
            found = found - (value - carried) / slope
        return np.asarray(found)


def _each(dividends: Dividends | None) -> list[tuple[float, float]]:
    """Ex-time and amount of each dividend."""
    if dividends is None:
        return []
    times, amounts = (np.asarray(each, dtype=np.float64).reshape(-1).tolist() for each in dividends)
    return list(zip(times, amounts, strict=True))


def cash_as_yields(spot: float, rate: float, time_to_expiry: Array, dividends: Dividends) -> Array:
    """Yields (n,) with the forward that cash gives: S exp(-q T) is the spot less the cash's present value.

    time_to_expiry: (n,) years; dividends: ex-times (k,) in years and amounts (k,). The yield is 0 at expiry. Cash
    worth more than the share leaves a thousandth of it.
    """
    times, amounts = (np.asarray(each, dtype=np.float64) for each in dividends)
    due = times[:, np.newaxis] <= time_to_expiry
    present = ((amounts * np.exp(-rate * times))[:, np.newaxis] * due).sum(axis=0)
    left = np.maximum(spot - present, _LEAST_LEFT * spot)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(time_to_expiry > 0.0, np.log(spot / left) / time_to_expiry, 0.0)


def trailing_yield(paid: float, spot: float) -> float:
    """The yield, continuously compounded, of the cash that a share paid over the past year."""
    return float(np.log1p(paid / spot))
