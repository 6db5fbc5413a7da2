"""The one object of all settings, and what is said of settings that are not allowed."""

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Literal, Self, get_args, get_origin

from pydantic import ConfigDict, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from alo_lib.records import FIRST_DAY, LAST_DAY
from alo_lib.records.baskets import DISPERSION
from alo_lib.records.json_reading import json_of
from alo_lib.records.spelling import check_ticker, meant, number_of, spelled, unspelled, whole_number_of
from alo_lib.settings.basket import EXAMPLE, Basket
from alo_lib.settings.forecasting import ForecastSettings
from alo_lib.settings.limits import LimitSettings
from alo_lib.settings.market import MarketSettings
from alo_lib.settings.run import RunSettings
from alo_lib.settings.trading import TradingSettings
from alo_lib.settings.units import CONTRACTS_A_STRIKE, Unit, Words

__all__ = ["Parameters", "Settings", "SettingsError"]

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_LONGEST_ROOT: Final = 6
"""Characters of the underlying in an option's OSI symbol."""
_LIMITS: Final = {"ge": "from", "gt": "above", "le": "up to", "lt": "and below"}
_KINDS: Final[dict[Any, str]] = {
    bool: "true or false",
    dt.date: f"a day as yyyy-mm-dd, such as 2024-01-31, from {FIRST_DAY} to {LAST_DAY}",
    tuple[str, ...]: "tickers separated by commas, such as GOOG,BRK.B",
}
"""What a setting of a type may be, where its own bounds do not say."""
_DISORDER, _TOO_FEW, _NO_POLICY = "disorder", "too few", "no policy"
_NO_BASKET, _STRANGERS = "no basket", "strangers"
_OF_SEVERAL: Final = (_DISORDER, _TOO_FEW, _NO_POLICY, _NO_BASKET, _STRANGERS)
"""What is wrong with settings together, each of which is allowed."""
_IN_WORDS: Final = ("underlyings", "structures", "basket")
"""Settings whose validators say what is wrong."""
_HEDGES: Final = {
    "policy": ("policy",),
    "hedge_band": ("delta_band",),
    "risk_aversion": ("whalley_wilmott", "minimum_variance"),
    "skew_stickiness": ("minimum_variance",),
}
"""Settings that count by some values of ``hedge`` alone."""
_WHOSE: Final = ("underlyings", "start", "end")
"""Settings whose values stand in sentences about data, which do not say whose they are."""


class SettingsError(ValueError):
    """A setting is unknown, has the wrong type or lies outside its range; the message is one sentence."""


class Parameters(dict[str, Any]):
    """Settings that a file gives; sentences about one of them say so."""

    def __init__(self, values: Mapping[str, Any] = {}, *, file: str) -> None:
        super().__init__(values)
        self.file = file


class Settings(RunSettings, LimitSettings, TradingSettings, MarketSettings, ForecastSettings):
    """What a run does: which underlyings, when, with how much, and how the strategy trades.

    Volatilities and rates are decimals, money is the account's currency. The groups stand in the order in which they
    are shown from the last to the first, as pydantic takes the fields of bases.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    def traded_basket(self) -> Basket | None:
        """What dispersion is traded of; None where it is not traded."""
        return Basket.of(self.basket) if DISPERSION in self.structures else None

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

    @field_validator("underlyings", "structures", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("structures")
    @classmethod
    def _distinct_structures(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) != len(value):
            raise ValueError(f"{','.join(value)} names a structure twice")
        return value

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

    @field_validator("basket")
    @classmethod
    def _known_basket(cls, value: str) -> str:
        if value:
            Basket.of(value)
        return value

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
        if self.hedge == "policy" and not self.policy:
            raise PydanticCustomError(_NO_POLICY, "a policy is not named")
        if DISPERSION in self.structures and not self.basket:
            raise PydanticCustomError(_NO_BASKET, "a basket is not named")
        basket = self.traded_basket
        if basket is not None and (strangers := [name for name in basket.names if name not in self.underlyings]):
            raise PydanticCustomError(_STRANGERS, "{names}", {"names": ", ".join(strangers)})
        return self

    @classmethod
    def of(cls, *sources: Mapping[str, Any]) -> "Settings":
        """Settings from one or more mappings; later ones win. Names may have dashes, as LEAN's parameters do.

        Values may be text as people write it: ``2%`` or ``2 %`` for 0.02, and ``1,000,000``.

        :raises SettingsError: in one sentence that names the setting, its value and what is allowed.
        """
        merged: dict[str, Any] = {}
        for source in sources:
            given = {unspelled(name): value for name, value in source.items()}
            if len(given) < len(source):
                names = [unspelled(name) for name in source]
                twice = next(name for name in names if names.count(name) > 1)
                raise SettingsError(f"setting {spelled(twice)} is given twice, as {spelled(twice)} and {twice}")
            merged.update(given)
        try:
            return cls.model_validate(merged)
        except ValidationError as error:
            raise SettingsError(_sentence(error, merged, _files(sources))) from None

    @classmethod
    def problem_with(cls, name: str, value: object) -> str | None:
        """What is wrong with a value of one setting, in a sentence, whatever the others are; None where nothing is."""
        given = {unspelled(name): value}
        try:
            cls.model_validate(given)
        except ValidationError as error:
            if error.errors()[0]["type"] not in _OF_SEVERAL:
                return _sentence(error, given, {})
        return None

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
        if get_origin(kind) is tuple and get_origin(words := get_args(kind)[0]) is Literal:
            return f"one or more of {', '.join(get_args(words))}, separated by commas"
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
        if kind is str:
            return next(each.text for each in field.metadata if isinstance(each, Words))
        return _KINDS[kind]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a user should know of settings that are allowed, and do together what few can want, in sentences."""
        told = [
            f"{spelled(name)} {getattr(self, name)} does nothing with hedge {self.hedge}: "
            f"it is for {' or '.join(rules)}"
            for name, rules in _HEDGES.items()
            if self.hedge not in rules and getattr(self, name) != type(self).model_fields[name].default
        ]
        if self.basket and DISPERSION not in self.structures:
            told.append(f"basket {self.basket} does nothing without dispersion in structures")
        if self.exit_edge >= self.entry_edge:
            told.append(
                f"exit-edge {self.exit_edge:g} is not below entry-edge {self.entry_edge:g}: a trade can end as soon as "
                "it is opened and be opened anew, and pays spread and fees each time"
            )
        return tuple(told)

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
    if first["type"] == _NO_POLICY:
        return f"setting {_valued('hedge', given, files)} needs a file to hedge by: set policy, too"
    if first["type"] == _NO_BASKET:
        return f"setting {_valued('structures', given, files)} needs a basket: set basket, too, such as {EXAMPLE}"
    if first["type"] == _STRANGERS:
        basket, names = (_valued(each, given, files) for each in ("basket", "underlyings"))
        return f"setting {basket} names {first['ctx']['names']}, not among {names}"
    name = str(first["loc"][0])
    where = f" in {files[name]}" if name in files else ""
    if first["type"] == "extra_forbidden":
        close = Settings.meant_by(name)
        known = ", ".join(sorted(map(spelled, Settings.model_fields)))
        hint = f"; did you mean {close}?" if close else f"; the settings are {known}"
        return f"unknown setting {spelled(name)!r}{where}{hint}"
    if name in _IN_WORDS and first["type"] == "value_error":
        return f"setting {name}{where}: {first['msg'].removeprefix('Value error, ')}"
    value = given[name]
    shown = ",".join(map(str, value)) if isinstance(value, list | tuple) else value
    return f"setting {spelled(name)}{where} is {shown!r}; allowed: {Settings.allowed(name)}"


def _valued(name: str, given: Mapping[str, Any], files: Mapping[str, str]) -> str:
    """A setting's name and value, and where it comes from."""
    value = given.get(name, Settings.model_fields[name].default)
    value = ",".join(value) if isinstance(value, tuple) else value
    where = f" in {files[name]}" if name in files else "" if name in given else " (its default)"
    return f"{spelled(name)} {value}{where}"
