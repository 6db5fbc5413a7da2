"""The forecast that the strategy trades on: the hybrid over an option's remaining life, or GJR-GARCH in its place.

A forecaster follows one underlying's daily bars and says when a calibration is due: at first, by schedule, or because
the model's scale stopped fitting. The calibration itself is a function of what it was asked with, so that it can be
made anywhere and at any time (:mod:`~alo_lib.strategy.calibration`); its result counts from the moment it is
installed.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, NamedTuple

import numpy as np

from alo_lib.records import TRADING_DAYS, Linked
from alo_lib.settings import Settings
from alo_lib.strategy.calibration import Calibrated, CalibrationRequest, Due, calibrate
from alo_lib.strategy.daily_bars import DailyBar, filled_bars
from alo_lib.strategy.jump_watch import JumpWatch
from alo_lib.volatility import (
    BarState,
    ChangeState,
    DailyHistory,
    DailyObservation,
    GjrState,
    HybridForecast,
    HybridState,
    ObservationError,
    RegimeState,
    VolatilityError,
    close_to_close,
    log_returns,
    observe,
)
from alo_lib.volatility.jumps import Day
from alo_lib.volatility.ranges import FLOOR

__all__ = ["Outlook", "VolatilityForecaster"]


class _Filtered(NamedTuple):
    """What the models in force have made of the bars so far; None for a model that is not there."""

    garch: GjrState | None = None
    hybrid: HybridState | None = None
    bar: BarState | None = None
    change: ChangeState = ChangeState()
    regimes: RegimeState | None = None

    def volatility_over(self, model: Calibrated, days: float) -> float:
        """As :meth:`VolatilityForecaster.volatility_over`, from these states on; NaN without any."""
        if self.garch is None:
            return float(np.nan)
        if model.hybrid is not None and self.hybrid is not None:
            return model.hybrid.expected_volatility(self.hybrid, days)
        return model.garch.expected_volatility(self.garch, days)

    def after(self, model: Calibrated, return_: float) -> "_Filtered":
        """The states after a day of which the return alone is known, as far as forecasts rest on them.

        :raises VolatilityError: for a return that the models refuse.
        """
        day = DailyObservation(return_, max(return_ * return_, FLOOR))
        garch = None if self.garch is None else model.garch.update(self.garch, day)
        hybrid = None if model.hybrid is None or self.hybrid is None else model.hybrid.update(self.hybrid, day)
        return self._replace(garch=garch, hybrid=hybrid)

    def past(self, bar: DailyBar) -> "_Filtered":
        """The same, the next bar measured from this one, which no model is told of."""
        return self if self.bar is None else self._replace(bar=replace(self.bar, close=bar[3]))


class Outlook(NamedTuple):
    """A forecast within a session: the rest of the day, and the days after it."""

    model: Calibrated
    today: float
    """The volatility that was forecast for today."""
    left: float
    """Share of today's variance that is to come."""
    up: _Filtered
    down: _Filtered
    """The states at the close if what is left of the day moves the price by one deviation."""

    def volatility_over(self, days: float) -> float:
        """Annualized mean of the volatility over the next ``days``, the rest of today among them; NaN of none."""
        if not days > 0.0:
            return float(np.nan)
        rest = min(self.left, days)
        after = days - rest
        later = 0.0
        if after > 0.0:
            up, down = (each.volatility_over(self.model, after) for each in (self.up, self.down))
            later = 0.5 * (up * up + down * down)
        return math.sqrt((self.today * self.today * rest + later * after) / days)


class VolatilityForecaster:
    """Holds one underlying's daily bars, its calibrated models and their filtered states.

    Bars come once a session. Every ``garch_refit_sessions`` sessions, and when a change of regime is found, a
    calibration on the last ``garch_history`` returns is due; in between, the states follow the new bars.
    """

    due: Due | None
    """Why a calibration should be asked for; None when none should."""
    _settings: Annotated[Settings, Linked("settings")]
    _bars: list[DailyBar]
    _held_event: list[bool]  # of each of them, whether a dated event moved the price from the bar before
    _event_left: bool  # whether bars that were left out since the last held one, whose move the next has
    _model: Calibrated | None
    _filtered: _Filtered
    _totals: tuple[float, ...] | None  # of the hybrid's forecast from its state; None until asked for
    _since: list[DailyBar]  # bars after the last request's
    _since_are: list[Day]  # what each was found to be
    _sessions: int
    _watch: JumpWatch

    def __init__(self, settings: Settings) -> None:
        self.due = None
        self._settings = settings
        self._bars, self._held_event, self._event_left = [], [], False
        self._since, self._since_are = [], []
        self._model, self._filtered, self._totals = None, _Filtered(), None
        self._sessions, self._watch = 0, JumpWatch()

    @property
    def ready(self) -> bool:
        """Whether there is a forecast to be had."""
        return self._filtered.garch is not None

    @property
    def unsettled(self) -> bool:
        """Whether the price has jumped and no models that know of it are in force: a forecast to open nothing on.

        A jump at the last close is one, whatever the models, until the next has confirmed it or taken it back.
        """
        return self._watch.unsettled

    @property
    def model(self) -> Calibrated | None:
        """The models in force."""
        return self._model

    def update(self, closes: Sequence[float]) -> str | None:
        """:meth:`follow` closes alone and make at once the calibration that is due; returns a problem as it does."""
        nan = float(np.nan)
        problem = self.follow([(nan, nan, nan, close) for close in closes])
        return self.calibrate_now() or problem

    def calibrate_now(self) -> str | None:
        """Make the calibration that is due, if one is. Returns the problem that left the last models in force."""
        if self.due is None:
            return None
        try:
            self.install(calibrate(self.request()))
        except VolatilityError as error:
            return str(error)
        return None

    def follow(self, bars: Sequence[DailyBar], held_event: Sequence[bool] | None = None) -> str | None:
        """Take the daily bars since the last session, oldest first, and see what is due.

        Neither the day of a dated event, of those that ``held_event`` marks, nor a jump is fed to the models in force,
        which do not explain it; after a jump others are due. Returns None, or a sentence a line: of each bar without a
        close, which is left out, of each jump, and of days that the models refuse.
        """
        good: list[DailyBar] = []
        held: list[bool] = []
        told: list[str] = []
        for bar, event in zip(bars, [False] * len(bars) if held_event is None else held_event, strict=True):
            self._event_left |= event
            if 0.0 < bar[3] < float(np.inf):
                good.append(bar)
                held.append(self._event_left)
                self._event_left = False
            else:
                told.append(f"a daily close must be finite and positive, but it is {bar[3]!r}: its bar is left out")
        if good:
            told += self._follow_good(good, held)
        for kept in (self._bars, self._held_event):
            del kept[: -(self._settings.garch_history + 1)]
        self._sessions += 1
        self.due = self._why()
        return "\n".join(told) or None

    def _follow_good(self, bars: Sequence[DailyBar], held_event: Sequence[bool]) -> list[str]:
        """Follow bars that have a close; what is to be told of them."""
        last = self._bars[-1] if self._bars else None
        self._bars.extend(bars)
        self._held_event.extend(held_event)
        self._since.extend(bars)
        kinds, told = self._watch.follow([bar[3] for bar in bars], held_event)
        self._since_are.extend(kinds)
        if self._model is not None and last is not None:
            try:
                self._filtered = _advanced(self._model, self._filtered, last, bars, kinds)
            except VolatilityError as error:
                told.append(str(error))
                self._watch.refuse()
                self._filtered = self._filtered.past(bars[-1])
            self._totals = None
            if self.unsettled and told:
                told.append("nothing is opened until models that know of it are in force")
        return told

    def ask(self) -> str:
        """Let a calibration be due because a person wants one; returns why there can be none, empty where there can."""
        if not self._bars:
            return "no daily bars are known"
        self.due = self.due or Due.OPERATOR
        return ""

    def request(self) -> CalibrationRequest:
        """What is due, to be asked for with all that is known now."""
        if self.due is None:
            raise RuntimeError("no calibration is due")
        why, self.due, self._since, self._since_are = self.due, None, [], []
        self._watch.ask()
        return CalibrationRequest(tuple(self._bars), tuple(self._held_event), self._settings, self._model, why)

    def refit_soon(self, sessions: int) -> None:
        """Have the models fitted anew with the next session, under settings that refit every so many ``sessions``."""
        self._sessions = max(self._sessions, sessions)

    def install(self, calibrated: Calibrated) -> None:
        """Let models count from now on, their states brought up to the last bar.

        :raises VolatilityError: for bars since the request that the new models refuse; the last ones stay in force.
        """
        fitted = _Filtered(
            calibrated.garch_state, calibrated.hybrid_state, calibrated.bar_state, regimes=calibrated.regime_state
        )
        self._filtered = _advanced(calibrated, fitted, calibrated.last, self._since, self._since_are)
        self._model, self._totals, self._sessions = calibrated, None, 1
        self._watch.install()
        if self.due is Due.JUMP:
            self.due = self._why()

    def volatility(self, years: float) -> float:
        """:meth:`volatility_over` the next ``years``, of 252 trading days spread evenly over them, at least one."""
        return self.volatility_over(max(years * TRADING_DAYS, 1.0))

    def volatility_over(self, days: float) -> float:
        """Annualized mean of the volatility, by 252, over the next ``days``, trading days of the variance clock.

        It is what an option at the money is priced at, so that it is compared with implied volatility as it is; the
        root of mean variance lies above both. NaN while not ready, and for days that are not known.
        """
        if self._model is None or self._filtered.garch is None or not days > 0.0:
            return float(np.nan)
        if self._model.hybrid is not None and self._filtered.hybrid is not None:
            totals = self._known_totals(self._model.hybrid, self._filtered.hybrid)
            return self._model.hybrid.expected_volatility(self._filtered.hybrid, days, totals=totals)
        return self._model.garch.expected_volatility(self._filtered.garch, days)

    def outlook(self, move: float, gone: float) -> "Outlook | None":
        """The forecast within a session; None where it cannot be told.

        ``move`` is the logarithmic return since the close before, ``gone`` the share of today's variance in it. The
        day counts as that move and one deviation of what is left of it, up or down: so the square that models are told
        of has the mean that is expected of it, and so has either sign. Its range is known to nobody yet, and counts the
        same square.
        """
        model = self._model
        if model is None or self._filtered.garch is None or not (0.0 <= gone <= 1.0 and math.isfinite(move)):
            return None
        today = self._filtered.volatility_over(model, 1.0)
        rest = math.sqrt((1.0 - gone) / TRADING_DAYS) * today
        try:
            up, down = (self._filtered.after(model, return_) for return_ in (move + rest, move - rest))
        except VolatilityError:  # a move that the models do not explain: of its close they are not told either
            return None
        return Outlook(model, today, 1.0 - gone, up, down)

    def band_over(self, days: float) -> tuple[float, float]:
        """The volatilities between which the next ``days`` should realize in nine cases of ten.

        Days count, and volatilities are annualized, as those of :meth:`volatility_over`. Realized is close to close, as
        hedging once a day realizes it. The band is the hybrid's about its root of mean variance, or that of GJR-GARCH
        alone.
        """
        if self._model is None or self._filtered.garch is None or not days > 0.0:
            return float(np.nan), float(np.nan)
        hybrid, state = self._model.hybrid, self._filtered.hybrid
        if hybrid is not None and state is not None:
            centre = hybrid.forecast_volatility(state, days, totals=self._known_totals(hybrid, state))
            low, high = hybrid.band_ratios(state, days)
            return centre * low, centre * high
        if self._model.alone is not None:
            return self._model.alone.forecast_band(HybridState((self._filtered.garch,)), days)
        return float(np.nan), float(np.nan)

    def _known_totals(self, hybrid: HybridForecast, state: HybridState) -> tuple[float, ...]:
        if self._totals is None:
            self._totals = hybrid.fitted_totals(state)
        return self._totals

    @property
    def regimes(self) -> list[tuple[float, float]]:
        """Annualized volatility and filtered probability of each regime, the calmest first; empty where none is known.

        They are of the last day seen. After a return that no regime allows none is known until the next calibration.
        """
        if self._model is None or self._model.regimes is None or self._filtered.regimes is None:
            return []
        probabilities = self._model.regimes.mix(self._filtered.regimes, 0).tolist()
        return list(zip(self._model.regimes.parameters.volatilities, probabilities, strict=True))

    def realized(self, days: int) -> float:
        """Close-to-close volatility of the last ``days`` returns about zero, annualized; NaN of fewer."""
        closes = [bar[3] for bar in self._bars[-days - 1 :]]
        return float(close_to_close(closes, centred=False)) if len(closes) > days else float(np.nan)

    def _why(self) -> Due | None:
        if self._model is None:
            return Due.FIRST
        if self._watch.due:
            return Due.JUMP
        if self._sessions > self._settings.garch_refit_sessions:
            return Due.SCHEDULE
        if self._settings.refit_on_change and self._filtered.change.alarm:
            return Due.CHANGE
        return None


def _advanced(
    model: Calibrated, filtered: _Filtered, last: DailyBar, bars: Sequence[DailyBar], kinds: Sequence[Day]
) -> _Filtered:
    """The states of ``model`` past the ``bars`` after ``last``; it is told of the usual days among them alone.

    :raises VolatilityError: for a bar that it refuses.
    """
    begin = 0
    for end, kind in [*enumerate(kinds), (len(bars), None)]:
        if kind is Day.USUAL:
            continue
        if begin < end:
            filtered = _past_usual(model, filtered, last, bars[begin:end])
        if kind is not None:
            last, begin = bars[end], end + 1
            filtered = filtered.past(last)
    return filtered


def _past_usual(model: Calibrated, filtered: _Filtered, last: DailyBar, bars: Sequence[DailyBar]) -> _Filtered:
    """The states of ``model`` past bars of usual days."""
    table = np.array([last, *bars], dtype=np.float64)
    returns = DailyHistory.from_returns(log_returns(table[:, 3]))
    path = model.garch.filter(returns, filtered.garch)
    _, hybrid, bar_state, change, regimes = filtered
    for residual in path.standardized_residuals.tolist():
        change = model.detector.update(change, residual)
    if model.hybrid is not None and hybrid is not None and bar_state is not None:
        for bar in filled_bars(table)[1:].tolist():
            bar_state, observation = observe(bar_state, *bar)
            hybrid = model.hybrid.update(hybrid, observation)
    if model.regimes is not None and regimes is not None:
        try:
            regimes = model.regimes.filter(returns, regimes).state
        except ObservationError:  # what forecasts has borne the day
            regimes = None
    return _Filtered(path.state, hybrid, bar_state, change, regimes)
