"""All settings of a run: one typed object, filled from config.json's parameters and the command line."""

import datetime as dt
import difflib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from alo_lib.records import HOUR, MILLISECOND, MINUTE
from alo_lib.strategy.settings import StrategySettings

__all__ = ["Settings", "SettingsError"]

_BAR = {"minute": MINUTE, "hour": HOUR}


class SettingsError(ValueError):
    """A setting is unknown, has the wrong type or lies outside its range; the message is one sentence."""


class Settings(StrategySettings):
    """What a run does: which underlyings, when, with how much, and how the strategy trades."""

    underlyings: tuple[str, ...] = Field(("ALFA", "BRVO"), min_length=1, description="tickers, separated by commas")
    start: dt.date = Field(dt.date(2024, 1, 2), description="first day, yyyy-mm-dd")
    end: dt.date = Field(dt.date(2024, 1, 31), description="last day, yyyy-mm-dd")
    cash: float = Field(1_000_000.0, gt=0, description="money at the start")
    resolution: Literal["minute", "hour"] = Field("minute", description="bars that are traded on")
    frame_milliseconds: int = Field(10, ge=1, le=1000, description="length of a frame")
    calibration_frames: int = Field(
        100, ge=1, le=360_000, description="frames from asking for a calibration to the first that may use it"
    )
    frames_per_bar: int = Field(4, ge=1, le=50, description="frames that may follow a bar")
    core_process: str = Field(
        "", pattern=r"^\w*$", description="name of the 'alo core' that decides for LEAN; empty: LEAN's own process does"
    )

    @field_validator("underlyings", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("underlyings")
    @classmethod
    def _distinct_tickers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        tickers = tuple(ticker.upper() for ticker in value)
        for ticker in tickers:
            if not ticker.replace(".", "").isalnum() or len(ticker) > 6:
                raise ValueError(f"{ticker!r} is not a ticker (one to six letters, digits or dots)")
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
                raise ValueError(f"{low} {getattr(self, low)} must not be above {high} {getattr(self, high)}")
        return self

    @classmethod
    def of(cls, *sources: Mapping[str, Any]) -> "Settings":
        """Settings from one or more mappings; later ones win. Names may use dashes as LEAN's parameters do.

        Raises SettingsError in one sentence that names the setting, its value and what is allowed.
        """
        merged = {name.replace("-", "_"): value for source in sources for name, value in source.items()}
        try:
            return cls.model_validate(merged)
        except ValidationError as error:
            raise SettingsError(_sentence(error)) from None

    @property
    def bar_nanoseconds(self) -> int:
        """Length of a bar."""
        return _BAR[self.resolution]

    @property
    def frame_nanoseconds(self) -> int:
        """Length of a frame."""
        return self.frame_milliseconds * MILLISECOND

    @property
    def calibration_nanoseconds(self) -> int:
        """Time from asking for a calibration to the first frame that may use it."""
        return self.calibration_frames * self.frame_nanoseconds

    @classmethod
    def parameters_of(cls, config: Path) -> dict[str, Any]:
        """The ``parameters`` of a LEAN project's config.json (none when the file does not exist)."""
        if not config.exists():
            return {}
        try:
            parameters = json.loads(config.read_text()).get("parameters", {})
        except (json.JSONDecodeError, AttributeError) as error:
            raise SettingsError(f"{config.name} is not a JSON object: {error}") from None
        if not isinstance(parameters, dict):
            raise SettingsError(f"parameters in {config.name} is {parameters!r}; it must be an object")
        return parameters


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"][:1])
    if first["type"] == "extra_forbidden":
        known = sorted(Settings.model_fields)
        meant = "".join(f" (did you mean {close}?)" for close in difflib.get_close_matches(name, known, 1))
        return f"unknown setting {name!r}{meant}; the settings are {', '.join(known)}"
    if first["type"] == "value_error":
        message = first["msg"].removeprefix("Value error, ")
    else:
        message = first["msg"][0].lower() + first["msg"][1:]
    return f"setting {name} = {first['input']!r}: {message}" if name else f"settings: {message}"
