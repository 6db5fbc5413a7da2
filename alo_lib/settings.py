"""All settings of a run: one typed object, filled from config.json's parameters and the command line."""

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from alo_lib.records import FIRST_DAY, HOUR, LAST_DAY, MILLISECOND, MINUTE
from alo_lib.records.json_reading import json_of
from alo_lib.records.spelling import check_ticker, meant, number_of, spelled, unspelled, whole_number_of

__all__ = ["CONTRACTS_A_STRIKE", "CORE_NAME", "LARGEST_MOVE", "Parameters", "Settings", "SettingsError", "Unit"]

LARGEST_MOVE: Final = 100.0
"""The most that max-unexplained-move may allow."""

CORE_NAME: Final = r"^[A-Za-z_][A-Za-z0-9_]{0,31}$"
"""What a core may be called: it is a folder's name, and one word on a command line."""

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_LONGEST_ROOT: Final = 6
"""Characters of the underlying in an option's OSI symbol."""
_LIMITS: Final = {"ge": "from", "gt": "above", "le": "up to", "lt": "and below"}
_KINDS: Final[dict[Any, str]] = {
    bool: "true or false",
    dt.date: f"a day as yyyy-mm-dd, such as 2024-01-31, from {FIRST_DAY} to {LAST_DAY}",
    str: "up to 32 letters, digits and _, the first no digit; or nothing",
    tuple[str, ...]: "tickers separated by commas, such as GOOG,BRK.B",
}
"""What a setting of a type may be, where its own bounds do not say."""
CONTRACTS_A_STRIKE: Final = 2
"""A call and a put."""
_DISORDER, _TOO_FEW = "disorder", "too few"
_WHOSE: Final = ("underlyings", "start", "end")
"""Settings whose values stand in sentences about data, which do not say whose they are."""
_BAR = {"minute": MINUTE, "hour": HOUR}


class SettingsError(ValueError):
    """A setting is unknown, has the wrong type or lies outside its range; the message is one sentence."""


@dataclass(frozen=True)
class Unit:
    """What a setting's number counts, as people read it."""

    name: str


_A_YEAR: Final = Unit("a year; 0.01 is 1 %")
_VOLATILITY: Final = Unit("volatility; 0.01 is a point")
_VEGA: Final = Unit("share of equity, a volatility point")


class Parameters(dict[str, Any]):
    """Settings that a file gives; sentences about one of them say so."""

    def __init__(self, values: Mapping[str, Any] = {}, *, file: str) -> None:
        super().__init__(values)
        self.file = file


class Settings(BaseModel):
    """What a run does: which underlyings, when, with how much, and how the strategy trades.

    Volatilities and rates are decimals, money is the account's currency.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    # Volatility forecast
    garch_history: Annotated[int, Unit("daily closes")] = Field(
        1250, ge=260, le=5000, description="daily closes that a calibration looks back on"
    )
    garch_minimum: Annotated[int, Unit("daily returns")] = Field(
        250, ge=100, le=5000, description="daily returns without which nothing is forecast"
    )
    garch_refit_sessions: Annotated[int, Unit("sessions")] = Field(
        21, ge=1, le=252, description="sessions between two calibrations"
    )
    refit_on_change: bool = Field(True, description="calibrate when the model's scale stops fitting, too")
    hybrid_minimum: Annotated[int, Unit("daily returns")] = Field(
        750, ge=350, le=5000, description="daily returns below which GJR-GARCH forecasts without the hybrid"
    )

    # Which contracts are looked at
    min_days_to_expiry: Annotated[int, Unit("calendar days")] = Field(
        14, ge=1, le=730, description="calendar days; nearer expiries are not opened"
    )
    max_days_to_expiry: Annotated[int, Unit("calendar days")] = Field(
        120, ge=1, le=1100, description="calendar days; farther ones are not looked at"
    )
    strike_range: Annotated[float, Unit("share of the spot")] = Field(
        0.25, gt=0, le=2.0, description="|strike / spot - 1| beyond this is not subscribed"
    )
    max_contracts: Annotated[int, Unit("contracts")] = Field(
        10_000,
        ge=CONTRACTS_A_STRIKE,
        le=100_000,
        description="contracts subscribed at once in all underlyings, nearest the money first",
    )
    max_contracts_each: Annotated[int, Unit("contracts")] = Field(
        10_000,
        ge=CONTRACTS_A_STRIKE,
        le=100_000,
        description="contracts subscribed at once in one underlying, nearest the money first",
    )
    max_moneyness: Annotated[float, Unit("standard deviations")] = Field(
        0.75, gt=0, le=5.0, description="|log(strike / spot)| in standard deviations"
    )
    max_spread: Annotated[float, Unit("share of the mid")] = Field(
        0.15, gt=0, le=2.0, description="spread over mid above which a quote is passed over"
    )
    min_bid: Annotated[float, Unit("$ a share")] = Field(0.10, ge=0, le=1000.0, description="least bid of a leg")
    min_quote_size: Annotated[int, Unit("contracts")] = Field(
        1, ge=1, le=1_000_000, description="contracts that both sides of a leg must show"
    )
    min_open_interest: Annotated[int, Unit("contracts")] = Field(
        0, ge=0, le=1_000_000, description="contracts; 0 where the data has no open interest"
    )
    max_quote_age: Annotated[float, Unit("seconds")] = Field(
        600.0, gt=0, le=86_400.0, description="seconds after which a quote is stale"
    )

    # What trading is taken to cost
    fee_per_contract: Annotated[float, Unit("$ a contract")] = Field(
        1.0, ge=0, le=1000.0, description="money a contract and order, as edges count it"
    )
    short_margin: Annotated[float, Unit("share of the underlying's value")] = Field(
        0.2, gt=0, le=1.0, description="share of the underlying's value a short pair ties up"
    )

    # What a broker books overnight; live it books by itself
    interest: bool = Field(True, description="whether a backtest's cash bears interest and its short shares cost a fee")
    cash_spread: Annotated[float, _A_YEAR] = Field(
        0.005, ge=0, le=1.0, description="what cash earns below the benchmark rate, a year; at 1 it earns nothing"
    )
    debit_spread: Annotated[float, _A_YEAR] = Field(
        0.015, ge=0, le=1.0, description="what owed cash costs above the benchmark rate, a year"
    )
    borrow_fee: Annotated[float, _A_YEAR] = Field(
        0.0025, ge=0, le=10.0, description="fee on the value of short shares, a year"
    )

    # What is opened
    structure: Literal["straddle", "strangle"] = Field("straddle", description="same strike, or out-of-the-money legs")
    strangle_delta: Annotated[float, Unit("delta")] = Field(
        0.30, gt=0.02, lt=0.5, description="absolute delta of a strangle's legs"
    )
    direction: Literal["both", "long", "short"] = Field(
        "both", description="buy volatility (long), sell it (short), or either (both)"
    )
    entry_edge: Annotated[float, _VOLATILITY] = Field(
        0.02, ge=0, le=1.0, description="least edge after costs, as volatility"
    )
    max_structures: Annotated[int, Unit("structures")] = Field(
        2, ge=1, le=50, description="structures held at once in one underlying"
    )
    vega_budget: Annotated[float, _VEGA] = Field(
        0.0005, gt=0, le=0.05, description="vega per structure: equity gained or lost per volatility point"
    )
    participation: Annotated[float, Unit("share of the size")] = Field(
        1.0, gt=0, le=1.0, description="share of the displayed size that an order may take"
    )
    entry_delay: Annotated[float, Unit("seconds")] = Field(
        300.0, ge=0, le=86_400.0, description="seconds after the open before anything is opened"
    )
    entry_cutoff: Annotated[float, Unit("seconds")] = Field(
        900.0, ge=0, le=86_400.0, description="seconds before the close from which nothing is opened"
    )

    # How it is held
    hedge_band: Annotated[float, Unit("delta")] = Field(
        0.02, gt=0, le=1.0, description="net delta per held contract that triggers a hedge"
    )

    # When it is closed
    exit_edge: Annotated[float, _VOLATILITY] = Field(
        0.0, ge=-1.0, le=1.0, description="remaining edge at mid that ends a trade, as volatility"
    )
    max_holding_days: Annotated[float, Unit("calendar days")] = Field(
        30.0, gt=0, le=3650.0, description="calendar days a structure is held at most"
    )
    stop_loss: Annotated[float, Unit("share of the premium")] = Field(
        0.5, gt=0, le=10.0, description="loss over premium at entry that ends a trade"
    )
    exit_days_to_expiry: Annotated[float, Unit("calendar days")] = Field(
        6.0, ge=1, le=730.0, description="calendar days before expiry by which it is closed"
    )
    dividend_guard_days: Annotated[float, Unit("calendar days")] = Field(
        2.0, ge=0, le=365.0, description="calendar days before an ex-date: short calls are closed"
    )

    # What must never be exceeded
    max_vega: Annotated[float, _VEGA] = Field(
        0.003, gt=0, le=0.5, description="|vega| of the book: equity per volatility point"
    )
    max_margin: Annotated[float, Unit("share of equity")] = Field(
        0.5, gt=0, le=1.0, description="estimated margin over equity"
    )
    max_drawdown: Annotated[float, Unit("share of the highest equity")] = Field(
        0.2, gt=0, le=1.0, description="fall from the highest equity that flattens the book"
    )

    # The run
    underlyings: tuple[str, ...] = Field(("ALFA", "BRVO"), min_length=1, description="tickers, separated by commas")
    start: dt.date = Field(dt.date(2024, 1, 2), ge=FIRST_DAY, le=LAST_DAY, description="first day, yyyy-mm-dd")
    end: dt.date = Field(dt.date(2024, 1, 31), ge=FIRST_DAY, le=LAST_DAY, description="last day, yyyy-mm-dd")
    cash: Annotated[float, Unit("$")] = Field(1_000_000.0, ge=1.0, le=1e12, description="money at the start")
    min_coverage: Annotated[float, Unit("share of sessions")] = Field(
        0.8, ge=0, le=1.0, description="least share of sessions with data; 0 runs over whatever there is"
    )
    max_unexplained_move: Annotated[float, Unit("share of the price")] = Field(
        0.4,
        ge=0.1,
        le=LARGEST_MOVE,
        description="largest move of a price, overnight or from bar to bar, that no split or dividend explains",
    )
    resolution: Literal["minute", "hour"] = Field("minute", description="bars that are traded on")
    frame_milliseconds: Annotated[int, Unit("milliseconds")] = Field(
        10, ge=10, le=1000, description="length of a frame, into which its tasks fit"
    )
    calibration_frames: Annotated[int, Unit("frames")] = Field(
        100, ge=1, le=360_000, description="frames from asking for a calibration to the first that may use it"
    )
    frames_per_bar: Annotated[int, Unit("frames")] = Field(4, ge=1, le=50, description="frames that may follow a bar")
    core_process: str = Field(
        "",
        pattern=rf"^$|{CORE_NAME}",
        description="name of the 'alo core' that decides for LEAN; empty: LEAN's own process does",
    )

    @property
    def contracts_each(self) -> int:
        """The most contracts that are subscribed of each underlying: its limit, or an equal share of that of all."""
        return min(self.max_contracts_each, self.max_contracts // len(self.underlyings))

    @field_validator("*", mode="before")
    @classmethod
    def _as_people_write(cls, value: object, info: ValidationInfo) -> object:
        if not isinstance(value, str):
            return value
        kind = cls.model_fields[str(info.field_name)].annotation
        if kind is int:
            return whole_number_of(value)
        if kind is float:
            return number_of(value)
        if kind is dt.date and not _DAY.fullmatch(value.strip()):
            raise ValueError
        return value.strip()

    @field_validator("underlyings", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("underlyings")
    @classmethod
    def _distinct_tickers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        tickers = tuple(map(check_ticker, value))
        for ticker in tickers:
            if len(ticker) > _LONGEST_ROOT:
                raise ValueError(f"{ticker} has more than the {_LONGEST_ROOT} characters that an option's symbol keeps")
        if len(set(tickers)) != len(tickers):
            raise ValueError(f"{','.join(tickers)} names a ticker twice")
        return tickers

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for low, high in (
            ("start", "end"),
            ("min_days_to_expiry", "max_days_to_expiry"),
            ("exit_days_to_expiry", "min_days_to_expiry"),
            ("garch_minimum", "garch_history"),
            ("garch_minimum", "hybrid_minimum"),
        ):
            if getattr(self, low) > getattr(self, high):
                raise PydanticCustomError(_DISORDER, "{low} must not be above {high}", {"low": low, "high": high})
        if self.contracts_each < CONTRACTS_A_STRIKE:
            raise PydanticCustomError(_TOO_FEW, "a strike of each underlying does not fit")
        return self

    @classmethod
    def of(cls, *sources: Mapping[str, Any]) -> "Settings":
        """Settings from one or more mappings; later ones win. Names may have dashes, as LEAN's parameters do.

        Values may be text as people write it: ``2%`` or ``2 %`` for 0.02, and ``1,000,000``.

        :raises SettingsError: in one sentence that names the setting, its value and what is allowed.
        """
        merged = {unspelled(name): value for source in sources for name, value in source.items()}
        try:
            return cls.model_validate(merged)
        except ValidationError as error:
            raise SettingsError(_sentence(error, merged, _files(sources))) from None

    def named_with_files(self, sentence: str, *sources: Mapping[str, Any]) -> str:
        """A sentence about data, and which of the tickers and days in it a file among the ``sources`` gives.

        These are what the settings were made :meth:`of`.
        """
        files = _files(sources)
        told: dict[str, list[str]] = {}
        for name in _WHOSE:
            value = getattr(self, name)
            words = [word for word in (value if isinstance(value, tuple) else (str(value),)) if _has(sentence, word)]
            if words and name in files:
                told.setdefault(files[name], []).append(f"{spelled(name)} {','.join(words)}")
        return sentence + "".join(f" (in {file}: {', '.join(names)})" for file, names in told.items())

    @classmethod
    def meant_by(cls, name: str) -> str | None:
        """The setting, as people write it, that was meant by a name that is none; None where none is like it."""
        return meant(name, map(spelled, cls.model_fields))

    def as_parameters(self) -> dict[str, str]:
        """Every setting as LEAN's parameters have it: text by spelled name. :meth:`of` them gives the same settings."""
        return {
            spelled(name): ",".join(value) if isinstance(value, list) else str(value)
            for name, value in self.model_dump(mode="json").items()
        }

    @classmethod
    def unit_of(cls, name: str) -> str:
        """What a setting's number counts; empty where it is no number."""
        return next((each.name for each in cls.model_fields[name].metadata if isinstance(each, Unit)), "")

    @classmethod
    def allowed(cls, name: str) -> str:
        """What a setting may be, in words: its choices, its range, or how it is written."""
        field = cls.model_fields[name]
        kind = field.annotation
        if get_origin(kind) is Literal:
            return " or ".join(get_args(kind))
        if kind in (int, float):
            bounds = [
                (words, getattr(bound, key))
                for key, words in _LIMITS.items()
                for bound in field.metadata
                if hasattr(bound, key)
            ]
            ends = " ".join(
                f"{words} {limit:,g}" if limit < 1e6 else f"{words} {limit:,.0f}" for words, limit in bounds
            )
            return f"{'a whole number' if kind is int else 'a number'} {ends}"
        return _KINDS[kind]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a user should know of settings that are allowed, and do together what few can want, in sentences."""
        if self.exit_edge < self.entry_edge:
            return ()
        return (
            f"exit-edge {self.exit_edge:g} is not below entry-edge {self.entry_edge:g}: a trade can end as soon as it "
            "is opened and be opened anew, and pays spread and fees each time",
        )

    @property
    def bar_nanoseconds(self) -> int:
        """Length of a bar."""
        return _BAR[self.resolution]

    @property
    def quotes_are_dated(self) -> bool:
        """Whether a bar says, to the minute, when its last quote was made."""
        return self.resolution == "minute"

    @property
    def frame_nanoseconds(self) -> int:
        """Length of a frame."""
        return self.frame_milliseconds * MILLISECOND

    @property
    def calibration_nanoseconds(self) -> int:
        """Time from asking for a calibration to the first frame that may use it."""
        return self.calibration_frames * self.frame_nanoseconds

    @classmethod
    def parameters_of(cls, config: Path) -> Parameters:
        """The ``parameters`` of a LEAN project's config.json (none when the file does not exist)."""
        if not config.exists():
            return Parameters(file=config.name)
        try:
            content = json_of(config.read_bytes())
        except ValueError as error:
            raise SettingsError(f"{config.name} {error}") from None
        if not isinstance(content, dict):
            raise SettingsError(f"{config.name} holds a JSON {type(content).__name__}; it must hold an object")
        parameters = content.get("parameters", {})
        if not isinstance(parameters, dict):
            raise SettingsError(f"parameters in {config.name} is {parameters!r}; it must be an object")
        return Parameters(parameters, file=config.name)


def _files(sources: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Of each setting that a file gives, and nothing after it gives otherwise, the file."""
    files: dict[str, str] = {}
    for source in sources:
        for name in map(unspelled, source):
            files.pop(name, None)
            if isinstance(source, Parameters):
                files[name] = source.file
    return files


def _has(sentence: str, word: str) -> bool:
    """Whether a sentence names a ticker or a day."""
    return re.search(rf"(?<![\w.-]){re.escape(word)}(?![\w-])", sentence) is not None


def _sentence(error: ValidationError, given: Mapping[str, Any], files: Mapping[str, str]) -> str:
    """What is wrong with a setting, and in which file where one gives it."""
    first = error.errors()[0]
    if first["type"] == _DISORDER:
        low, high = (_valued(first["ctx"][end], given, files) for end in ("low", "high"))
        return f"setting {low} must not be above {high}"
    if first["type"] == _TOO_FEW:
        most, names = (_valued(each, given, files) for each in ("max_contracts", "underlyings"))
        return f"setting {most} is too few for {names}: each needs {CONTRACTS_A_STRIKE}, a call and a put"
    name = str(first["loc"][0])
    where = f" in {files[name]}" if name in files else ""
    if first["type"] == "extra_forbidden":
        close = Settings.meant_by(name)
        known = ", ".join(sorted(map(spelled, Settings.model_fields)))
        hint = f"; did you mean {close}?" if close else f"; the settings are {known}"
        return f"unknown setting {spelled(name)!r}{where}{hint}"
    if name == "underlyings" and first["type"] == "value_error":
        return f"setting underlyings{where}: {first['msg'].removeprefix('Value error, ')}"
    value = given[name]
    shown = ",".join(map(str, value)) if isinstance(value, list | tuple) else value
    return f"setting {spelled(name)}{where} is {shown!r}; allowed: {Settings.allowed(name)}"


def _valued(name: str, given: Mapping[str, Any], files: Mapping[str, str]) -> str:
    """A setting's name and value, and where it comes from."""
    value = given.get(name, Settings.model_fields[name].default)
    where = f" in {files[name]}" if name in files else "" if name in given else " (its default)"
    return f"{spelled(name)} {value}{where}"
