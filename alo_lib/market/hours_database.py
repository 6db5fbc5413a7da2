"""LEAN's market-hours database: the file that says when each market and symbol trades.

Source: LEAN's ``MarketHoursDatabaseJsonConverter.cs`` and ``MarketHoursDatabase.cs``.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from alo_lib.market.calendar import HoursSegment, MarketHours, index_of_option
from alo_lib.market.faults import DataError
from alo_lib.market.layout import SecurityType, market_hours_path
from alo_lib.records.json_reading import json_of

__all__ = ["WEEKDAYS", "MarketHoursDatabase", "database_key"]

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_TYPE_NAMES = {
    SecurityType.EQUITY: "Equity",
    SecurityType.INDEX: "Index",
    SecurityType.OPTION: "Option",
    SecurityType.INDEX_OPTION: "IndexOption",
}


def database_key(security_type: SecurityType, symbol: str | None, market: str) -> str:
    """What the database calls an entry; without a symbol the one for all others of its type."""
    return f"{_TYPE_NAMES[security_type]}-{market}-{symbol.upper() if symbol else '[*]'}"


class MarketHoursDatabase:
    """The entries of one data folder's market-hours database, read once."""

    def __init__(self, path: Path, entries: Mapping[str, Any]) -> None:
        self.path = path
        self._entries = entries

    @classmethod
    def load(cls, data_folder: Path | str) -> Self:
        """Read the database of a LEAN data folder.

        :raises DataError: when it is missing or unreadable.
        """
        path = market_hours_path(Path(data_folder))
        try:
            entries = json_of(path.read_bytes())["entries"]
        except FileNotFoundError:
            raise DataError(f"there is no market-hours database at {path}; a LEAN data folder must have one") from None
        except (KeyError, TypeError):
            raise DataError(
                f'the market-hours database {path} is no object with "entries", which LEAN\'s has'
            ) from None
        except OSError as error:
            raise DataError(f"the market-hours database {path} cannot be read: {error}") from error
        except ValueError as error:
            raise DataError(f"the market-hours database {path} {error}") from error
        if not isinstance(entries, dict):
            raise DataError(f'"entries" of the market-hours database {path} is no object, which LEAN\'s is')
        return cls(path, entries)

    def hours(
        self, security_type: SecurityType = SecurityType.EQUITY, symbol: str | None = None, market: str = "usa"
    ) -> MarketHours:
        """The hours of ``symbol``, or of every symbol of the type.

        As in LEAN a symbol without an entry uses the market's ``[*]`` entry, an entry adds that one's holidays and
        early closes to its own, and an option without holidays takes its underlying's.

        :raises DataError: when there is no entry for the type, or it is unusable.
        """
        try:
            return self._hours(security_type, symbol, market)
        except (AttributeError, TypeError, ValueError, ZoneInfoNotFoundError) as error:
            raise DataError(f"the market-hours database {self.path} is unusable: {error}") from error
        except KeyError as error:
            raise DataError(f"the market-hours database {self.path} is unusable: an entry lacks {error}") from error

    def _hours(self, security_type: SecurityType, symbol: str | None, market: str) -> MarketHours:
        key, common_key = database_key(security_type, symbol, market), database_key(security_type, None, market)
        common = self._entries.get(common_key)
        entry = self._entries.get(key, common)
        if entry is None:
            raise DataError(f"no entry for {key} nor for {common_key}")

        hours = _hours_of(entry)
        if security_type.underlying is not security_type:
            underlying_symbol = index_of_option(symbol) if symbol else None
            hours = hours.inherit(self._hours(security_type.underlying, underlying_symbol, market))
        if entry is not common and common is not None:
            hours = hours.merge(_hours_of(common))
        return hours


def _hours_of(entry: Mapping[str, Any]) -> MarketHours:
    return MarketHours(
        exchange_zone=ZoneInfo(entry["exchangeTimeZone"]),
        data_zone=ZoneInfo(entry["dataTimeZone"]),
        week=tuple(
            tuple(
                HoursSegment(_offset(part["start"]), _offset(part["end"]), part["state"].lower())
                for part in entry.get(weekday) or ()
            )
            for weekday in WEEKDAYS
        ),
        holidays=frozenset(_slashed_date(text) for text in entry.get("holidays") or ()),
        early_closes={_slashed_date(day): _offset(time) for day, time in (entry.get("earlyCloses") or {}).items()},
        late_opens={_slashed_date(day): _offset(time) for day, time in (entry.get("lateOpens") or {}).items()},
    )


def _slashed_date(text: str) -> date:
    month, day, year = (int(part) for part in text.split("/"))
    return date(year, month, day)


def _offset(text: str) -> timedelta:
    """``hh:mm:ss`` or ``d:hh:mm:ss`` (also ``d.hh:mm:ss``) as .NET writes a time span."""
    parts = [int(part) for part in text.replace(".", ":").split(":")]
    days, hours, minutes, seconds = [0] * (4 - len(parts)) + parts
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
