"""Options on a spot that drops by fixed cash amounts: finite differences in the logarithm of spot.

The model is that of QuantLib's ``FdBlackScholesVanillaEngine`` with a dividend schedule and the spot dividend model:
between ex-times spot is a geometric Brownian motion, at an ex-time it falls by the amount (at most to nothing), and an
American option may be exercised just before. Time stepping is Crank-Nicolson with two implicit steps after expiry and
after every dividend (Rannacher 1984), early exercise by Brennan and Schwartz's (1977) elimination from the side that
is not exercised, so that each step solves the complementarity problem exactly.
"""

import math

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.compilation import kernel
from alo_lib.pricing.arguments import PricingError
from alo_lib.pricing.batch import GREEKS
from alo_lib.pricing.scheme import Scheme

__all__ = ["Dividends", "check_dividends", "implied_with_dividends", "values_with_dividends"]

Array = npt.NDArray[np.float64]
Dividends = tuple[npt.ArrayLike, npt.ArrayLike]

_WIDTH = 5.0  # half width of the grid in standard deviations of the final log spot
_IMPLICIT = 2  # steps after a kink that are each done as two implicit half steps
_VOLATILITY_MIN = 1e-3
_VOLATILITY_MAX = 5.0
_IMPLIED_STEPS = 60


def check_dividends(dividends: Dividends) -> tuple[Array, Array]:
    """Ex-times (k,) in years, ascending, and amounts (k,).

    Raises PricingError when the shapes differ, a time is not positive, or an amount is negative or not finite.
    """
    times, amounts = (np.atleast_1d(np.asarray(x, dtype=np.float64)) for x in dividends)
    if times.ndim != 1 or times.shape != amounts.shape:
        raise PricingError(f"dividends have shapes {times.shape} and {amounts.shape}; two of the same (k,) are needed")
    for name, values, valid in (
        ("dividends: ex-time", times, (times > 0.0) & np.isfinite(times)),
        ("dividends: amount", amounts, (amounts >= 0.0) & np.isfinite(amounts)),
    ):
        if not valid.all():
            raise PricingError(f"{name} is {values[~valid][0]:g}; allowed: positive (an amount may be 0) and finite")
    order = np.argsort(times, kind="stable")
    return np.ascontiguousarray(times[order]), np.ascontiguousarray(amounts[order])


def _grid_size(scheme: Scheme) -> tuple[int, int]:
    """Points in space and steps in time that go with a scheme: 30 points and 12 steps for each boundary node."""
    return 30 * scheme.nodes, 12 * scheme.nodes


@kernel
def _width(
    spot: float,
    strike: float,
    rate: float,
    dividend_yield: float,
    volatility: float,
    time: float,
    times: Array,
    amounts: Array,
) -> float:
    """Half width of the grid in log spot: what the path may reach, and the strike."""
    total = 0.0
    for k in range(times.size):
        if times[k] < time:
            total += amounts[k]
    deviation = volatility * math.sqrt(time)
    width = _WIDTH * deviation + abs(rate - dividend_yield - 0.5 * volatility * volatility) * time
    return float(max(width + math.log1p(total / spot), abs(math.log(spot / strike)) + 2.0 * deviation))


@kernel
def _end_value(
    s: float, strike: float, rate: float, dividend_yield: float, tau: float, paid: float, call: bool, american: bool
) -> float:
    """Value at an end of the grid, where the option is as good as the forward or worthless."""
    forward = max(s * math.exp(-dividend_yield * tau) - paid, 0.0) - strike * math.exp(-rate * tau)
    side = 1.0 if call else -1.0
    value = max(side * forward, 0.0)
    return max(value, side * (s - strike)) if american else value


@kernel
def _cash_value(
    spot: float,
    strike: float,
    rate: float,
    dividend_yield: float,
    volatility: float,
    time: float,
    call: bool,
    american: bool,
    times: Array,
    amounts: Array,
    width: float,
    size: int,
    steps: int,
    work: Array,
    out: Array,
) -> None:
    """Price, delta and gamma of one option into out (3); ``work`` is (6, size + 1) scratch.

    ``width`` is half the grid's in log spot, or zero for the width that suits the option.
    """
    side = 1.0 if call else -1.0
    if not width > 0.0:
        width = _width(spot, strike, rate, dividend_yield, volatility, time, times, amounts)
    half = size // 2
    h = width / half
    n = 2 * half
    s, v, payoff, rhs, factor, old = work[0], work[1], work[2], work[3], work[4], work[5]
    for i in range(n + 1):
        s[i] = spot * math.exp((i - half) * h)
        payoff[i] = max(side * (s[i] - strike), 0.0)
        v[i] = payoff[i]
    # The payoff's kink is averaged over its cell, else the error depends on where the strike lies between nodes.
    for i in range(1, n):
        low = math.log(s[i]) - 0.5 * h
        kink = math.log(strike)
        if low < kink < low + h:
            if call:
                v[i] = (math.exp(low + h) - strike - strike * (low + h - kink)) / h
            else:
                v[i] = (strike * (kink - low) - strike + math.exp(low)) / h
    variance = volatility * volatility
    up = 0.5 * variance / (h * h) + 0.5 * (rate - dividend_yield - 0.5 * variance) / h
    down = 0.5 * variance / (h * h) - 0.5 * (rate - dividend_yield - 0.5 * variance) / h
    middle = -variance / (h * h) - rate
    event = times.size - 1
    while event >= 0 and times[event] >= time:
        event -= 1
    now = time
    paid = 0.0
    while now > 0.0:
        before = times[event] if event >= 0 else 0.0
        length = now - before
        count = max(math.ceil(steps * length / time), 2 * _IMPLICIT)
        done = 0
        while done < count + _IMPLICIT:
            implicit = done < 2 * _IMPLICIT
            dt = length / count * (0.5 if implicit else 1.0)
            theta = 1.0 if implicit else 0.5
            done += 1
            elapsed = (0.5 * done if implicit else done - _IMPLICIT) * length / count
            tau = time - now + elapsed
            outstanding = paid * math.exp(-rate * elapsed)
            a, b, c = -theta * dt * down, 1.0 - theta * dt * middle, -theta * dt * up
            explicit = (1.0 - theta) * dt
            for i in range(n + 1):
                old[i] = v[i]
            for i in range(1, n):
                rhs[i] = old[i] + explicit * (down * old[i - 1] + middle * old[i] + up * old[i + 1])
            v[0] = _end_value(s[0], strike, rate, dividend_yield, tau, outstanding, call, american)
            v[n] = _end_value(s[n], strike, rate, dividend_yield, tau, outstanding, call, american)
            rhs[1] -= a * v[0]
            rhs[n - 1] -= c * v[n]
            if call:
                factor[1] = 1.0 / b
                for i in range(2, n):
                    m = a * factor[i - 1]
                    factor[i] = 1.0 / (b - m * c)
                    rhs[i] -= m * rhs[i - 1]
                for i in range(n - 1, 0, -1):
                    x = rhs[i] * factor[i] if i == n - 1 else (rhs[i] - c * v[i + 1]) * factor[i]
                    v[i] = max(x, payoff[i]) if american else x
            else:
                factor[n - 1] = 1.0 / b
                for i in range(n - 2, 0, -1):
                    m = c * factor[i + 1]
                    factor[i] = 1.0 / (b - m * a)
                    rhs[i] -= m * rhs[i + 1]
                for i in range(1, n):
                    x = rhs[i] * factor[i] if i == 1 else (rhs[i] - a * v[i - 1]) * factor[i]
                    v[i] = max(x, payoff[i]) if american else x
        paid *= math.exp(-rate * length)
        now = before
        if event >= 0:
            amount = amounts[event]
            paid += amount
            event -= 1
            for i in range(n + 1):
                old[i] = v[i]
            for i in range(n + 1):
                after = s[i] - amount
                if after <= s[0]:
                    x = old[0] if call else old[0] + (s[0] - max(after, 0.0))
                else:
                    position = math.log(after / s[0]) / h
                    j = min(max(int(position) - 1, 0), n - 3)
                    p = position - j
                    x = (
                        -old[j] * (p - 1.0) * (p - 2.0) * (p - 3.0) / 6.0
                        + old[j + 1] * p * (p - 2.0) * (p - 3.0) / 2.0
                        - old[j + 2] * p * (p - 1.0) * (p - 3.0) / 2.0
                        + old[j + 3] * p * (p - 1.0) * (p - 2.0) / 6.0
                    )
                v[i] = max(x, payoff[i]) if american else max(x, 0.0)
    low, mid, high = v[half - 1], v[half], v[half + 1]
    first = (high - low) / (2.0 * h)
    second = (high - 2.0 * mid + low) / (h * h)
    out[0] = max(mid, payoff[half]) if american else max(mid, 0.0)
    out[1] = first / spot
    out[2] = max(second - first, 0.0) / (spot * spot)


@kernel
def _cash_values(
    spot: Array,
    strike: Array,
    rate: Array,
    dividend_yield: Array,
    volatility: Array,
    time: Array,
    right: Array,
    american: bool,
    times: Array,
    amounts: Array,
    width: Array,
    size: int,
    steps: int,
    out: Array,
) -> None:
    """Price, delta and gamma, out (3, n), of n options; elements with a NaN give NaN.

    width (n,) receives each grid's half width where it is zero and prescribes it elsewhere, so that a difference of
    two prices can be taken on one grid.

    Zero time gives intrinsic value; a volatility below 0.001 is priced as 0.001.
    """
    work = np.empty((6, size + 1))
    one = np.empty(3)
    for i in range(spot.size):
        if math.isnan(spot[i] + strike[i] + rate[i] + dividend_yield[i] + volatility[i] + time[i] + right[i]):
            one[:] = math.nan
        elif time[i] > 0.0:
            sigma = max(volatility[i], _VOLATILITY_MIN)
            if width[i] == 0.0:
                width[i] = _width(spot[i], strike[i], rate[i], dividend_yield[i], sigma, time[i], times, amounts)
            _cash_value(
                spot[i],
                strike[i],
                rate[i],
                dividend_yield[i],
                sigma,
                time[i],
                right[i] > 0.0,
                american,
                times,
                amounts,
                width[i],
                size,
                steps,
                work,
                one,
            )
        else:
            one[0] = max(right[i] * (spot[i] - strike[i]), 0.0)
            one[1] = right[i] if one[0] > 0.0 else 0.0
            one[2] = 0.0
        for j in range(3):
            out[j, i] = one[j]


@kernel
def _cash_implied(
    price: Array,
    spot: Array,
    strike: Array,
    rate: Array,
    dividend_yield: Array,
    time: Array,
    right: Array,
    american: bool,
    times: Array,
    amounts: Array,
    size: int,
    steps: int,
    out: Array,
) -> None:
    """Implied volatilities between 0.001 and 5 into out (n), NaN where there is none, by the Illinois method."""
    work = np.empty((6, size + 1))
    one = np.empty(3)
    for i in range(price.size):
        out[i] = math.nan
        if math.isnan(price[i] + spot[i] + strike[i] + rate[i] + dividend_yield[i] + time[i] + right[i]):
            continue
        if not time[i] > 0.0:
            continue
        low = _VOLATILITY_MIN
        high = _VOLATILITY_MAX
        below = 0.0
        above = 0.0
        sigma = low
        last = 0
        for step in range(_IMPLIED_STEPS):
            if step < 2:
                sigma = low if step == 0 else high
            else:
                sigma = (low * above - high * below) / (above - below)
                if step < 5:
                    sigma = math.sqrt(max(low, 0.02) * high)
            _cash_value(
                spot[i],
                strike[i],
                rate[i],
                dividend_yield[i],
                sigma,
                time[i],
                right[i] > 0.0,
                american,
                times,
                amounts,
                0.0,
                size,
                steps,
                work,
                one,
            )
            miss = one[0] - price[i]
            if step == 0:
                below = miss
                if miss >= -1e-10 * strike[i]:
                    break
            elif step == 1:
                above = miss
                if miss <= 0.0:
                    break
            elif miss < 0.0:
                low = sigma
                below = miss
                if last < 0:
                    above *= 0.5
                last = -1
            else:
                high = sigma
                above = miss
                if last > 0:
                    below *= 0.5
                last = 1
            if step >= 2 and (abs(miss) <= 1e-12 * strike[i] or high - low <= 1e-10 * high):
                out[i] = sigma
                break


def values_with_dividends(
    flat: list[Array], american: bool, scheme: Scheme, rows: int, times: Array, amounts: Array
) -> Array:
    """Prices (rows = 1) or prices and greeks (rows = 10) of flat arguments (spot .. right), shape (rows, n).

    Delta and gamma are read off the grid; the others are central differences of solutions on one grid: by volatility
    0.02, by rates 0.001, and by time a hundredth of what is left before the next ex-time or expiry.
    """
    size, steps = _grid_size(scheme)
    count = flat[0].size
    width = np.zeros(count)

    def solve(shifted: list[Array], ex_times: Array) -> Array:
        out = np.empty((3, count))
        _cash_values(*shifted, american, ex_times, amounts, width, size, steps, out)
        return out

    base = solve(flat, times)
    if rows == 1:
        return base[:1]

    def pair(index: int, step: Array) -> tuple[Array, Array]:
        up, down = list(flat), list(flat)
        up[index], down[index] = flat[index] + step, flat[index] - step
        return solve(up, times), solve(down, times)

    values = dict(zip(GREEKS[:3], base, strict=True))
    step = np.minimum(0.02, 0.5 * flat[4])
    with np.errstate(invalid="ignore", divide="ignore"):
        up, down = pair(4, step)
        values["vega"] = (up[0] - down[0]) / (2.0 * step)
        values["volga"] = (up[0] - 2.0 * base[0] + down[0]) / step**2
        values["vanna"] = (up[1] - down[1]) / (2.0 * step)
        for name, index in (("rho", 2), ("epsilon", 3)):
            up, down = pair(index, np.full(count, 0.001))
            values[name] = (up[0] - down[0]) / 0.002
        values["theta"], values["charm"] = np.zeros(count), np.zeros(count)
        for i in range(count):
            ahead = float(min([flat[5][i], *times[times < flat[5][i]]]))
            one = [array[i : i + 1] for array in flat]
            near, far = np.empty((3, 1)), np.empty((3, 1))
            for shift, out in ((-0.01 * ahead, near), (0.01 * ahead, far)):
                moved = [*one[:5], one[5] + shift, one[6]]
                _cash_values(*moved, american, times + shift, amounts, width[i : i + 1], size, steps, out)
            if ahead > 0.0:
                values["theta"][i] = (near[0, 0] - far[0, 0]) / (0.02 * ahead)
                values["charm"][i] = (near[1, 0] - far[1, 0]) / (0.02 * ahead)
    for name in ("vega", "volga", "vanna"):
        values[name] = np.where(step > 0.0, values[name], 0.0)
    return np.stack([values[name] for name in GREEKS])


def implied_with_dividends(flat: list[Array], american: bool, scheme: Scheme, times: Array, amounts: Array) -> Array:
    """Implied volatilities (n,) of flat arguments (price, spot .. right), NaN where none from 0.001 to 5 explains."""
    out = np.empty(flat[0].size)
    _cash_implied(*flat, american, times, amounts, *_grid_size(scheme), out)
    return out
