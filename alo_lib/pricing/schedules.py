"""Dividends as a user tells them and as kernels read them: the one place that says which count, and how.

- Several at one ex-time are one: amounts add up, and so do fractions, each of the spot just before the ex-time.
- One that goes ex at expiry or later counts for nothing: the option is settled first.
- One that goes ex now, at time 0, counts where the spot is said to be cum; unless told it is ex, without it already.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal, NamedTuple, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from alo_lib.pricing.arguments import PricingError, check_choice, real_numbers
from alo_lib.pricing.terms import Cash, Options

__all__ = [
    "DIVIDEND_MODELS",
    "Carried",
    "DividendModel",
    "Dividends",
    "DividendsLike",
    "carried",
    "cash_of",
    "one_schedule",
    "schedules_of",
]

Array = npt.NDArray[np.float64]
Schedules: TypeAlias = npt.NDArray[np.object_]
DividendModel = Literal["spot", "escrowed"]
"""What follows a geometric Brownian motion between ex-times: the spot, or the spot less what the cash still paid before
expiry is worth."""
DIVIDEND_MODELS: Final[tuple[str, ...]] = get_args(DividendModel)


class Dividends:
    """What one underlying pays: at each ex-time a fraction of its spot, an amount of cash, or both.

    times: (k,) ex-times in years from now. amounts: cash a share, and fractions: of the spot just before the ex-time,
    (k,) or one number for all; the spot after it is ``(1 - fraction) spot - amount``, at most nothing.
    model: "spot", unless told, or "escrowed", see :data:`DividendModel` and :mod:`alo_lib.pricing.dividends`.
    spot_is_cum: whether the spot still has what goes ex at time 0, as it has until the market opens on an ex-date;
    unless told it is ex, and such a dividend counts for nothing.

    The attributes are read-only arrays, ascending, one element an ex-time.

    :raises PricingError: for shapes that differ, an ex-time before now, an amount that is negative or not finite, and
        fractions of an ex-time that do not come to less than 1.
    """

    times: Array
    amounts: Array
    fractions: Array
    model: DividendModel
    spot_is_cum: bool

    def __init__(
        self,
        times: npt.ArrayLike,
        amounts: npt.ArrayLike = 0.0,
        fractions: npt.ArrayLike = 0.0,
        *,
        model: DividendModel = "spot",
        spot_is_cum: bool = False,
    ) -> None:
        check_choice("dividends: model", model, DIVIDEND_MODELS)
        if not isinstance(spot_is_cum, bool):
            raise PricingError(f"dividends: spot_is_cum is {spot_is_cum!r}; allowed: True, False")
        when = np.atleast_1d(real_numbers("dividends: ex-time", times))
        cash = _beside("amount", amounts, when)
        share = _beside("fraction", fractions, when)
        for name, values, valid, allowed in (
            ("ex-time", when, (when >= 0.0) & np.isfinite(when), "0, which is now, or later"),
            ("amount", cash, (cash >= 0.0) & np.isfinite(cash), "0 or more, and finite"),
            ("fraction", share, (share >= 0.0) & (share < 1.0), "at least 0 and below 1"),
        ):
            if not valid.all():
                raise PricingError(f"dividends: {name} is {values[~valid][0]:g}; allowed: {allowed}")
        each, which = np.unique(when, return_inverse=True)
        sums = np.zeros((2, each.size))
        with np.errstate(over="ignore"):
            np.add.at(sums[0], which, cash)
            np.add.at(sums[1], which, share)
        for name, total, valid, allowed in (
            ("amounts", sums[0], np.isfinite(sums[0]), "what is finite"),
            ("fractions", sums[1], sums[1] < 1.0, "below 1"),
        ):
            if not valid.all():
                late = int(np.argmin(valid))
                told = f"dividends: {name} of the ex-time {each[late]:g} come to {total[late]:g}"
                raise PricingError(f"{told}; allowed: {allowed}")
        for name, array in zip(("times", "amounts", "fractions"), (each, *sums), strict=True):
            object.__setattr__(self, name, _fixed(array))
        object.__setattr__(self, "model", model)
        object.__setattr__(self, "spot_is_cum", spot_is_cum)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a schedule of dividends does not change; make another")

    @property
    def paid_ahead(self) -> npt.NDArray[np.bool_]:
        """At which ex-times something is paid that is still in the spot, (k,)."""
        return ((self.amounts > 0.0) | (self.fractions > 0.0)) & ((self.times > 0.0) | self.spot_is_cum)

    def spot_after(self, spot: Array, k: int) -> Array:
        """The spot just after ex-time k, from the one just before it; at least 0."""
        return np.asarray(np.maximum((1.0 - self.fractions[k]) * spot - self.amounts[k], 0.0))

    def spot_before(self, spot: Array, k: int) -> Array:
        """The spot just before ex-time k that leaves one just after it."""
        return np.asarray((spot + self.amounts[k]) / (1.0 - self.fractions[k]))

    def ahead(self, which: slice | npt.NDArray[np.bool_], now: float = 0.0) -> "Dividends | None":
        """Those of the ex-times that are meant, as seen from a time at which they are still in the spot."""
        times = self.times[which] - now
        if not times.size:
            return None
        return Dividends(times, self.amounts[which], self.fractions[which], model=self.model, spot_is_cum=True)

    def __repr__(self) -> str:
        told = f"Dividends({self.times.tolist()}, {self.amounts.tolist()}, {self.fractions.tolist()}"
        return f"{told}, model={self.model!r}, spot_is_cum={self.spot_is_cum})"


DividendsLike = (
    Dividends
    | tuple[npt.ArrayLike, npt.ArrayLike]
    | Sequence[Dividends | None]
    | Sequence[Sequence[Dividends | None]]
    | Schedules
)
"""A schedule; the pair (ex_times, amounts) for one of cash; or one for each option: a list or an array of them, None
where nothing is paid, that broadcasts with the other arguments."""


def _fixed(values: Array) -> Array:
    """An array that nobody can write to."""
    return np.frombuffer(values.tobytes()) if values.size else np.empty(0)


def _beside(name: str, values: npt.ArrayLike, times: Array) -> Array:
    """One number for each ex-time."""
    array = real_numbers(f"dividends: {name}", values)
    if times.ndim != 1 or array.shape not in ((), times.shape):
        raise PricingError(
            f"dividends have ex-times of shape {times.shape} and {name}s of {array.shape}; "
            "allowed: two of the same (k,), or one number for all"
        )
    return np.asarray(np.broadcast_to(array, times.shape))


def _is_schedules(given: Any) -> bool:
    """Whether it is a list, or an array, of schedules."""
    if isinstance(given, np.ndarray):
        return given.dtype == np.object_ and _are_schedules(given.flat)
    return isinstance(given, list | tuple) and _are_schedules(given)


def _are_schedules(given: Iterable[Any]) -> bool:
    """Whether one of some is a schedule, or all are None: a pair of times and amounts is neither."""
    found = [isinstance(each, Dividends) or (each is not None and _is_schedules(each)) for each in given]
    return any(found) or (len(found) > 0 and all(each is None for each in given))


def schedules_of(given: Any) -> Schedules | None:
    """What is given for dividends (:data:`DividendsLike`) as an array of :class:`Dividends` and None.

    Its shape is () where there is one for all. None where nothing is given, or what is empty.

    :raises PricingError: for anything else.
    """
    if given is None:
        return None
    if isinstance(given, np.ma.MaskedArray):
        raise PricingError("dividends are a masked array; allowed: None where nothing is paid")
    if isinstance(given, Dividends):
        schedules = np.array(given, dtype=np.object_)
    elif _is_schedules(given):
        try:
            schedules = np.array(given, dtype=np.object_)
        except ValueError as error:
            raise PricingError("dividends are lists of schedules of different lengths; allowed: alike") from error
        strange = [each for each in schedules.flat if not (each is None or isinstance(each, Dividends))]
        if strange:
            raise PricingError(f"dividends hold {strange[0]!r} among schedules; allowed: Dividends, or None")
    else:
        schedules = np.array(_of_pair(given), dtype=np.object_)
    return None if all(each is None for each in schedules.flat) else schedules


def _of_pair(given: Any) -> Dividends | None:
    try:
        parts = list(given)
    except TypeError:
        parts = [given]
    if not parts:
        return None
    if len(parts) != 2 or isinstance(given, str | bytes | dict | set):
        told = " ".join(repr(given).split())
        raise PricingError(f"dividends is {told}; allowed: None, Dividends, a list of them, or (ex_times, amounts)")
    return Dividends(parts[0], parts[1])


def one_schedule(given: Any) -> Dividends | None:
    """The schedule that all options have.

    :raises PricingError: where there is one for each.
    """
    schedules = schedules_of(given)
    if schedules is None:
        return None
    if schedules.size != 1:
        raise PricingError(f"dividends are schedules of shape {schedules.shape}; allowed: one, for one underlying")
    found: Dividends | None = schedules.item()
    return found


def cash_of(schedules: Schedules) -> Cash:
    """Schedules as kernels read them, one after another; each is there once, however many options have it."""
    given: list[Dividends | None] = schedules.reshape(-1).tolist()
    columns, begin = [np.empty((4, 0))], 0
    rows: dict[Dividends | None, tuple[int, int]] = {None: (0, 0)}
    today: dict[Dividends | None, tuple[float, float]] = {None: (1.0, 0.0)}
    for each in dict.fromkeys(each for each in given if each is not None):
        now, later = each.paid_ahead & (each.times == 0.0), each.paid_ahead & (each.times > 0.0)
        today[each] = (1.0 - float(each.fractions[now].sum()), float(each.amounts[now].sum()))
        escrowed, amounts = each.model == "escrowed", each.amounts[later]
        falls, aside = (0.0 * amounts, amounts) if escrowed else (amounts, 0.0 * amounts)
        columns.append(np.stack([each.times[later], falls, aside, 1.0 - each.fractions[later]]))
        rows[each] = (begin, begin + int(later.sum()))
        begin = rows[each][1]
    times, falls, aside, kept = (np.ascontiguousarray(column) for column in np.concatenate(columns, axis=1))
    first_last = np.array([rows[each] for each in given], np.int64).reshape(-1, 2)
    of_today = np.array([today[each] for each in given], np.float64).reshape(-1, 2)
    return Cash(times, falls, aside, kept, first_last, of_today)


class Carried(NamedTuple):
    """What of n options' spots carries to expiry: ``share * spot - cost``, whose forward is the spot's; (n,) each."""

    share: Array  # what proportional dividends leave
    cost: Array  # what the cash comes to, discounted at the rate less the yield that the share earns
    timed: Array  # the same, each amount times its ex-time: the derivative by the yield, and less that by the rate
    paid: Array  # how many dividends are paid
    aside: Array  # what escrowed cash sets aside of the spot today


def carried(options: Options, cash: Cash) -> Carried:
    """What the dividends before expiry leave of each option's spot, those that go ex now included."""
    count, growth = options.spot.size, options.rate - options.dividend_yield
    share, cost = (np.broadcast_to(column, (count,)).copy() for column in cash.today.T)
    alive = options.time > 0.0
    share, cost = np.where(alive, share, 1.0), np.where(alive, cost, 0.0)
    paid = (alive & ((share < 1.0) | (cost > 0.0))).astype(np.float64)
    timed, escrowed = np.zeros(count), np.zeros(count)
    first, last = (np.broadcast_to(column, (count,)) for column in cash.rows.T)
    for ahead in range(int((last - first).max(initial=0))):
        row = np.minimum(first + ahead, cash.times.size - 1)
        when = cash.times[row]
        counts = (first + ahead < last) & (when < options.time)
        kept = np.where(counts, cash.kept[row], 1.0)
        discount = np.where(counts, np.exp(-growth * when), 0.0)
        amount, aside = (cash.amounts[row] + cash.aside[row]) * discount, cash.aside[row] * discount
        share, cost, timed = share * kept, cost * kept + amount, timed * kept + amount * when
        escrowed = escrowed * kept + aside
        paid += counts
    return Carried(share, cost, timed, paid, escrowed / share)
