"""The sweep that a file and options ask for."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from alo_lib.market import DataFolder, SecurityType
from alo_lib.market.generator.exchange import equity_hours
from alo_lib.market.generator.truth import MarketTruth, sentence_of
from alo_lib.records.json_reading import json_object_of, json_of
from alo_lib.records.spelling import meant, spelled, unspelled, whole_number_of
from alo_lib.settings import Settings
from alo_lib.simulation.engine import run_program
from alo_lib.sweep import SweepError
from alo_lib.sweep.conditions import Window, conditions, walk_forward
from alo_lib.sweep.options import CHOICES, COUNTS
from alo_lib.sweep.plan import Sweep
from alo_lib.sweep.space import RANGE, TOGETHER, axes_of

__all__ = ["KEYS", "Asked", "asked_of", "file_of", "sweep_of", "truth_of_file"]

KEYS: Final = {
    "set": "an object of settings",
    **{name: " or ".join(words) for name, words in CHOICES.items()},
    **{name: f"a whole number from {count.low:,} to {count.high:,}" for name, count in COUNTS.items()},
    "seeds": "seeds of markets, such as '1..8' or [1, 2, 5]",
    "truth": "an object, as truth.json of a generated market",
    "data": "a folder in LEAN's format",
    "underlyings": "tickers, such as ['GOOG', 'AAPL+SPY']",
    "windows": "windows, such as ['2024-01-02..2024-01-31']",
    "walk_forward": "sessions to choose by and to try on, such as '20:5'",
}
"""What a file of a sweep may hold, and what each is."""

_MOST_SEEDS: Final = 10_000
_WALK: Final = re.compile(r"(\d{1,5}):(\d{1,5})")


@dataclass(frozen=True)
class Asked:
    """What a file or options say, as they say it."""

    values: Mapping[str, Any]

    def text(self, name: str) -> str | None:
        """A text; SweepError where it is none."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, str):
            raise self._wrong(name)
        return value

    def count(self, name: str) -> int:
        """A whole number within its bounds."""
        low, high, default = COUNTS[name]
        value = self.values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self._wrong(name)
        return value

    def choice(self, name: str) -> Any:
        """One of the words that it may be, the first by default."""
        value = self.values.get(name, CHOICES[name][0])
        if value not in CHOICES[name]:
            raise self._wrong(name)
        return value

    def texts(self, name: str) -> list[str]:
        """Texts, given as a list or one; none where nothing is said."""
        value = self.values.get(name, [])
        listed = [value] if isinstance(value, str) else value
        if not isinstance(listed, list | tuple) or not all(isinstance(each, str) for each in listed):
            raise self._wrong(name)
        return list(listed)

    def settings(self) -> dict[str, Any]:
        """What settings are set to, by name."""
        value = self.values.get("set", {})
        if not isinstance(value, dict):
            raise self._wrong("set")
        named = [unspelled(name.strip()) for name in value]
        if twice := next((name for name in named if named.count(name) > 1), None):
            raise SweepError(f"setting {spelled(twice)} is varied twice")
        return dict(zip(named, value.values(), strict=True))

    def seeds(self) -> list[int]:
        """Seeds of markets; none where the data are not generated."""
        value = self.values.get("seeds")
        if value is None:
            return []
        try:
            if isinstance(value, str) and value.count(RANGE) == 1:
                low, high = map(whole_number_of, value.split(RANGE))
                if high - low >= _MOST_SEEDS:
                    raise SweepError(f"seeds {value} are {high - low + 1:,}; at most {_MOST_SEEDS:,} are allowed")
                seeds = list(range(low, high + 1))
            else:
                listed = value.split(",") if isinstance(value, str) else value
                if isinstance(listed, bool | float | dict) or any(isinstance(each, bool | float) for each in listed):
                    raise self._wrong("seeds")
                seeds = [whole_number_of(str(each)) for each in listed]
        except (TypeError, ValueError) as error:
            raise error if isinstance(error, SweepError) else self._wrong("seeds") from None
        if not seeds or min(seeds) < 0 or max(seeds) >= 2**63 or len(set(seeds)) < len(seeds):
            raise SweepError(f"seeds {value} are none, or one of them twice; {KEYS['seeds']}, from 0 to 2^63 - 1")
        return seeds

    def _wrong(self, name: str) -> SweepError:
        return SweepError(f"{name} of the sweep is {self.values[name]!r}; it must be {KEYS[name]}")


def file_of(path: Path) -> dict[str, Any]:
    """What a file of a sweep holds. SweepError when it is none."""
    try:
        json_object_of(path, "file of a sweep")
    except ValueError as error:
        raise SweepError(str(error)) from None
    try:
        content: dict[str, Any] = json_of(path.read_bytes(), each_once=True)
    except ValueError as error:
        raise SweepError(f"{path} is no file of a sweep: it {error}") from None
    for name in content:
        if name not in KEYS:
            close = meant(name, KEYS)
            hint = f"did you mean {close}" if close else f"allowed are {', '.join(KEYS)}"
            raise SweepError(f"{path} is no file of a sweep: it says {name!r}; {hint}")
    if content.get("data") is not None and isinstance(content["data"], str):
        content["data"] = str(path.absolute().parent / content["data"])
    return content


def truth_of_file(path: Path) -> dict[str, Any]:
    """What a file says that markets are made from, but for their seed. SweepError when it is no truth of a market."""
    try:
        content = json_object_of(path, "truth of a market")
        _require_names(content, f"{path} is no truth of a market")
        truth = MarketTruth.model_validate(content)
    except ValidationError as error:
        raise SweepError(f"{path} is no truth of a market: {sentence_of(error)}") from None
    except ValueError as error:
        raise SweepError(str(error)) from None
    return _seedless(truth)


def asked_of(file: Path | None, options: Mapping[str, Any]) -> Asked:
    """What a file says and options change; settings are changed one by one."""
    said = {} if file is None else file_of(file)
    given = {name: value for name, value in options.items() if value not in (None, (), {})}
    both = said | given
    if "set" in said and "set" in given:
        both["set"] = {**Asked(said).settings(), **given["set"]}
    return Asked(both)


def sweep_of(asked: Asked, shared: Mapping[str, Any], data: Path | None) -> Sweep:
    """The sweep over ``data`` (None: on generated markets) whose settings begin with the ``shared`` ones.

    :raises SweepError: in one sentence, for what is wrong with it.
    :raises SettingsError: for settings that all trials share.
    """
    every = axes_of(asked.settings())
    fixed = {axis.setting: axis.values[0] for axis in every if len(axis.values) == 1}
    axes = tuple(axis for axis in every if axis.setting not in fixed)
    base = {unspelled(name): str(value) for name, value in shared.items()} | fixed
    settings = Settings.of({name: value for name, value in base.items() if name not in {axis.setting for axis in axes}})
    underlyings = [_tickers(text) for text in asked.texts("underlyings")] or [",".join(settings.underlyings)]
    windows = [_window(text) for text in asked.texts("windows")] or [Window(settings.start, settings.end)]
    _require_each_once("underlying", underlyings)
    _require_each_once("window", [f"{each.start}{RANGE}{each.end}" for each in windows])
    seeds: list[int | None] = [*asked.seeds()]
    if (walk := asked.text("walk_forward")) is not None:
        windows = _walked(walk, windows, data, underlyings)
    truth = _truth(asked, windows) if seeds else None
    if not seeds and asked.values.get("truth") is not None:
        raise SweepError("truth of the sweep is given without seeds: name those of the markets to be generated")
    return Sweep(
        axes=axes,
        base={name: value for name, value in base.items() if name not in ("underlyings", "start", "end")},
        conditions=tuple(conditions(windows, underlyings, seeds or [None])),
        sampler=asked.choice("sampler"),
        by=asked.choice("by"),
        trials=asked.count("trials"),
        points=asked.count("points"),
        batch=asked.count("batch"),
        seed=asked.count("seed"),
        truth=truth,
        data=None if data is None else str(data.resolve()),
        program=run_program(),
    )


def _require_each_once(what: str, given: Sequence[str]) -> None:
    if twice := next((each for each in given if given.count(each) > 1), None):
        raise SweepError(f"{what} {twice.replace(',', TOGETHER)} is given twice")


def _tickers(text: str) -> str:
    names = text.replace(TOGETHER, ",")
    if (problem := Settings.problem_with("underlyings", names)) is not None:
        raise SweepError(problem)
    return ",".join(name.strip().upper() for name in names.split(","))


def _window(text: str) -> Window:
    ends = [end.strip() for end in text.split(RANGE)]
    if len(ends) != 2:
        raise SweepError(f"window {text!r} is none; write START..END, such as 2024-01-02..2024-01-31")
    for name, end in zip(("start", "end"), ends, strict=True):
        if (problem := Settings.problem_with(name, end)) is not None:
            raise SweepError(f"window {text!r}: {problem}")
    first, last = map(dt.date.fromisoformat, ends)
    if last < first:
        raise SweepError(f"window {text!r} is empty: it ends before it starts")
    return Window(first, last)


def _walked(text: str, windows: Sequence[Window], data: Path | None, underlyings: Sequence[str]) -> list[Window]:
    """Windows that walk forward through the one that is given."""
    found = _WALK.fullmatch(text.strip())
    if not found or not int(found[1]) or not int(found[2]):
        raise SweepError(f"walk-forward {text!r} is none; write TRAIN:TEST in sessions, such as 20:5")
    if len(windows) > 1:
        raise SweepError(f"there are {len(windows)} windows; one is walked through")
    ((start, end, *_),) = windows
    if data is None:
        days = [session.day for session in equity_hours(start.year, end.year).sessions(start, end)]
    else:
        ticker = underlyings[0].partition(",")[0]
        days = list(DataFolder(data).hours(SecurityType.EQUITY, ticker).trading_days(start, end))
    return walk_forward(days, int(found[1]), int(found[2]))


def _truth(asked: Asked, windows: Sequence[Window]) -> dict[str, Any]:
    """What generated markets are made from, but for their seed; without one they last as long as the windows."""
    given = asked.values.get("truth")
    days: dict[str, Any] = {"start": min(each.start for each in windows), "end": max(each.end for each in windows)}
    if given is not None and not isinstance(given, dict):
        raise SweepError(f"truth of the sweep is {given!r}; it must be {KEYS['truth']}")
    values: dict[str, Any] = days if given is None else given
    _require_names(values, "truth of the sweep")
    try:
        truth = MarketTruth.model_validate(values)
    except ValidationError as error:
        names = [str(name.get("ticker")) for name in values.get("names", ()) if isinstance(name, dict)]
        raise SweepError(f"truth of the sweep: {sentence_of(error, names)}") from None
    if not truth.start <= days["start"] <= days["end"] <= truth.end:
        raise SweepError(
            f"windows from {days['start']} to {days['end']} are asked for; "
            f"the generated markets last from {truth.start} to {truth.end}"
        )
    return _seedless(truth)


def _require_names(truth: Mapping[str, Any], what: str) -> None:
    names = truth.get("names", [{}])
    if not isinstance(names, list | tuple) or not names:
        raise SweepError(f"{what}: names is {names!r}; it must be a list of objects, at least one")


def _seedless(truth: MarketTruth) -> dict[str, Any]:
    """A truth as a file has it, but for its seed."""
    return truth.model_dump(mode="json", exclude={"seed"})
