"""Forward prices, and the dividend yields that stand for dividends."""

import math

import numpy as np
import numpy.typing as npt

from alo_lib.pricing.schedules import Carried, Dividends, DividendsLike, carried, cash_of, one_schedule
from alo_lib.pricing.terms import Cash, Options

__all__ = ["cash_as_fractions", "cash_as_yields", "forward_prices", "parity_yield", "trailing_yield"]

Array = npt.NDArray[np.float64]

_NEWTON_STEPS = 20
_LEAST_LEFT = 1e-3  # of spot: what a share is worth at least without the dividends ahead


def forward_prices(
    spot: npt.ArrayLike,
    rate: npt.ArrayLike,
    dividend_yield: npt.ArrayLike,
    time_to_expiry: npt.ArrayLike,
    dividends: DividendsLike | None = None,
) -> Array:
    """What of the spot the dividends before leave, grown by the rate less the yield; in the arguments' broadcast shape.

    At least 0. dividends: one schedule.
    """
    given = [np.asarray(each, dtype=np.float64) for each in (spot, rate, dividend_yield, time_to_expiry)]
    shape = np.broadcast_shapes(*(each.shape for each in given))
    s, r, q, t = (np.broadcast_to(each, shape).reshape(-1) for each in given)
    schedule = one_schedule(dividends)
    if schedule is not None and schedule.times.size:
        net = _net(s, r, q, t, _cash(schedule))
        s = net.share * s - net.cost
    return np.asarray(np.maximum(s * np.exp((r - q) * t), 0.0).reshape(shape))


def parity_yield(
    prepaid: Array, spot: Array, rate: Array, time_to_expiry: Array, dividends: Dividends | None = None
) -> Array:
    """The yield (n,) at which a share less what it pays before is worth ``prepaid`` (n,) today.

    That is C - P + K exp(-rT) of a European pair: what the dividends leave of the spot (:func:`schedules.carried`), at
    that yield, times exp(-qT). NaN, or an infinity, where no yield makes it that; zero time gives NaN.
    """
    cash = _cash(dividends)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        net = _net(spot, rate, rate, time_to_expiry, cash)
        # To begin with all cash is paid at expiry, or, where there is none, this is the yield.
        worth = prepaid + net.cost * np.exp(-rate * time_to_expiry)
        found = -np.log(np.maximum(worth, 0.0) / (net.share * spot)) / time_to_expiry
        for _ in range(_NEWTON_STEPS if net.cost.any() else 0):
            net = _net(spot, rate, found, time_to_expiry, cash)
            left, discount = net.share * spot - net.cost, np.exp(-found * time_to_expiry)
            slope = -(time_to_expiry * left + net.timed) * discount
            before, found = found, found - (left * discount - prepaid) / slope
            if np.array_equal(before, found, equal_nan=True):  # and so will be all that follow
                break
        return np.asarray(found)


def _cash(dividends: Dividends | None) -> Cash:
    return cash_of(np.array(dividends, dtype=np.object_))


def _net(spot: Array, rate: Array, dividend_yield: Array, time_to_expiry: Array, cash: Cash) -> Carried:
    """What one schedule leaves of spots (n,)."""
    return carried(Options(spot, spot, rate, dividend_yield, time_to_expiry, spot), cash)


def cash_as_yields(spot: float, rate: float, time_to_expiry: Array, dividends: DividendsLike) -> Array:
    """Yields (n,) with the forward that dividends give: S exp(-q T) is what they leave of the spot.

    time_to_expiry: (n,) years; dividends: one schedule. The yield is 0 at expiry. Cash worth more than the share leaves
    a thousandth of it.
    """
    spots, rates, none = (np.full(time_to_expiry.size, each) for each in (spot, rate, 0.0))
    net = _net(spots, rates, none, time_to_expiry, _cash(one_schedule(dividends)))
    left = np.maximum(net.share * spot - net.cost, _LEAST_LEFT * spot)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(time_to_expiry > 0.0, np.log(spot / left) / time_to_expiry, 0.0)


def cash_as_fractions(spot: float, rate: float, dividends: DividendsLike) -> Dividends:
    """Proportional dividends with the forwards that cash gives: each amount over the forward just before it.

    dividends: one schedule of cash, to which no yield is paid beside.

    :raises PricingError: where an amount is all of the forward, or more.
    """
    cash = one_schedule(dividends) or Dividends([])
    forward, now = spot, 0.0
    fractions = []
    for time, amount in zip(cash.times.tolist(), cash.amounts.tolist(), strict=True):
        forward, now = forward * math.exp(rate * (time - now)), time
        fractions.append(amount / forward if amount < forward else 1.0)
        forward -= amount
    return Dividends(cash.times, 0.0, fractions)


def trailing_yield(paid: float, spot: float) -> float:
    """The yield, continuously compounded, of the cash that a share paid over the past year."""
    return float(np.log1p(paid / spot))
